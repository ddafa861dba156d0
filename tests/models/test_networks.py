"""The network as a model of the pipeline: folds side by side, knobs of the table, what is told."""

import numpy as np
import pytest
from safetensors.numpy import load

from model_help import KNOBS, fit, make_dataset
from podium.config import MLPParams, Preprocess
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.dense import DenseTables, Layout
from podium.data.tabular.transform import fit_transform_on
from podium.data.targets import Target
from podium.io.errors import PodiumError
from podium.metrics import METRICS
from podium.models import fit_model
from podium.nn.trainer import Trainer
from podium.reporting.curves import MEMBER_CURVES, mlflow_curves
from podium.runtime.progress import Reporter


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.updates: list[str] = []

    def update(self, done, what, loss=None):
        self.updates.append(what)

    def warn(self, text):
        self.warnings.append(text)


def fit_heard(dataset, **knobs):
    heard = Heard()
    params = MLPParams(model="mlp", **{**KNOBS["mlp"], **knobs})
    result = fit_model(params, dataset, Target("regression", "none"), METRICS["rmse"], heard)
    return result, heard


def test_curves_of_every_member_are_history_and_those_of_one_reach_mlflow():
    history = fit("mlp", make_dataset(), epochs=5).history
    assert len(history) == 4 * 2 * 5
    for column in ("train_loss", "valid_loss", "valid_metric", "learning_rate", "seconds"):
        assert (history[column] > 0).all()
    curves = mlflow_curves(history)
    own = history[(history["fold"] == 0) & (history["seed"] == 0)]
    for column in MEMBER_CURVES:
        values = [value for _, value in curves.pop(f"fold0-seed0/{column}")]
        assert values == pytest.approx(list(own[column]))
    assert set(curves) == {"train_loss", "valid_loss"}


def test_the_last_metric_of_the_curve_is_that_of_the_predictions():
    dataset = make_dataset()
    result = fit("mlp", dataset, seeds=1)
    last = result.history[result.history["step"] == result.history["step"].max()]
    assert last["valid_metric"].to_numpy() == pytest.approx(result.fold_scores, rel=1e-4)


def test_which_group_of_networks_trains_is_told_where_there_are_several(monkeypatch):
    _, heard = fit_heard(make_dataset(), epochs=2)
    assert not any("group" in what for what in heard.updates)
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    monkeypatch.setattr("podium.nn.plan.GROUP_WORK", 1)
    _, heard = fit_heard(make_dataset(), epochs=2)
    for group in ("1/2", "2/2"):
        own = [what for what in heard.updates if f"group {group}" in what]
        assert [what.split("  ")[-1] for what in own] == ["epoch 1/2", "epoch 2/2"]


def test_a_fold_without_a_member_left_is_an_error():
    dataset = make_dataset()
    # Only the fold that doesn't train on this row can live with it.
    dataset.y[dataset.splits[0].valid_rows[0]] = np.inf
    with pytest.raises(PodiumError) as error:
        fit_heard(dataset, epochs=3)
    assert "training diverged in every seed of a fold: fold" in str(error.value)
    assert "learning rate" in str(error.value)
    assert "\n" not in str(error.value)


def test_one_seed_lost_leaves_the_others(monkeypatch):
    check = Trainer._nonfinite_weights

    def lose_one(self):
        """As if the first member's weights had become infinite in its second epoch."""
        failed = check(self)
        for place, member in enumerate(self.members):
            failed[place] |= member.index == 0 and self.epoch == 1
        return failed

    whole = fit("mlp", make_dataset())
    monkeypatch.setattr(Trainer, "_nonfinite_weights", lose_one)
    result, heard = fit_heard(make_dataset())
    assert len(heard.warnings) == 1
    assert heard.warnings[0].startswith("fold0, seed 0 diverged and is left out: ")
    assert "epoch 2, learning rate" in heard.warnings[0]
    assert np.isfinite(result.oof).all()
    assert [split["diverged"] for split in result.details] == [1, 0, 0, 0]
    assert result.fold_scores[1:] == pytest.approx(whole.fold_scores[1:], rel=1e-4)
    assert load(result.weights["fold0.safetensors"])["output.bias"].shape[0] == 1


