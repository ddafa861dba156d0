"""How much features matter to a model, and how its predictions depend on them."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load

from model_help import INSTALLED, KNOBS, fit, make_dataset, with_folds
from podium.config.models import model_spec
from podium.data.tabular.dataset import TableDataset
from podium.data.targets import Target
from podium.metrics import METRICS
from podium.models import Fit, fit_targets, probes
from podium.models import fit as fitting
from podium.models.base import Probed
from podium.stages.common import target_of
from several_help import block, dataset, table

HISTOGRAMS = "sklearn.ensemble.HistGradientBoostingRegressor"
# Models of one network, tree or estimator: of several the first is looked at.
ONE = {
    **{name: {"seeds": 1} if name in ("lightgbm", "mlp", "linear") else {} for name in INSTALLED},
    HISTOGRAMS: {"inputs": "native", "max_iter": 20},
    "sklearn.svm.SVR": {},
}


def of_feature(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table["feature"] == name].reset_index(drop=True)


def many_levels() -> TableDataset:
    """A category with more levels than histograms take."""
    data = make_dataset()
    data.train["k"] = [f"{level}{place % 180 + 80}" for place, level in enumerate(data.train["k"])]
    return with_folds(data, data.folds[:, 0])


@pytest.mark.parametrize("model", ONE)
def test_what_is_asked_is_the_model_that_predicted(model, monkeypatch):
    """On a fold's own rows, as they are, it says what it said; missing values and all."""
    asked = []

    def look(own, split, fitted):
        rows = own.dataset.table(split, "train").iloc[split.valid_rows]
        asked.append(np.abs(fitted.predict(rows) - fitted.valid).max())
        return Probed(problem="was only looked at")

    monkeypatch.setattr(fitting, "probe", look)
    data = many_levels() if model == HISTOGRAMS else make_dataset()
    data.train.loc[::7, "b"] = np.nan
    data.train.loc[::9, "k"] = None
    data = with_folds(data, data.folds[:, 0])
    result = fit(model, data, explain=True, **ONE[model])
    assert len(asked) == len(data.splits)
    assert max(asked) < 1e-5
    assert result.explained.importance.empty


@pytest.mark.parametrize("feature", ["a", "k"])
def test_importance_is_the_score_that_permuted_values_lose(feature):
    """By hand for a linear model; all one-hot columns of a category change together."""
    data = make_dataset()
    result = fit("ridge", data, explain=True)
    own = Fit(data, Target("regression", "none"), model_spec("tabular", "ridge").params(), None)
    lost = []
    for split in data.splits:
        stored = load(result.weights[f"{split.name}.safetensors"])
        rows = probes.spread_rows(split.valid_rows, data.y, own.params.probe_rows)
        order = probes.orders(own, split, probes.seen_features(split), len(rows))[feature]
        given = data.train.iloc[rows].reset_index(drop=True)
        scores = []
        for one in (given, given.assign(**{feature: given[feature].to_numpy()[order]})):
            predicted = split.transform.dense(one) @ stored["coefficients"][0] + stored["intercept"]
            scores.append(METRICS["rmse"](data.y[rows], predicted))
        lost.append(scores[1] - scores[0])
    found = of_feature(result.explained.importance, feature).loc[0]
    assert found["mean"] == pytest.approx(np.mean(lost))
    assert found["se"] == pytest.approx(np.std(lost, ddof=1) / np.sqrt(len(lost)))


def test_a_linear_model_depends_on_a_number_by_its_coefficient():
    data = make_dataset()
    result = fit("ridge", data, explain=True)
    slopes = [
        load(result.weights[f"{split.name}.safetensors"])["coefficients"][0, 0]
        / split.transform.numeric["a"].std
        for split in data.splits
    ]
    curve = of_feature(result.explained.dependence, "a")
    assert set(curve["type"]) == {"number"}
    assert len(curve) == probes.VALUES
    values = curve["value"].astype(float)
    assert np.isin(values.round(8), data.train["a"].round(8)).all()
    assert (np.diff(curve["mean"]) / np.diff(values)) == pytest.approx(np.mean(slopes))
    assert (curve["low"] <= curve["mean"]).all()
    assert (curve["mean"] <= curve["high"]).all()


