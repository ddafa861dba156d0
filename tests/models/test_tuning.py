"""What a model is tuned on follows the outer folds; classes and columns of other people's data."""

import json
from dataclasses import replace

import lightgbm
import numpy as np
import pytest

from model_help import (
    HEADERS,
    INSTALLED,
    KNOBS,
    NUMERIC,
    fit,
    make_dataset,
    with_folds,
    with_headers,
)
from podium.io.errors import PodiumError
from podium.models import gradient_boosting
from podium.runtime.progress import Reporter

TUNED = {
    "ridge": ({"alphas": [0.1, 1, 10, 100, 1000, 10_000]}, "alpha"),
    "lasso": ({"alpha_count": 20, "inner_folds": 4}, "alpha"),
    "lightgbm": ({"rounds": 300, "patience": 10, "learning_rate": 0.1}, "rounds"),
    "mlp": (
        {"epochs": 25, "early_stopping": 5, "seeds": 1, "hidden": [8], "weight_decay": 0.0},
        "best_epoch",
    ),
}


class Listening(Reporter):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def grouped(scheme="group", task="regression"):
    """A table in which rows of a group share noise in ``y`` and a fingerprint of columns."""
    generator = np.random.default_rng(3)
    dataset = make_dataset(task)
    groups = np.repeat(np.arange(20), 10)
    marks = generator.normal(size=(20, 3))
    train = dataset.train.copy()
    train[NUMERIC] = marks[groups] + 0.01 * generator.normal(size=(200, 3))
    y = generator.normal(size=20)[groups] + 0.1 * generator.normal(size=200)
    if task == "binary":
        y = (y > np.median(y)).astype(float)
    schema = replace(dataset.schema, scheme=scheme)
    dataset = replace(dataset, train=train, y=y, schema=schema)
    codes = groups if scheme == "group" else None
    return with_folds(dataset, groups % 4, groups=codes)


@pytest.mark.parametrize("task", ["regression", pytest.param("binary", marks=pytest.mark.deep)])
@pytest.mark.parametrize("model", TUNED)
def test_a_model_is_tuned_on_other_groups(model, task):
    """Groups are pure noise: within groups, a weak penalty and many rounds look right."""
    knobs, what = TUNED[model]
    chosen = {}
    for scheme in ("group", "kfold"):
        details = fit(model, grouped(scheme, task), **knobs).details
        chosen[scheme] = np.mean([split[what] for split in details])
    if what == "alpha":
        assert chosen["group"] > 3 * chosen["kfold"]
    else:
        assert chosen["group"] < chosen["kfold"] / 2


def test_threads_of_the_last_folds_change_nothing_that_lightgbm_learns(monkeypatch):
    monkeypatch.setattr(gradient_boosting, "cores", lambda: 3)
    dataset, stored = make_dataset(), []
    # What follows from the number of rows as well.
    same = {"num_leaves": 7, "feature_fraction": 0.7, "bagging_fraction": 0.9}
    for large in (100, 10_000):
        monkeypatch.setattr(gradient_boosting, "LARGE_TREES", large)
        stored.append(fit("lightgbm", dataset, rounds=20, patience=None, **same))
    assert (stored[0].oof == stored[1].oof).all()
    assert (stored[0].test == stored[1].test).all()
    assert stored[0].weights != stored[1].weights, "threads are not told"


def test_a_column_that_one_fold_alone_has_does_not_upset_the_network():
    """Constant in that fold's training rows: the fold is predicted as well as the others."""
    dataset, folds = make_dataset(), np.arange(200) // 50
    alone = np.where(folds == 1, np.random.default_rng(0).normal(1000, 300, 200), 0.0)
    train, test = dataset.train.assign(c=alone), dataset.test.assign(c=0.0)
    result = fit("mlp", with_folds(replace(dataset, train=train, test=test), folds))
    assert max(result.fold_scores) < 2 * np.median(result.fold_scores)


