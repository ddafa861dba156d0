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
    left = run("halving", list(range(1, 28)))
    assert [left[place] for place in range(27)] == [*[None] * 3, *[6] * 6, *[2] * 18]


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


def race(scores, sign=1.0, raced=(), kept=()):
    """The places that leave, of trials with these scores of folds."""
    pruner = PRUNERS["folds"](sign, raced=[sign * np.array(own, dtype=float) for own in raced])
    pruner.start([EPOCHS] * len(scores), kept)
    return pruner.race({place: np.array(own, float) for place, own in enumerate(scores)})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_better_half_races_on(sign):
    scores = [[sign * level] for level in (3, 1, 6, 2, 5, 4)]
    assert race(scores, sign) == {2, 4, 5}


def test_all_that_race_are_compared_on_the_same_folds():
    # Their other folds were harder: what counts is the first.
    raced = [[1, 9, 9, 9, 9], [1.1, 9, 9, 9, 9], [1.2], [1.3]]
    assert race([[1.05], [1.25]], raced=raced) == {1}
    # Of two folds only the first two trials are known: too few to fall behind of.
    assert race([[3, 99]], raced=raced) == set()


def test_who_is_kept_stays_and_who_diverged_goes():
    scores = [[9], [1], [2], [3], [float("nan")]]
    assert race(scores) == {0, 4}
    assert race(scores, kept=[0]) == {4}
    assert race([[9], [1], [2]]) == set()


def test_a_race_remembers_earlier_batches():
    pruner = PRUNERS["folds"]()
    pruner.start([EPOCHS] * 4)
    pruner.race({place: np.array([1.0 + place]) for place in range(4)})
    pruner.start([EPOCHS])
    assert pruner.race({0: np.array([3.5])}) == {0}
    assert pruner.race({0: np.array([1.5])}) == set()


@pytest.mark.parametrize("name", ["median", "halving", "wilcoxon"])
def test_who_is_kept_is_not_sent_away_after_an_epoch(name):
    pruner = PRUNERS[name]()
    pruner.start([EPOCHS] * 6, kept=[0])
    left = set()
    for epoch in range(1, EPOCHS + 1):
        left |= pruner(epoch, {place: np.full(FOLDS, 9.0 - place) for place in range(6)})
    assert 0 not in left
    assert 1 in left
