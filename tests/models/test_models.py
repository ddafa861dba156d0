"""Every model keeps the contract: complete OOF, test predictions, history, weights, no leak."""

import json

import numpy as np
import pytest
from safetensors.numpy import load

from model_help import INSTALLED, fit, make_dataset
from podium.data.target_scales import SCALES
from podium.metrics import METRICS
from podium.models.fit import HISTORY


@pytest.mark.parametrize("model", INSTALLED)
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
    assert all(
        name.endswith((".safetensors", ".txt", ".json", ".cbm", ".skops"))
        for name in result.weights
    )


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("model", INSTALLED)
def test_classification(model, task):
    dataset = make_dataset(task)
    result = fit(model, dataset)
    classes = len(dataset.schema.classes)
    assert result.oof.shape == (200, classes)
    assert result.oof.sum(axis=1) == pytest.approx(1)
    assert result.score < np.log(classes) * 0.9


@pytest.mark.parametrize("model", INSTALLED)
def test_a_fold_never_learns_from_the_rows_it_scores(model):
    """Change one fold's targets: its own OOF predictions stay, the other folds' change."""
    dataset = make_dataset()
    rows = dataset.splits[0].valid_rows
    before = fit(model, dataset)
    dataset.y[rows] += 100
    after = fit(model, dataset)
    others = np.setdiff1d(np.arange(200), rows)
    # Others' choices change which networks train in a group, and so the last digits of sums.
    digits = 1e-5 if model == "mlp_ensemble" else 0
    assert np.abs(before.oof[rows] - after.oof[rows]).max() <= digits
    assert (before.oof[others] != after.oof[others]).any()


@pytest.mark.parametrize(
    "model", ["ridge", *(pytest.param(one, marks=pytest.mark.deep) for one in ("lightgbm", "mlp"))]
)
@pytest.mark.parametrize("transform", SCALES)
def test_a_target_scale_is_learnt_from_training_rows(model, transform):
    """As above; the scale is stored, and what it predicts is on the target's own scale."""
    dataset = make_dataset(repeats=2)
    knobs = {"epochs": 5} if model == "mlp" else {"rounds": 20} if model == "lightgbm" else {}
    before = fit(model, dataset, transform=transform, **knobs)
    assert before.score < 0.95 * dataset.y.std()
    assert np.isfinite(before.test).all()
    own = [split for split in dataset.splits if split.fold == 0]
    rows = np.intersect1d(*(split.valid_rows for split in own))
    assert rows.size
    dataset.y[rows] += 100
    after = fit(model, dataset, transform=transform, **knobs)
    assert (before.oof[rows] == after.oof[rows]).all()
    scale = "fold0.target_scale.json"
    assert json.loads(before.weights[scale]) == json.loads(after.weights[scale])
    assert before.weights["fold1.target_scale.json"] != after.weights["fold1.target_scale.json"]


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("repeats", [pytest.param(1, marks=pytest.mark.deep), 2])
def test_thresholds_of_a_model_come_from_other_folds(task, repeats):
    dataset = make_dataset(task, repeats)
    result = fit("ridge", dataset, metric="macro_f1")
    assert len(result.fold_decisions) == 4
    assert len(result.fold_scores) == 4 * repeats
    assert set(np.unique(result.decided)) == {0.0, 1.0}
    assert result.score == METRICS["macro_f1"](dataset.y, result.decided)
    assert fit("ridge", dataset).decision is None


@pytest.mark.parametrize("model", INSTALLED)
def test_twice_the_same_whether_features_are_looked_at_or_not(model):
    """To the bit; and the features that matter are the target's."""
    first, second = fit(model, make_dataset()), fit(model, make_dataset(), explain=True)
    assert (first.oof == second.oof).all()
    assert (first.test == second.test).all()
    assert first.weights == second.weights
    assert first.explained is None
    importance = second.explained.importance.set_index("feature")
    assert importance.index[0] == "a"
    assert importance["mean"].is_monotonic_decreasing
    assert importance["mean"]["k"] > 2 * importance["se"]["k"] > 0
    assert abs(importance["mean"]["c"]) < 3 * importance["se"]["c"] + 1e-12


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
    result = fit(
        "mlp", dataset, activation="relu", seeds=2, numeric_embedding="none", input_margin=None
    )
    predictions = []
    for split in dataset.splits:
        stored = load(result.weights[f"{split.name}.safetensors"])
        x = split.transform.dense(dataset.test)
        hidden = np.maximum(x @ stored["hidden0.weight"] + stored["hidden0.bias"], 0)
        out = hidden @ stored["output.weight"] + stored["output.bias"]
        shift, scale = stored["target"][:, :1], stored["target"][:, 1:]
        predictions.append((out * scale + shift).mean(axis=0))
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
    one, many = fit("mlp", dataset, seeds=1), fit("mlp", dataset, seeds=5)
    assert (one.oof != many.oof).any()
    assert many.score < one.score * 1.05


@pytest.mark.deep
def test_folds_that_train_side_by_side_do_not_disturb_each_other():
    """LightGBM's number of threads is the process's; its sums' last digits depend on it."""
    results = [fit("lightgbm", make_dataset(), rounds=40, patience=None) for _ in range(12)]
    assert len({result.history.to_csv() for result in results}) == 1
