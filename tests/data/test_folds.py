"""Folds: complete, disjoint, the same for the same seed."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from podium.config import Folds
from podium.data.dataset import fold_splits, folds_frame, read_folds
from podium.data.folds import assign_folds, target_bins, trained_rows
from podium.io.errors import KeyedError
from projects import ROOT

Y = np.arange(103) % 3


@pytest.mark.parametrize("scheme", ["kfold", "stratified", "contiguous", "group"])
@pytest.mark.parametrize("count", [2, 5, 7])
def test_every_row_is_validated_once(scheme, count):
    groups = pd.Series(np.arange(103) // 4)
    spec = Folds(scheme=scheme, count=count, group="g" if scheme == "group" else None)
    folds = assign_folds(spec, Y, groups if scheme == "group" else None)
    assert folds.shape == (103, 1)
    sizes = np.bincount(folds[:, 0], minlength=count)
    assert sizes.sum() == 103
    assert len(sizes) == count
    assert sizes.max() - sizes.min() <= (1 if scheme != "group" else 4)


GROUPS = pd.Series(np.arange(103) // 4)


def splits(spec, y=Y, groups=None, times=None):
    """The splits that models get."""
    folds = assign_folds(spec, y, groups, times)
    return list(fold_splits(folds, trained_rows(spec, len(y), times)))


@pytest.mark.parametrize(
    ("keys", "splitter"),
    [
        ({"scheme": "kfold"}, KFold(5, shuffle=True, random_state=3)),
        ({"scheme": "stratified"}, StratifiedKFold(5, shuffle=True, random_state=3)),
        ({"scheme": "group", "group": "g"}, GroupKFold(5)),
        (
            {"scheme": "stratified_group", "group": "g"},
            StratifiedGroupKFold(5, shuffle=True, random_state=3),
        ),
        ({"scheme": "contiguous"}, KFold(5)),
        ({"scheme": "time"}, TimeSeriesSplit(5)),
        ({"scheme": "time", "gap": 4}, TimeSeriesSplit(5, gap=4)),
        ({"scheme": "time", "gap": 2, "window": 20}, TimeSeriesSplit(5, gap=2, max_train_size=20)),
    ],
)
def test_folds_are_scikit_learns(keys, splitter):
    groups = GROUPS if "group" in keys else None
    found = splits(Folds(count=5, seed=3, **keys), groups=groups)
    expected = list(splitter.split(np.zeros(103), Y, groups))
    assert len(found) == len(expected) == 5
    for split, (train, valid) in zip(found, expected, strict=True):
        assert split.train_rows.tolist() == train.tolist()
        assert split.valid_rows.tolist() == valid.tolist()


TIMED = [
    Folds(scheme="time", count=4, by="day"),
    Folds(scheme="time", count=4, by="day", gap=3),
    Folds(scheme="time", count=4, by="day", gap=1, window=6),
    Folds(scheme="purged", count=4, by="day", gap=2),
    Folds(scheme="contiguous", count=4, by="day"),
]


@pytest.mark.parametrize("spec", TIMED)
def test_rows_of_a_time_stay_together_whatever_their_order_in_the_file(spec):
    times = np.random.default_rng(0).permutation(np.arange(103) // 4)
    for split in splits(spec, times=times):
        assert not set(times[split.train_rows]) & set(times[split.valid_rows])
        first, last = times[split.valid_rows].min(), times[split.valid_rows].max()
        assert set(times[split.valid_rows]) == set(range(first, last + 1))


@pytest.mark.parametrize("spec", TIMED)
def test_the_gap_is_kept_on_both_sides_and_time_never_runs_backwards(spec):
    times = np.random.default_rng(0).permutation(np.arange(103) // 4)
    for split in splits(spec, times=times):
        train, valid = times[split.train_rows], times[split.valid_rows]
        distance = np.abs(train[:, None] - valid).min()
        assert distance > spec.gap
        if spec.scheme == "time":
            assert train.max() < valid.min()
            # As much as may be trained on is trained on.
            assert train.max() == valid.min() - spec.gap - 1
        if spec.window is not None:
            assert len(set(train)) <= spec.window


def test_purged_folds_validate_every_row_and_drop_only_neighbours():
    found = splits(Folds(scheme="purged", count=4, gap=3))
    assert sorted(np.concatenate([split.valid_rows for split in found])) == list(range(103))
    for split in found:
        near = range(split.valid_rows.min() - 3, split.valid_rows.max() + 4)
        assert split.train_rows.tolist() == [row for row in range(103) if row not in near]


def test_the_first_rows_of_time_are_never_validated_but_trained_on():
    folds = assign_folds(Folds(scheme="time", count=4), Y)[:, 0]
    assert (folds[:23] == -1).all()
    assert (folds[23:] >= 0).all()
    assert splits(Folds(scheme="time", count=4))[0].train_rows.tolist() == list(range(23))


def test_numbers_are_stratified_by_bins_of_equal_size():
    y = np.random.default_rng(0).lognormal(size=200)
    bins = target_bins(y, 5)
    sizes = np.unique(bins, return_counts=True)[1]
    assert sizes.tolist() == [20] * 10
    assert (np.diff(bins[np.argsort(y)]) >= 0).all()
    folds = assign_folds(Folds(scheme="stratified", count=5), bins)[:, 0]
    counts = pd.crosstab(folds, bins)
    assert (counts == 4).all(axis=None)


@pytest.mark.parametrize("y", [np.zeros(40), np.repeat([0.0, 1.0], [37, 3]), np.arange(3.0)])
def test_bins_of_few_or_equal_numbers_have_rows_enough(y):
    sizes = np.unique(target_bins(y, 4), return_counts=True)[1]
    assert len(sizes) == 1 or sizes.min() >= 4


def test_folds_are_read_as_they_are_written():
    spec = Folds(scheme="time", count=4, by="day", gap=1)
    times = np.arange(103) // 4
    folds, trained = assign_folds(spec, Y, times=times), trained_rows(spec, 103, times)
    ids = pd.Series(np.arange(103), name="Id")
    read = read_folds(folds_frame(ids, folds, None, times, trained))
    assert (read["folds"] == folds).all()
    assert (read["times"] == times).all()
    assert (read["trained"] == trained).all()
    assert read["groups"] is None


def test_same_seed_same_folds_and_repeats_differ():
    spec = Folds(count=5, repeats=2, seed=3)
    folds = assign_folds(spec, Y)
    assert (folds == assign_folds(spec, Y)).all()
    assert (folds[:, 0] != folds[:, 1]).any()


def test_contiguous_folds_keep_file_order():
    folds = assign_folds(Folds(scheme="contiguous", count=5), Y)[:, 0]
    assert (np.diff(folds) >= 0).all()


def test_stratified_folds_keep_class_shares():
    folds = assign_folds(Folds(scheme="stratified", count=3), Y)[:, 0]
    for fold in range(3):
        shares = np.bincount(Y[folds == fold]) / (folds == fold).sum()
        assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


def test_groups_stay_together():
    groups = pd.Series(np.arange(103) // 4)
    folds = assign_folds(Folds(scheme="group", count=4, group="g"), Y, groups)[:, 0]
    assert (pd.Series(folds).groupby(groups).nunique() == 1).all()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({}, "only 3 training rows"),
        (
            {"scheme": "time", "count": 3},
            "only 3 training rows, and the first part is only trained",
        ),
        ({"scheme": "group", "group": "g", "count": 3}, "only 2 groups in column 'g'"),
        ({"scheme": "stratified", "count": 2}, "only 1 rows in the smallest class"),
        ({"scheme": "time", "count": 2, "by": "day"}, "only 2 values in column 'day'"),
        ({"scheme": "time", "count": 2, "gap": 1}, "folds.gap: is 1, but there are only 1 rows"),
        (
            {"scheme": "purged", "count": 2, "gap": 9},
            "gap: is 9, which leaves fold 0 no rows",
        ),
    ],
)
def test_too_few(keys, says):
    spec = Folds(**{"count": 5, **keys})
    groups = pd.Series([0, 0, 1]) if spec.group else None
    times = np.array([0, 0, 1]) if spec.by else None
    with pytest.raises(KeyedError, match=says):
        splits(spec, np.arange(3) % 2, groups, times)


def test_groups_that_leave_a_fold_empty_are_an_error(monkeypatch):
    class Lopsided(KFold):
        def split(self, x, y=None, groups=None):
            yield np.arange(1, len(x)), np.arange(1)
            yield np.arange(1, len(x)), np.arange(0)

    monkeypatch.setattr("podium.data.folds.resolve_name", lambda name: Lopsided)
    with pytest.raises(KeyedError, match="the groups in column 'g' fill fewer"):
        assign_folds(Folds(scheme="group", count=2, group="g"), Y, GROUPS)


PICTURES = {
    "kfold, count 4": Folds(scheme="kfold", count=4),
    "contiguous, count 4": Folds(scheme="contiguous", count=4),
    "purged, count 4, gap 1": Folds(scheme="purged", count=4, gap=1),
    "group, count 3": Folds(scheme="group", count=3, group="g"),
    "time, count 3": Folds(scheme="time", count=3),
    "time, count 3, gap 1, window 2": Folds(scheme="time", count=3, gap=1, window=2),
}


@pytest.mark.parametrize("title", PICTURES)
def test_pictures_of_the_docs_are_true(title):
    lines = (ROOT / "docs/folds.md").read_text().splitlines()
    (head,) = [index for index, line in enumerate(lines) if re.search(rf"\b{title}(  |$)", line)]
    at, spec = lines[head].index(title), PICTURES[title]
    groups = pd.Series(list("AABCCDBD")) if spec.group else None
    for split in splits(spec, np.arange(8) % 2, groups):
        marks = np.full(8, ".")
        marks[split.train_rows], marks[split.valid_rows] = "t", "v"
        (drawn,) = [
            line[at:][8:23]
            for line in lines[head + 1 : head + 6]
            if line[at:].startswith(f"fold {split.fold}")
        ]
        assert drawn == " ".join(marks)
