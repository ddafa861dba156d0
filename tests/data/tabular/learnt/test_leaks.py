"""What a fold's features learn depends on its training rows only; targets aren't given back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learnt_help import CATEGORICAL, NUMERIC, ROWS, learnt, tables, training
from podium.config.learnt import LEARNT

FEATURES = {
    "target_mean": {"target_mean": ["k", "m"]},
    "count": {"count": ["k"]},
    "frequency": {"frequency": ["k", "m"]},
    "mean": {"mean": "a", "by": ["k"], "as": ["value", "difference", "ratio"]},
    "median": {"median": "a", "by": ["k"]},
    "std": {"std": "b", "by": ["k"]},
    "min": {"min": "a", "by": ["k", "m"]},
    "max": {"max": "b", "by": ["k"]},
    "text": {"text": "words", "components": 2},
    "hashed": {"text": "words", "method": "hashed", "components": 2},
    "kmeans": {"kmeans": ["a", "b"], "clusters": 3},
    "neighbours": {"neighbours": ["a", "place"], "count": 3},
    "quantile": {"scale": ["a", "b"], "method": "quantile"},
    "yeo_johnson": {"scale": ["a", "b"], "method": "yeo_johnson"},
    "robust": {"scale": ["a", "b"], "method": "robust"},
    "bins": {"bins": ["a", "b"], "count": 4},
    "onehot": {"bins": ["a"], "count": 4, "encode": "onehot"},
}
OF_TARGET = ("target_mean", "neighbours")
TASKS = ("regression", "binary", "multiclass")


def spoiled(typed, rows):
    """The tables with other values in some training rows."""
    train = typed.train.copy()
    for name in NUMERIC:
        train.loc[rows, name] = 1e6 + np.arange(len(rows))
    for name in CATEGORICAL:
        train.loc[rows, name] = "spoiled"
    return replace(typed, train=train)


def test_every_learnt_feature_is_tested():
    assert set(LEARNT) <= {key for feature in FEATURES.values() for key in feature}


@pytest.mark.parametrize("name", FEATURES)
def test_validation_rows_change_nothing_that_is_learnt(name):
    typed, rows = tables(), training()
    held = np.flatnonzero(rows.folds[:, 0] == 1)
    y = rows.y.copy()
    y[held] = 1e6
    made = learnt({"f": FEATURES[name]}, typed, rows)
    before = made["repeat0-fold1"]
    other = learnt({"f": FEATURES[name]}, spoiled(typed, held), replace(rows, y=y))
    # The training rows' columns, and what the feature makes of rows that nobody spoiled.
    others = np.setdiff1d(np.arange(len(before)), held)
    pd.testing.assert_frame_equal(other["repeat0-fold1"].iloc[others], before.iloc[others])
    # Other folds do train on these rows.
    assert not other["repeat0-fold0"].iloc[ROWS:].equals(made["repeat0-fold0"].iloc[ROWS:])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", OF_TARGET)
def test_a_training_row_never_sees_its_own_target(name, task):
    """Nor do rows of its inner fold; all others do, and so do test rows."""
    rows = training(task)
    own = int(np.flatnonzero(rows.folds[:, 0] != 0)[0])
    y = rows.y.copy()
    y[own] = 9.0 if task == "regression" else (y[own] + 1) % len(rows.classes)
    # Every row is near every other, and has the same level.
    typed = tables()
    typed = replace(typed, train=typed.train.assign(k="x", m="p", a=0.0, place=0.0))
    feature = {
        "target_mean": {"target_mean": ["k"]},
        "neighbours": {"neighbours": ["a"], "count": 99},
    }
    before, after = (
        learnt({"f": feature[name]}, typed, replace(rows, y=values), task=task)["repeat0-fold0"]
        for values in (rows.y, y)
    )
    changed = (before != after).any(axis=1).to_numpy()
    assert changed.sum() > ROWS / 3
    if task == "regression":
        # Where classes are balanced, inner folds follow them.
        assert not changed[own]


@pytest.mark.parametrize("fit_on", ["train", "train_and_test"])
@pytest.mark.parametrize("name", ["count", "mean", "neighbours", "target_mean"])
def test_fit_on_other_rows_is_for_features_without_target(name, fit_on):
    typed, rows = tables(), training()
    made = learnt({"f": FEATURES[name]}, typed, rows, fit_on=fit_on)
    first, second = (made[f"repeat0-fold{fold}"] for fold in (0, 1))
    of_target = [column for column in first if name == "target_mean" or "target" in column]
    assert first.drop(columns=of_target).equals(second.drop(columns=of_target))
    assert not of_target or not first[of_target].equals(second[of_target])


def test_refits_without_a_fold_never_saw_it():
    """For ``nested: full``: as if the rows of both folds were not there."""
    rows = training(without_each=True)
    features = {"f": FEATURES["target_mean"], "n": FEATURES["count"]}
    made = learnt(features, rows=rows)
    assert len(made) == 3 + 3 * 2
    held = np.flatnonzero(np.isin(rows.folds[:, 0], [0, 2]))
    y = rows.y.copy()
    y[held] = 1e6
    again = learnt(features, spoiled(tables(), held), replace(rows, y=y))
    others = np.setdiff1d(np.arange(ROWS), held)
    for name in ("repeat0-fold0-without2", "repeat0-fold2-without0"):
        assert again[name].iloc[others].equals(made[name].iloc[others])
        assert again[name].iloc[ROWS:].equals(made[name].iloc[ROWS:])
