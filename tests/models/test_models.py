"""Every model keeps the contract: complete OOF, test predictions, history, weights, no leak."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load

from podium.config import Folds, MLPParams, Preprocess
from podium.config.models import MODEL_PARAMS
from podium.metrics import METRICS
from podium.models import fit_model
from podium.models.fit import HISTORY
from podium.tabular.dataset import Dataset, Schema, transform_name
from podium.tabular.folds import assign_folds
from podium.tabular.transform import fit_transform_on
from podium.targets import Target

KNOBS = {
    "ridge": {"alphas": [0.1, 1, 10]},
    "lasso": {"alpha_count": 10, "inner_folds": 3},
    "elastic_net": {"alpha_count": 10, "inner_folds": 3},
    "lightgbm": {"rounds": 150, "patience": 10, "learning_rate": 0.2},
    "mlp": {"epochs": 30, "hidden": [16], "seeds": 2, "learning_rate": 0.01},
    "linear": {"epochs": 20, "learning_rate": 0.05},
}
NUMERIC, CATEGORICAL = ["a", "b", "c"], ["k"]


def make_dataset(task: str = "regression", repeats: int = 1) -> Dataset:
    generator = np.random.default_rng(0)
    rows = 240
    table = pd.DataFrame(generator.normal(size=(rows, 3)), columns=NUMERIC)
    table["k"] = generator.choice(["x", "y", "z"], rows)
    signal = table["a"] + 0.5 * table["b"] ** 2 + (table["k"] == "x")
    y = signal.to_numpy() + 0.1 * generator.normal(size=rows)
    if task != "regression":
        classes = {"binary": 2, "multiclass": 3}[task]
        y = pd.qcut(y, classes, labels=False).astype(float)
    train, test = table.iloc[:200], table.iloc[200:].reset_index(drop=True)
    y = y[:200]
    folds = assign_folds(Folds(count=4, repeats=repeats), y)
    transforms = {
        transform_name(repeat, fold): fit_transform_on(
            train[folds[:, repeat] != fold], NUMERIC, CATEGORICAL, Preprocess()
        )
        for repeat in range(repeats)
        for fold in range(4)
    }
    names = [] if task == "regression" else ["low", "mid", "top"][: int(y.max()) + 1]
    schema = Schema("Id", "y", task, names, NUMERIC, CATEGORICAL, "fold", "local", True, "", "")
    ids = pd.Series(np.arange(240), name="Id")
    return Dataset(train, test, y, ids[:200], ids[200:], folds, transforms, schema)


def fit(model: str, dataset: Dataset, **knobs):
    params = MODEL_PARAMS[model](model=model, **{**KNOBS[model], **knobs})
    schema = dataset.schema
    target = Target(schema.task, "none", tuple(schema.classes))
    metric = METRICS["rmse" if target.is_regression else "logloss"]
    return fit_model(params, dataset, target, metric)


@pytest.mark.parametrize("model", MODEL_PARAMS)
def test_regression(model):
    dataset = make_dataset()
    result = fit(model, dataset)
    assert result.oof.shape == (200, 1)
    assert result.test.shape == (40, 1)
    assert np.isfinite(result.oof).all()
    assert result.score < 0.85 * dataset.y.std()
    assert len(result.fold_scores) == 4
    assert list(result.history.columns[: len(HISTORY)]) == HISTORY
    assert set(result.history["fold"]) == {0, 1, 2, 3}
    assert len({name.split(".")[0] for name in result.weights}) == 4
    assert all(name.endswith((".safetensors", ".txt")) for name in result.weights)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("model", MODEL_PARAMS)
def test_classification(model, task):
    dataset = make_dataset(task)
    result = fit(model, dataset)
    classes = len(dataset.schema.classes)
    assert result.oof.shape == (200, classes)
    assert result.oof.sum(axis=1) == pytest.approx(1)
    assert result.score < np.log(classes) * 0.9


@pytest.mark.parametrize("model", MODEL_PARAMS)
def test_a_fold_never_learns_from_the_rows_it_scores(model):
    """Change one fold's targets: its own OOF predictions stay, the other folds' change."""
    dataset = make_dataset()
    rows = dataset.splits[0].valid_rows
    before = fit(model, dataset)
    dataset.y[rows] += 100
    after = fit(model, dataset)
    others = np.setdiff1d(np.arange(200), rows)
    assert (before.oof[rows] == after.oof[rows]).all()
    assert (before.oof[others] != after.oof[others]).any()


@pytest.mark.parametrize("model", MODEL_PARAMS)
def test_twice_the_same(model):
    first, second = fit(model, make_dataset()), fit(model, make_dataset())
    assert (first.oof == second.oof).all()
    assert (first.test == second.test).all()
    assert first.weights == second.weights


def test_repeats_are_averaged_and_each_is_scored():
    result = fit("ridge", make_dataset(repeats=2))
    assert len(result.fold_scores) == 8
    assert result.oof.shape == (200, 1)
    assert any(name.startswith("repeat1-fold0") for name in result.weights)


def test_the_search_prefers_a_strong_penalty_on_noise():
    dataset = make_dataset()
    noise = np.random.default_rng(1).normal(size=200)
    alphas = {"alphas": [0.001, 1000]}
    on_signal = [split["alpha"] for split in fit("ridge", dataset, **alphas).details]
    dataset.y[:] = noise
    on_noise = [split["alpha"] for split in fit("ridge", dataset, **alphas).details]
    assert set(on_signal) == {0.001}
    assert set(on_noise) == {1000}


def test_lasso_leaves_weights_at_zero():
    def zeros(model: str) -> int:
        weights = fit(model, make_dataset()).weights["fold0.safetensors"]
        return int((load(weights)["coefficients"] == 0).sum())

    assert zeros("lasso") > zeros("ridge") == 0


def test_stored_weights_give_the_test_predictions():
    dataset = make_dataset()
    result = fit("ridge", dataset)
    predictions = []
    for split in dataset.splits:
        stored = load(result.weights[f"{split.name}.safetensors"])
        dense = split.transform.dense(dataset.test)
        predictions.append(dense @ stored["coefficients"].T + stored["intercept"])
    assert np.mean(predictions, axis=0) == pytest.approx(result.test)


def test_stored_network_gives_the_test_predictions():
    dataset = make_dataset()
    result = fit("mlp", dataset, activation="relu", seeds=2)
    predictions = []
    for split in dataset.splits:
        stored = load(result.weights[f"{split.name}.safetensors"])
        x = split.transform.dense(dataset.test)
        hidden = np.maximum(x @ stored["weights.0"] + stored["biases.0"], 0)
        out = hidden @ stored["weights.1"] + stored["biases.1"]
        predictions.append((out * stored["target_std"] + stored["target_mean"]).mean(axis=0))
    assert np.mean(predictions, axis=0) == pytest.approx(result.test, abs=1e-4)


def test_early_stopping_of_trees_is_blind_to_the_scored_rows():
    dataset = make_dataset()
    before = [split["rounds"] for split in fit("lightgbm", dataset).details]
    assert max(before) < 150
    dataset.y[dataset.splits[0].valid_rows] = 0
    assert fit("lightgbm", dataset).details[0]["rounds"] == before[0]


def test_without_patience_there_are_exactly_the_rounds():
    result = fit("lightgbm", make_dataset(), patience=None, rounds=7)
    assert [split["rounds"] for split in result.details] == [7] * 4


def test_more_seeds_of_a_network_are_a_mean():
    dataset = make_dataset()
    assert MLPParams().seeds > 1
    one, many = fit("mlp", dataset, seeds=1), fit("mlp", dataset, seeds=5)
    assert (one.oof != many.oof).any()
    assert many.score < one.score * 1.05


def test_folds_that_train_side_by_side_do_not_disturb_each_other():
    """LightGBM's number of threads is the process's; its sums' last digits depend on it."""
    results = [fit("lightgbm", make_dataset(), rounds=40, patience=None) for _ in range(12)]
    assert len({result.history.to_csv() for result in results}) == 1
