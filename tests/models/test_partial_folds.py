"""Folds that train on some rows only: what a fold must not see changes nothing of it."""

from dataclasses import replace

import numpy as np
import pytest

from model_help import fit, make_dataset, with_scheme
from podium.config import Folds
from podium.config.models import TABLE_MODELS
from podium.data.targets import Target
from podium.metrics import METRICS
from podium.models import Fit, fit_without_each_fold

TIMES = np.random.default_rng(1).permutation(200) // 4
PAST = Folds(scheme="time", count=3, by="day", gap=2)
SPECS = [PAST, Folds(scheme="purged", count=3, by="day", gap=2)]
MODELS = [
    ("ridge", {}),
    ("lasso", {}),
    ("lightgbm", {"rounds": 20, "patience": 3}),
    ("mlp", {"epochs": 3, "early_stopping": 2}),
]


def made(spec=PAST, dataset=None):
    return with_scheme(dataset or make_dataset(), spec, TIMES)


def spoilt(dataset, rows):
    """The dataset with other numbers and another target in some rows."""
    table, y = dataset.train.copy(), dataset.y.copy()
    table.loc[rows, "a"] = 99.0
    y[rows] = -50.0
    return replace(dataset, train=table, y=y)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("model", "knobs"), MODELS)
def test_rows_that_a_fold_does_not_train_on_change_none_of_its_predictions(spec, model, knobs):
    dataset = made(spec)
    before = fit(model, dataset, **knobs)
    split = dataset.splits[1]
    unseen = np.setdiff1d(np.arange(200), np.union1d(split.train_rows, split.valid_rows))
    assert len(unseen) >= 8
    changed = made(spec, spoilt(make_dataset(), unseen))
    after = fit(model, changed, **knobs)
    assert np.array_equal(after.oof[split.valid_rows], before.oof[split.valid_rows])
    # The fold's own rows and its training rows are no such rows.
    changed = made(spec, spoilt(make_dataset(), split.train_rows[:20]))
    after = fit(model, changed, **knobs)
    assert not np.array_equal(after.oof[split.valid_rows], before.oof[split.valid_rows])


@pytest.mark.parametrize("task", ["regression", "multiclass"])
@pytest.mark.parametrize(("model", "knobs"), MODELS)
def test_rows_that_are_never_validated_have_no_oof_and_no_score(task, model, knobs):
    dataset = made(dataset=make_dataset(task))
    result = fit(model, dataset, **knobs)
    seen = dataset.validated
    assert 0 < seen.sum() < 200
    assert (np.isfinite(result.oof).all(axis=1) == seen).all()
    assert np.isfinite(result.test).all()
    metric = METRICS["rmse" if task == "regression" else "logloss"]
    oof = result.oof[seen, 0] if task == "regression" else result.oof[seen]
    assert result.score == pytest.approx(metric(dataset.y[seen], oof))
    assert len(result.fold_scores) == 3


def without_each(spec):
    dataset = made(spec)
    params = TABLE_MODELS["ridge"].params(model="ridge", alphas=[1])
    fitting = Fit(dataset, Target("regression", "none"), params, METRICS["rmse"])
    return dataset, fit_without_each_fold(fitting)


def test_refits_without_a_fold_train_on_no_row_near_it():
    spec = Folds(scheme="purged", count=3, by="day", gap=2)
    dataset, _ = without_each(spec)
    for fold in range(3):
        own = dataset.splits[fold]
        for split in dataset.without(fold).splits:
            assert split.fold != fold
            assert set(split.train_rows) <= set(own.train_rows)
            assert set(split.train_rows) <= set(dataset.splits[split.fold].train_rows)


def test_refits_predict_the_other_folds_rows_and_no_more():
    dataset, inner = without_each(Folds(scheme="purged", count=3, by="day", gap=2))
    for fold, predictions in enumerate(inner):
        others = (dataset.folds[:, 0] >= 0) & (dataset.folds[:, 0] != fold)
        assert (np.isfinite(predictions[:, 0]) == others).all()
