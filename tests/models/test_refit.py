"""``test: refit`` and ``both``: a model on all rows, by what the folds found; scores stay."""

from dataclasses import replace

import lightgbm
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load
from sklearn.svm import SVR

import image_help
from model_help import CATEGORICAL, INSTALLED, KNOBS, NUMERIC, fit, make_dataset, with_scheme
from podium.config import Folds, ImportedParams, MLPParams, Preprocess, RidgeParams
from podium.config.models import MODELS
from podium.data.dataset import ALL_ROWS, whole_rows
from podium.data.tabular.transform import fit_transform_on
from podium.data.targets import Target
from podium.metrics import METRICS
from podium.models import fit_model, fit_targets
from podium.models.trials import fit_alone
from podium.runtime.progress import Reporter
from podium.stages.common import target_of
from several_help import block, table
from several_help import dataset as prepared

IMAGES = list(MODELS["image"])
SVR_PATH = "sklearn.svm.SVR"


def with_all(task="regression", repeats=1):
    """The small table with what was fitted on all its rows."""
    dataset = make_dataset(task, repeats)
    fitted = fit_transform_on(dataset.train, NUMERIC, CATEGORICAL, Preprocess())
    return replace(dataset, transforms={**dataset.transforms, ALL_ROWS: fitted})


def compared(fitted, *others):
    """The results with each value of the knob; what must not change doesn't."""
    folds, ways = fitted("folds"), {test: fitted(test) for test in others}
    assert folds.refit is None
    assert not [name for name in folds.weights if name.startswith("all.")]
    for own in ways.values():
        assert not np.allclose(own.test, folds.test)
        assert own.oof.tobytes() == folds.oof.tobytes()
        assert own.fold_scores == folds.fold_scores
        assert own.details == folds.details
        timed = [column for column in own.history if column != "seconds"]
        pd.testing.assert_frame_equal(own.history[timed], folds.history[timed])
        more = [name for name in own.weights if name not in folds.weights]
        assert more
        assert all(name.startswith("all.") for name in more)
        assert own.refit is not None
    return {"folds": folds, **ways}


@pytest.mark.parametrize("model", [*INSTALLED, SVR_PATH])
def test_of_every_model_of_tables_scores_stay_and_test_predictions_change(model):
    compared(lambda test: fit(model, with_all(), test=test), "refit")


@pytest.mark.deep
@pytest.mark.parametrize("model", INSTALLED)
def test_so_it_is_of_classes(model):
    compared(lambda test: fit(model, with_all("multiclass"), test=test), "refit")


@pytest.mark.parametrize(
    "model",
    [pytest.param(name, marks=[] if name == "ridge" else pytest.mark.deep) for name in IMAGES],
)
def test_so_it_is_of_every_model_of_images(model):
    images = image_help.make_images()
    compared(lambda test: image_help.fit(model, images, test=test), "refit")


def test_both_is_the_mean_on_the_model_scale():
    dataset = with_all()
    dataset = replace(dataset, y=np.exp(dataset.y))
    ways = compared(lambda test: fit("lasso", dataset, test=test, transform="log"), "refit", "both")
    folds, refit, both = (np.log(ways[name].test) for name in ("folds", "refit", "both"))
    assert np.allclose(both, (folds + refit) / 2)


def test_it_is_the_model_on_all_rows():
    dataset = with_all()
    transform = dataset.transforms[ALL_ROWS]
    x, test = transform.dense(dataset.train), transform.dense(dataset.test)
    mean, std = dataset.y.mean(), dataset.y.std()
    by_hand = SVR(C=3).fit(x, (dataset.y - mean) / std).predict(test) * std + mean
    params = ImportedParams(model=SVR_PATH, C=3, test="refit")
    own = fit_model(params, dataset, Target("regression", "none"), METRICS["rmse"])
    assert np.allclose(own.test[:, 0], by_hand)


def test_trees_are_as_many_as_the_folds_found_on_average():
    own = fit("lightgbm", with_all(repeats=2), test="refit")
    found = round(np.mean([split["rounds"] for split in own.details]))
    assert own.refit["rounds"] == found
    booster = lightgbm.Booster(model_str=own.weights["all.seed0.txt"].decode())
    assert booster.num_trees() == found
    exact = fit("lightgbm", with_all(), test="refit", patience=None, rounds=7)
    assert exact.refit["rounds"] == 7


class Epochs(Reporter):
    def __init__(self):
        self.updates = []

    def update(self, done, what, loss=None):
        self.updates.append(what)


def test_networks_train_the_epochs_that_the_folds_found_and_hold_nothing_out():
    dataset, heard = with_all(), Epochs()
    knobs = {"early_stopping": 3, "epochs": 40, "schedule": "cosine", "seeds": 2}
    own = fit("mlp", dataset, heard, test="refit", **knobs)
    found = np.mean([split["best_epoch"] for split in own.details])
    assert own.refit["epochs"] == pytest.approx(found)
    of_all = [what for what in heard.updates if what.startswith("all rows x 2 seeds")]
    assert of_all[-1].endswith(f"epoch {round(found)}/40")
    assert load(own.weights["all.safetensors"])["output.bias"].shape[0] == 2


