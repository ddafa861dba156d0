"""Pruners: who falls behind leaves, who is good stays."""

import numpy as np
import pytest

from podium.stages.tune.prune import PRUNERS

EPOCHS, FOLDS = 18, 5


def run(name, levels, sign=1.0, finished=()):
    """The epoch at which each trial left, None where it stayed; each has a constant level."""
    pruner = PRUNERS[name](sign)
    for level in finished:
        pruner.finished.append({e: np.full(FOLDS, sign * level) for e in range(1, EPOCHS + 1)})
    pruner.start([EPOCHS] * len(levels))
    rng = np.random.default_rng(0)
    left = dict.fromkeys(range(len(levels)))
    for epoch in range(1, EPOCHS + 1):
        scores = {
            place: levels[place] + rng.normal(0, 0.001, FOLDS)
            for place, when in left.items()
            if when is None
        }
        for place in pruner(epoch, scores):
            left[place] = epoch
    return left


@pytest.mark.parametrize("name", ["median", "halving", "wilcoxon"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_best_stays_and_the_worst_leaves(name, sign):
    levels = [sign * level for level in (1, 2, 3, 4, 5, 6, 7, 8)]
    left = run(name, levels, sign)
    assert left[0] is None
    assert left[7] is not None


@pytest.mark.parametrize("name", PRUNERS)
def test_nobody_leaves_at_the_first_epoch_and_equals_are_not_all_sent_away(name):
    left = run(name, [1.0] * 6)
    assert None in left.values()
    assert 1 not in left.values()


def test_none_lets_all_stay():
    assert set(run("none", [1, 5, 9, 99, 100]).values()) == {None}


@pytest.mark.parametrize("name", ["median", "halving", "wilcoxon"])
def test_trials_of_earlier_batches_count(name):
    assert run(name, [5, 6], finished=[1, 1.1, 1.2, 1.3])[1] is not None


def test_the_median_keeps_the_better_half_to_the_end():
    left = run("median", list(range(1, 13)))
    assert [place for place, when in left.items() if when is None] == list(range(6))


def test_halving_leaves_a_third_at_each_rung():
    left = run("halving", list(range(1, 10)))
    assert sum(when is None for when in left.values()) <= 3
    assert set(left.values()) <= {None, 2, 6}


def test_a_diverged_trial_is_the_worst():
    left = run("median", [1, 2, 3, 4, 5, float("nan")])
    assert left[5] is not None


def test_wilcoxon_needs_folds_that_agree():
    pruner = PRUNERS["wilcoxon"]()
    pruner.start([10, 10])
    good = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
    mixed = good + [1.0, -0.9, 1.0, -0.9, 0.1]
    assert pruner(5, {0: good, 1: mixed}) == set()
    assert pruner(6, {0: good, 1: good + 0.1}) == {1}