def test_a_category_has_its_levels_the_most_frequent_first():
    data = make_dataset()
    curve = of_feature(fit("lightgbm", data, explain=True).explained.dependence, "k")
    assert set(curve["type"]) == {"category"}
    assert list(curve["value"]) == list(data.train["k"].value_counts().index)
    assert curve.set_index("value")["mean"].idxmax() == "x"


@pytest.mark.parametrize("metric", ["logloss", "auc", "f1"])
def test_classes(metric):
    """Whatever the metric's direction, and with a tuned threshold; probabilities sum to 1."""
    result = fit("ridge", make_dataset("binary"), metric=metric, explain=True)
    importance = result.explained.importance
    assert importance["feature"][0] == "a"
    assert importance["mean"][0] > 2 * importance["se"][0] > 0
    curve = of_feature(result.explained.dependence, "a")
    assert list(dict.fromkeys(curve["output"])) == ["low", "mid"]
    assert curve.groupby("value")["mean"].sum().to_numpy() == pytest.approx(1)


def test_that_a_value_is_missing_is_part_of_the_feature():
    data = make_dataset()
    data.train["c"] = data.train["c"].where(data.y > np.median(data.y))
    data = with_folds(data, data.folds[:, 0])
    found = fit("ridge", data, explain=True).explained
    importance = found.importance.set_index("feature")["mean"]
    assert importance["c"] > importance["k"]
    assert of_feature(found.dependence, "c")["value"].notna().all()


def test_a_rare_class_is_among_the_rows():
    y = np.zeros(1000)
    y[[3, 500]] = 1
    rows = np.arange(1000)
    assert set(y[probes.spread_rows(rows, y, 40, classes=2)]) == {0, 1}
    assert len(probes.spread_rows(rows, np.arange(1000.0), 40)) == 40
    assert sorted(probes.spread_rows(rows[:7], y, 40)) == list(range(7))


@pytest.mark.parametrize("keys", [{}, {"target_transform": "yeo_johnson"}])
def test_each_of_several_targets_and_learnt_features(keys):
    """A target's own feature matters to it, those of the other's scale do not come near it."""
    learnt = {"kind": {"target_mean": ["k"]}}
    competition = block(("y", "z"), features=learnt, **keys)
    data = dataset(competition, table())
    params = model_spec("tabular", "ridge").params(model="ridge", **KNOBS["ridge"])
    target = target_of(competition, data.schema)
    result = fit_targets(params, data, target, competition.scoring, explain=True)
    assert result.explained is None
    for name, part in result.parts.items():
        assert set(part.explained.importance["feature"]) == {"x", "k", "kind"}
        curve = of_feature(part.explained.dependence, "x").sort_values("value")
        rises = np.diff(curve["mean"].astype(float)) > 0
        assert rises.all() if name == "y" else not rises.any()
        y = data.y[:, competition.targets.index(name)]
        assert y.min() < curve["mean"].median() < y.max()


def test_limits(monkeypatch):
    """Slow models have fewer rows; so have tables of many columns, and those of very many none."""
    data = make_dataset()
    warned = []
    monkeypatch.setattr(probes, "_importance", lambda *given: {"a": float(len(given[2]))})
    reporter = type("Told", (fitting.Reporter,), {"warn": lambda _, text: warned.append(text)})()

    def rows(most: int) -> list[float]:
        params = model_spec("tabular", "ridge").params(model="ridge", **KNOBS["ridge"])
        monkeypatch.setattr(type(params), "probe_rows", most)
        target, metric = Target("regression", "none"), METRICS["rmse"]
        found = fitting.fit_model(params, data, target, metric, reporter, explain=True)
        return list(found.explained.importance["mean"])

    assert rows(1000) == [len(data.splits[0].valid_rows)]
    assert rows(8) == [8]
    monkeypatch.setattr(probes, "PROBES", 20)
    assert rows(8) == [5]
    assert not warned
    monkeypatch.setattr(probes, "MOST_FEATURES", 2)
    assert rows(8) == []
    assert warned == ["no importance of features: fold0: there are 4 (and 3 more folds)"]


def test_a_model_that_fails_on_probes_is_trained_all_the_same(monkeypatch):
    monkeypatch.setattr(probes, "_importance", lambda *_: 1 / 0)
    result = fit("ridge", make_dataset(), explain=True)
    assert result.explained.importance.empty
    assert result.explained.dependence.empty
    assert np.isfinite(result.oof).all()