def test_without_early_stopping_they_train_as_long_as_in_the_folds():
    heard = Epochs()
    own = fit("mlp", with_all(), heard, test="both", early_stopping=None, epochs=5)
    assert "epochs" not in own.refit
    assert heard.updates[-1].endswith("epoch 5/5")


def test_a_search_fits_no_model_on_all_rows():
    params = RidgeParams(model="ridge", alphas=[1.0], test="refit")
    # There is nothing that was fitted on all rows.
    found = fit_alone(params, make_dataset(), Target("regression", "none"), METRICS["rmse"])
    assert found.state == "complete"


class StoppedError(Exception):
    """As if the process had been killed."""


class StopInRefit(Epochs):
    """Stops when all rows have been trained on for three epochs; tells what was resumed."""

    def __init__(self, stops):
        super().__init__()
        self.stops, self.resumed = stops, []

    def update(self, done, what, loss=None):
        super().update(done, what, loss)
        if self.stops and what.startswith("all rows") and "epoch 3/" in what:
            raise StoppedError

    def resume(self, done, what):
        self.resumed.append(what)


def test_after_a_kill_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("podium.nn.training.CHECKPOINT_SECONDS", 0.0)
    dataset, target = with_all(), Target("regression", "none")
    params = MLPParams(
        model="mlp", **{**KNOBS["mlp"], "epochs": 8, "test": "refit", "early_stopping": None}
    )

    def fitted(reporter, scratch):
        return fit_model(params, dataset, target, METRICS["rmse"], reporter, scratch)

    with pytest.raises(StoppedError):
        fitted(StopInRefit(True), tmp_path)
    again = StopInRefit(False)
    continued, whole = fitted(again, tmp_path), fitted(StopInRefit(False), None)
    assert not [what for what in again.updates if what.startswith("folds")]
    trained = [what for what in again.updates if what.startswith("all rows")]
    assert 0 < len(trained) < 8
    assert np.allclose(continued.test, whole.test)


LEARNT = {"kind": {"target_mean": ["k"]}}


def both_tables(target, task="regression", **keys):
    """A dataset that is prepared for a model that asks for all rows, and its target."""
    ridge = RidgeParams(model="ridge", alphas=[1.0], inner_folds=2, test="refit")
    competition = block(target, task, features=LEARNT, models={"ridge": ridge}, **keys)
    data = prepared(competition, table(task))
    return ridge, data, target_of(competition, data.schema), competition.scoring


@pytest.mark.parametrize("transform", ["none", "yeo_johnson"])
def test_several_targets_and_a_scale_that_is_learnt(transform):
    ridge, data, target, metric = both_tables(["y", "z"], target_transform=transform)
    both = fit_targets(ridge, data, target, metric)
    _, own, alone, _ = both_tables("z", target_transform=transform)
    expected = fit_targets(ridge, own, alone, metric)
    assert np.allclose(both.parts["z"].test, expected.test)
    folds = fit_targets(ridge.without_refit(), own, alone, metric)
    assert not np.allclose(expected.test, folds.test)


def test_learnt_features_are_learnt_on_all_rows():
    _, data, _, _ = both_tables("y")
    (column,) = data.learnt[ALL_ROWS]
    kinds = data.train["k"]
    # A test row's value is a mean over all training rows of its kind, drawn to the mean of all.
    smoothing = Smoothed(data.y, kinds)
    test = data.learnt[ALL_ROWS][column].to_numpy()[len(data.train) :]
    for kind in "abc":
        values = test[(data.test["k"] == kind).to_numpy()]
        assert np.ptp(values) == 0
        assert smoothing.low(kind) <= values[0] <= smoothing.high(kind)


class Smoothed:
    """The range of means of a kind's rows, from none to full smoothing."""

    def __init__(self, y, kinds):
        self.means = pd.Series(y).groupby(kinds.to_numpy()).mean()
        self.all = float(np.mean(y))

    def low(self, kind):
        return min(self.means[kind], self.all) - 1e-9

    def high(self, kind):
        return max(self.means[kind], self.all) + 1e-9


def test_folds_in_time_leave_no_row_out():
    dataset = with_scheme(make_dataset(), Folds(scheme="time", count=3))
    fitted = fit_transform_on(dataset.train, NUMERIC, CATEGORICAL, Preprocess())
    dataset = replace(dataset, transforms={**dataset.transforms, ALL_ROWS: fitted})
    (split,) = dataset.whole().splits
    assert list(split.train_rows) == list(range(200))
    compared(lambda test: fit("lasso", dataset, test=test), "refit")


def test_rows_of_weight_0_are_not_trained_on():
    folds = np.array([[0], [1], [-1], [0]])
    assert list(whole_rows(folds, None)) == [0, 1, 2, 3]
    assert list(whole_rows(folds, np.array([1.0, 0.0, 2.0, 1.0]))) == [0, 2, 3]