def test_early_stopping_is_blind_to_the_scored_rows():
    dataset = make_dataset()
    before = fit("mlp", dataset, early_stopping=4, epochs=60)
    assert all(split["best_epoch"] < 60 for split in before.details)
    dataset.y[dataset.splits[0].valid_rows] = 0
    after = fit("mlp", dataset, early_stopping=4, epochs=60)
    assert after.details[0] == before.details[0]
    rows = dataset.splits[0].valid_rows
    assert after.oof[rows] == pytest.approx(before.oof[rows], abs=1e-5)


def test_monte_carlo_dropout_adds_a_std_beside_each_prediction():
    dataset = make_dataset()
    result = fit("mlp", dataset, dropout=0.3, mc_dropout=20)
    assert result.oof_std.shape == result.oof.shape
    assert result.test_std.shape == result.test.shape
    assert (result.oof_std > 0).all()
    assert fit("mlp", dataset, dropout=0.3).oof_std is None
    table = Target("regression", "none").frame(dataset.test_ids, result.test, result.test_std)
    assert list(table) == ["Id", "prediction", "std_prediction"]


def test_monte_carlo_dropout_without_dropout_is_an_error():
    with pytest.raises(ValueError, match="mc_dropout needs dropout above 0"):
        fit("mlp", make_dataset(), dropout=0.0, mc_dropout=5)


@pytest.mark.parametrize(
    "knobs",
    [
        {"category_embedding": 2},
        {"numeric_embedding": "none"},
        {"numeric_embedding": "piecewise_linear", "bins": 8},
        {"smooth_clip": 3.0, "input_scale": True},
    ],
)
def test_inputs_of_the_table(knobs):
    dataset = make_dataset()
    result = fit("mlp", dataset, **knobs)
    assert result.score < 0.85 * dataset.y.std()


def with_levels(levels: list[str]) -> TableDataset:
    """The data set with levels in validation rows of fold 0 that no other row has."""
    dataset = make_dataset()
    rows = dataset.splits[0].valid_rows
    dataset.train["k"] = dataset.train["k"].mask(np.isin(np.arange(200), rows[:3]), "x")
    dataset.train.loc[rows[: len(levels)], "k"] = levels
    for split in dataset.splits:
        train = dataset.train.iloc[split.train_rows]
        name = f"repeat{split.repeat}-fold{split.fold}"
        dataset.transforms[name] = fit_transform_on(train, ["a", "b", "c"], ["k"], Preprocess())
    return dataset


def test_folds_that_saw_other_levels_have_as_many_columns():
    dataset = with_levels(["rare"])
    layouts = [Layout.of(split.transform) for split in dataset.splits]
    assert [layout.categories for layout in layouts] == [(3,), (4,), (4,), (4,)]
    tables = DenseTables(dataset, "train", Layout.widest(layouts))
    rare = dataset.splits[0].valid_rows[0]
    # The fold that never saw the level has zeros in the category's block.
    assert tables(0)[rare, 3:].tolist() == [0, 0, 0, 0]
    assert tables(1)[rare, 3:].tolist() == [1, 0, 0, 0]
    assert tables(0)[:, 6].tolist() == [0] * 200


@pytest.mark.parametrize(
    ("model", "knobs"),
    [
        ("mlp", {}),
        ("mlp", {"category_embedding": 2, "input_scale": True}),
        ("mlp", {"initialization": "orthogonal", "skip": True, "hidden": [8, 8]}),
        ("linear", {}),
    ],
)
def test_levels_of_its_validation_rows_change_nothing_for_a_fold(model, knobs):
    short = {"epochs": 4, "seeds": 1, **knobs}
    first, second = (with_levels(levels) for levels in (["x"], ["p", "q", "zz"]))
    rows = first.splits[0].valid_rows[3:]
    before, after = (fit(model, dataset, **short).oof for dataset in (first, second))
    # Sums of more columns, of which the added ones are 0, may differ in the last digits.
    assert after[rows] == pytest.approx(before[rows], abs=1e-5)
    others = first.splits[1].valid_rows
    assert after[others] != pytest.approx(before[others], abs=1e-5)


def test_stored_embeddings_are_vectors_of_levels():
    result = fit("mlp", make_dataset(), category_embedding=2, seeds=2)
    vectors = load(result.weights["fold0.safetensors"])["categories.weight"]
    assert vectors.shape == (2, 3, 2)
