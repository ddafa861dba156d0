"""Inner splits follow the outer folds: groups, classes, order; every row is used."""

import numpy as np
import pytest

from podium.config.folds import SCHEMES
from podium.data.inner import Inner
from podium.io.errors import PodiumError

ROWS = 60


def make(scheme="kfold", rows=ROWS, classes=None, groups=None, seed=0, times=None, gap=0):
    said: list[str] = []
    inner = Inner("fold0", rows, SCHEMES[scheme], seed, said.append, classes, groups, times, gap)
    return inner, said


def parts(inner, share=0.2, count=5):
    """The holdout and the inner folds."""
    return [inner.hold_out(share), *inner.folds(count)]


GROUPS = np.arange(ROWS) % 12
CLASSES = (np.arange(ROWS) % 3 == 0).astype(float)
KINDS = [
    ("kfold", {}),
    ("stratified", {"classes": CLASSES}),
    ("group", {"groups": GROUPS}),
    ("group", {"groups": GROUPS, "classes": CLASSES}),
    ("contiguous", {}),
    ("contiguous", {"classes": CLASSES}),
    ("contiguous", {"times": np.random.default_rng(0).permutation(ROWS) // 2}),
    ("stratified_group", {"groups": GROUPS, "classes": CLASSES}),
    ("column", {"groups": GROUPS % 4}),
]


@pytest.mark.parametrize(("scheme", "kind"), [*KINDS, ("time", {"times": np.arange(ROWS)[::-1]})])
def test_some_rows_are_split_as_if_they_were_all(scheme, kind):
    places = np.flatnonzero(np.arange(ROWS) % 4)
    some = {name: values[places] for name, values in kind.items()}
    inner, alone = make(scheme, **kind)[0].part(places), make(scheme, len(places), **some)[0]
    for own, other in zip(parts(inner), parts(alone), strict=True):
        np.testing.assert_array_equal(own[0], other[0])
        np.testing.assert_array_equal(own[1], other[1])


@pytest.mark.parametrize(("scheme", "kind"), KINDS)
def test_every_row_is_on_one_side(scheme, kind):
    inner, said = make(scheme, **kind)
    for train, held in parts(inner):
        assert sorted([*train, *held]) == list(range(ROWS))
        assert min(len(train), len(held)) >= ROWS // 6
    assert sorted(np.concatenate([held for _, held in inner.folds(5)])) == list(range(ROWS))
    assert said == []


# With a hole where the outer fold is validated.
HOLED = np.random.default_rng(0).permutation(np.r_[0:40, 60:80])


@pytest.mark.parametrize("gap", [0, 3])
def test_inner_splits_of_time_never_look_ahead(gap):
    inner, said = make("time", times=HOLED, gap=gap)
    for train, held in parts(inner):
        assert HOLED[train].max() < HOLED[held].min() - gap
    assert HOLED[inner.hold_out(0.2)[1]].min() == 68
    assert len(inner.folds(4)) == 4
    assert said == []


def test_inner_splits_of_purged_folds_keep_the_gap_on_both_sides():
    inner, said = make("purged", times=HOLED, gap=3)
    for train, held in parts(inner):
        assert np.abs(HOLED[train][:, None] - HOLED[held]).min() > 3
    held = np.concatenate([held for _, held in inner.folds(5)])
    assert sorted(held) == list(range(ROWS))
    # The hole is a gap already.
    train, held = inner.folds(3)[2]
    assert (HOLED[held].min(), len(train)) == (60, 40)
    assert said == []


def test_rows_of_a_time_are_held_out_together():
    times = np.repeat(np.arange(6), [20, 10, 10, 10, 5, 5])
    train, held = make("time", times=times)[0].hold_out(0.2)
    assert times[train].max() + 1 == times[held].min() == 4
    train, held = make("time", times=np.repeat([0, 1], [5, 55]))[0].hold_out(0.2)
    assert (len(train), len(held)) == (5, 55)


def test_a_gap_that_leaves_nothing_is_left_away_with_a_warning():
    inner, said = make("time", gap=55)
    assert [len(part) for part in inner.hold_out(0.2)] == [48, 12]
    assert "folds.gap 55 leaves no training rows to tune the model on" in said[0]


def test_a_single_time_is_split_at_random_with_a_warning():
    inner, said = make("time", times=np.zeros(ROWS, dtype=np.int64))
    assert len(parts(inner)) == 6
    assert "of a single time" in said[0]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_times_have_few_inner_folds(count):
    inner, _ = make("time", rows=count, times=np.arange(count))
    found = inner.folds(5)
    assert len(found) == max(1, count - 1)
    for train, held in found:
        assert train.max() < held.min()


def test_given_folds_are_kept_whole_and_rows_without_one_only_trained_on():
    folds = np.arange(ROWS) % 5 - 1
    inner, said = make("column", groups=folds)
    for train, held in parts(inner):
        assert set(folds[held]).isdisjoint(folds[train])
        assert -1 not in folds[held]
        assert np.isin(np.flatnonzero(folds == -1), train).all()
    assert len(inner.folds(5)) == 4
    assert said == []


def test_inner_splits_by_group_keep_the_shares_of_classes():
    groups, classes = np.arange(600) // 5, (np.arange(600) // 5 % 4 == 0).astype(float)
    inner, _ = make("stratified_group", rows=600, groups=groups, classes=classes)
    for train, held in parts(inner):
        assert not set(groups[train]) & set(groups[held])
        assert classes[held].mean() == pytest.approx(0.25, abs=0.03)
        assert len(held) == pytest.approx(120, abs=20)


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_a_group_is_never_on_both_sides(classes):
    inner, _ = make("group", groups=GROUPS, classes=classes)
    for train, held in parts(inner):
        assert not set(GROUPS[train]) & set(GROUPS[held])


def test_groups_of_any_size_are_held_out_near_the_share():
    groups = np.repeat(np.arange(8), [100, 3, 5, 40, 7, 9, 20, 16])
    for seed in range(10):
        held = make("group", rows=200, groups=groups, seed=seed)[0].hold_out(0.2)[1]
        assert 20 <= len(held) <= 60


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_in_time_the_last_rows_are_held_out_and_inner_folds_are_contiguous(classes):
    inner, _ = make("contiguous", classes=classes)
    assert inner.hold_out(0.2)[1].tolist() == list(range(48, 60))
    for _, held in inner.folds(5):
        assert (np.diff(held) == 1).all()


@pytest.mark.parametrize("scheme", ["kfold", "stratified"])
def test_shuffled_rows_keep_the_shares_of_classes(scheme):
    inner, _ = make(scheme, classes=np.sort(CLASSES))
    for _, held in parts(inner):
        assert np.sort(CLASSES)[held].mean() == pytest.approx(CLASSES.mean(), abs=0.05)
        assert (np.diff(held) != 1).any()


@pytest.mark.parametrize(("scheme", "kind"), KINDS[:4])
def test_the_seed_decides_what_is_held_out(scheme, kind):
    held = [make(scheme, seed=seed, **kind)[0].hold_out(0.2)[1].tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


def test_fewer_rows_than_inner_folds_is_a_warning():
    inner, said = make(rows=3)
    assert len(inner.folds(5)) == 3
    assert said == ["fold0: 3 training rows for 5 inner folds; 3 are used"]


def test_fewer_groups_than_inner_folds_is_a_warning():
    inner, said = make("group", groups=np.arange(ROWS) % 2)
    assert len(inner.folds(5)) == 2
    assert said == ["fold0: 2 groups for 5 inner folds; 2 are used"]


def test_a_single_group_is_split_by_rows_with_a_warning():
    inner, said = make("group", groups=np.zeros(ROWS, dtype=np.int64))
    assert len(parts(inner)) == 6
    assert "a single group" in said[0]


@pytest.mark.parametrize("split", [lambda one: one.hold_out(0.2), lambda one: one.folds(5)])
def test_one_row_is_an_error_that_says_what_to_do(split):
    with pytest.raises(PodiumError, match="fold0 has 1 training row, and tuning needs 2"):
        split(make(rows=1)[0])


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_of_two_rows_one_is_held_out(share):
    for scheme in ("kfold", "contiguous"):
        assert [len(part) for part in make(scheme, rows=2)[0].hold_out(share)] == [1, 1]


def test_a_rare_class_does_not_stop_inner_folds():
    classes = np.array([0.0] * 20 + [1.0] * 2)
    assert len(make(rows=22, classes=classes)[0].folds(5)) == 5
