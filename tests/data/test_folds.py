"""Folds: complete, disjoint, the same for the same seed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from podium.config import Folds
from podium.data.folds import assign_folds
from podium.io.errors import PodiumError

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


def test_kfold_is_scikit_learns():
    folds = assign_folds(Folds(count=5, seed=0), Y)
    for fold, (_, valid) in enumerate(KFold(5, shuffle=True, random_state=0).split(Y)):
        assert (np.flatnonzero(folds[:, 0] == fold) == valid).all()


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


def test_too_few_rows():
    with pytest.raises(PodiumError, match="only 3 training rows"):
        assign_folds(Folds(count=5), Y[:3])