@pytest.mark.parametrize("task", ["regression", pytest.param("binary", marks=pytest.mark.deep)])
@pytest.mark.parametrize("model", TUNED)
def test_every_scheme_trains_every_tuned_model(model, task):
    dataset = make_dataset(task)
    for scheme, groups in (("contiguous", None), ("group", np.arange(200) % 8)):
        schema = replace(dataset.schema, scheme=scheme)
        result = fit(model, replace(dataset, schema=schema, groups=groups), **TUNED[model][0])
        assert np.isfinite(result.oof).all()


def rare(task):
    """The last class has 3 rows, which are all in fold 0."""
    dataset = make_dataset(task)
    y, last = dataset.y.copy(), dataset.y.max()
    y[y == last] = 0.0
    y[:3] = last
    folds = np.arange(200) % 4
    folds[:3] = 0
    return with_folds(replace(dataset, y=y), folds)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("model", INSTALLED)
def test_a_class_that_a_fold_never_trains_on_has_probability_0(model, task):
    dataset, listening = rare(task), Listening()
    result = fit(model, dataset, listening)
    rows = dataset.splits[0].valid_rows
    others = np.setdiff1d(np.arange(200), rows)
    assert (result.oof[rows, -1] < 1e-100).all()
    assert (result.oof[others, -1] > 0).all()
    assert result.oof.sum(axis=1) == pytest.approx(1)
    assert result.test.sum(axis=1) == pytest.approx(1)
    assert np.isfinite(result.score)
    assert len(listening.warnings) == 1
    assert "fold0: no training row has class" in listening.warnings[0]


@pytest.mark.parametrize("model", ["ridge", "lasso", "elastic_net"])
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_fewer_training_rows_than_inner_folds(model, task):
    dataset, listening = make_dataset(task), Listening()
    few = replace(dataset, train=dataset.train.iloc[:6], y=dataset.y[:6])
    few = replace(few, train_ids=dataset.train_ids[:6], schema=replace(few.schema, scheme="kfold"))
    if task == "binary":
        few = replace(few, y=np.array([0, 1, 0, 1, 0, 1.0]))
    result = fit(model, with_folds(few, np.arange(6) % 3), listening, inner_folds=5)
    assert np.isfinite(result.oof).all()
    if (model, task) != ("ridge", "regression"):
        assert listening.warnings[0] == "fold0: 4 training rows for 5 inner folds; 4 are used"


@pytest.mark.parametrize("model", ["ridge", "lasso", "lightgbm"])
def test_one_training_row_is_one_clear_line(model):
    dataset = make_dataset()
    two = replace(dataset, train=dataset.train.iloc[:2], y=dataset.y[:2])
    with pytest.raises(PodiumError, match="fold0 has 1 training row, and tuning needs 2"):
        fit(model, with_folds(replace(two, train_ids=dataset.train_ids[:2]), np.arange(2)))


def test_lightgbm_takes_any_header_and_its_weights_say_which_column_is_which():
    dataset, names = with_headers(make_dataset()), [*NUMERIC, *HEADERS]
    result = fit("lightgbm", dataset, rounds=5, patience=None)
    predictions = []
    for split in dataset.splits:
        columns = json.loads(result.weights[f"{split.name}.columns.json"])
        assert list(columns.values()) == [*names, "k"]
        text = result.weights[f"{split.name}.seed0.txt"].decode()
        table = dataset.trees(split)[1][list(columns.values())].set_axis(list(columns), axis=1)
        predictions.append(lightgbm.Booster(model_str=text).predict(table))
    assert np.mean(predictions, axis=0) == pytest.approx(result.test[:, 0])


def test_names_of_columns_do_not_change_what_lightgbm_learns():
    dataset = make_dataset()
    turned = {"a": "Unnamed: 0", "b": "b", "c": "c", "k": "k"}
    transforms = {
        key: replace(one, numeric={turned[name]: fit for name, fit in one.numeric.items()})
        for key, one in dataset.transforms.items()
    }
    other = replace(
        dataset,
        train=dataset.train.rename(columns=turned),
        test=dataset.test.rename(columns=turned),
        transforms=transforms,
    )
    results = [fit("lightgbm", one, **KNOBS["lightgbm"]) for one in (dataset, other)]
    assert (results[0].oof == results[1].oof).all()
