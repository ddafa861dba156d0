"""The budget: batches that fit, time that is kept for the confirmation."""

import time

import pytest

from podium.models.trials import TrialFit
from podium.stages.tune.budget import Budget


def fits(count):
    return [TrialFit(1.0, [], 1.0, "complete") for _ in range(count)]


def test_trials_alone():
    budget = Budget(None, 10, in_batches=True, size=4)
    sizes = []
    while count := budget.next_batch():
        sizes.append(count)
        budget.measured(fits(count), 1.0)
    assert sizes == [4, 4, 2]
    assert budget.deadline is None
    assert budget.confirms_whole


def test_models_that_are_fitted_alone_come_one_by_one():
    assert Budget(10, None, in_batches=False).next_batch() == 1


def test_a_batch_takes_a_fifth_of_the_time_that_is_left():
    budget = Budget(10, None, in_batches=True)
    budget.measured(fits(4), 20.0)
    left = budget.deadline - time.monotonic()
    assert budget.next_batch() == pytest.approx(0.2 * left / 5, abs=1)
    # Trials that left early cost less than those that stayed, so that more of them are asked for.
    pruned = [TrialFit(None, [], 1.0, "pruned", share=0.1) for _ in range(10)]
    budget.measured([*fits(1), *pruned], 20.0)
    assert budget.each == pytest.approx(10.0)
    left = budget.deadline - time.monotonic()
    assert budget.next_batch() == pytest.approx(min(32, 0.2 * left / (10 * 2 / 11)), abs=1)
    # One that was cut off says nothing.
    budget.measured([*fits(3), TrialFit(None, [], 1.0, "out_of_time")], 1.0)
    assert budget.each == pytest.approx(10.0)


def test_time_is_kept_for_the_confirmation():
    budget = Budget(10, None, in_batches=True, dearer=4.0)
    first = budget.deadline
    budget.measured(fits(4), 20.0)
    assert budget.confirms_whole
    assert first < budget.deadline < budget.started + 600 - 2 * 4 * 5
    # Dearer models are confirmed with one seed rather than after half a search.
    budget.measured(fits(1), 40.0)
    assert not budget.confirms_whole
    assert budget.deadline < budget.started + 600 - 2 * 40
    assert budget.last_moment <= budget.started + 1.05 * 600


def test_the_search_ends_where_no_trial_fits_any_more():
    budget = Budget(1, None, in_batches=True)
    budget.started -= 25
    budget.measured(fits(1), 20.0)
    assert budget.next_batch() == 0
