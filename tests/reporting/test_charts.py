"""Every chart of the page is what Vega-Lite's schema allows, and has all rows that it is given."""

import json
from inspect import getmembers, isfunction

import altair
import pandas as pd
import pytest

from podium.reporting.charts import classes, curves, data, models, numbers, scores
from podium.reporting.page.render import as_json

MODELS = ["ridge", "mlp"]
BY_FOLD = pd.DataFrame({"fold": ["0", "1"], "q05": 1.0, "q25": 2.0, "q50": 3.0, "q75": 4.0,
                        "q95": 5.0, "rows": 10})  # fmt: skip
PREDICTED = pd.DataFrame({"id": ["a", "b", "c"], "actual": [1.0, 20.0, 3.0],
                          "predicted": [2.0, 30.0, 3.0], "residual": [-0.7, 0.4, 0.0],
                          "fold": ["0", "1", "0"]})  # fmt: skip
DEPENDENCE = pd.DataFrame({"value": [1.0, 2.0], "mean": [3.0, 4.0], "low": 2.0, "high": 5.0})
CURVE = pd.DataFrame({"part": ["training", "training", "validation", "validation"],
                      "step": [1, 2, 1, 2], "mean": [1.0, 0.1, 1.0, 0.5], "low": 0.05,
                      "high": 2.0})  # fmt: skip
TABLES = pd.DataFrame({"table": ["train", "test"], "low": 0.0, "high": 1.0, "share": [0.4, 0.6],
                       "value": "a"})  # fmt: skip


def cells(names):
    return pd.DataFrame([{"actual": one, "predicted": other, "rows": 3, "share": 0.2,
                          "right": one == other} for one in names for other in names])  # fmt: skip


def by_class(names):
    return pd.DataFrame([{"fold": "0", "class": name, "share": 1 / len(names), "rows": 2,
                          "place": place} for place, name in enumerate(names)])  # fmt: skip


def alphas(folds):
    return pd.DataFrame([{"fold": f"fold {fold}", "alpha": alpha, "score": alpha + fold,
                          "is_best": alpha == 0.1} for fold in range(folds)
                         for alpha in (0.1, 1.0, 10.0)])  # fmt: skip


LETTERS = list("abcdefghijkl")
CHARTS = {
    scores.differences: [(pd.DataFrame({"model": MODELS, "difference": [0.0, 0.1],
                                        "low": [0.0, 0.05], "high": [0.0, 0.15]}), "ridge")],
    scores.fold_scores: [(pd.DataFrame({"model": MODELS, "fold": "0", "score": [1.0, 2.0],
                                        "is_best": [True, False]}), "RMSE", MODELS)],
    scores.public_scores: [([{"cv": 1.0, "public": 1.1, "submitted": "today", "message": "m"},
                             {"cv": 2.0, "public": 1.9, "submitted": "now", "message": ""}],
                            "RMSE")],
    curves.learning: [(CURVE, "epoch", 2)],
    curves.by_alpha: [(alphas(3), "loss"), (alphas(12), "loss")],
    data.histogram: [(pd.DataFrame({"low": [0, 1], "high": [1, 2], "rows": [3, 4]}), "price")],
    data.class_counts: [(pd.DataFrame({"class": ["a", "b"], "rows": [1, 2], "share": 0.5}),)],
    data.missing: [(pd.DataFrame({"column": "x", "table": ["train", "test"],
                                  "share": [0.1, 0.2]}),)],
    data.two_tables: [(TABLES, "x", True), (TABLES, "x", False)],
    data.folds_of_numbers: [(BY_FOLD, "price")],
    data.folds_of_classes: [(by_class(["a", "b"]), ["a", "b"]), (by_class(LETTERS), LETTERS)],
    data.fold_times: [(pd.DataFrame({"fold": "0", "part": ["training", "validation"],
                                     "low": [0, 5], "high": [5, 9]}),)],
    numbers.predicted_vs_actual: [(PREDICTED, "price"), (PREDICTED.assign(actual=-1.0), "price")],
    numbers.residuals: [(PREDICTED, "price", "actual - predicted")],
    classes.curve: [(pd.DataFrame({"name": "a", "x": [0.0, 1.0], "y": [0.0, 1.0], "threshold": 0.5,
                                   "place": [0, 1]}), ["a"], "recall", "precision", True)],
    classes.confusion: [(cells(["a", "b"]), ["a", "b"]), (cells(LETTERS), LETTERS)],
    classes.reliability: [(pd.DataFrame({"low": [0.4, 0.5], "high": [0.5, 0.6], "rows": [3, 4],
                                         "confidence": [0.45, 0.55], "accuracy": [0.5, 0.5]}),)],
    models.importance: [(pd.DataFrame({"feature": ["x"], "mean": [0.1], "low": [0.05],
                                       "high": [0.15]}), "RMSE")],
    models.dependence: [(DEPENDENCE, "x", "price", True),
                        (DEPENDENCE.assign(value=["a", "b"]), "x", "price", False)],
    models.correlation: [(pd.DataFrame({"one": MODELS, "other": MODELS[::-1],
                                        "correlation": [0.9, None]}), MODELS)],
}  # fmt: skip


def drawn():
    """Each chart with its arguments."""
    return [(function, given) for function, calls in CHARTS.items() for given in calls]


def spec_of(function, given):
    return json.loads(as_json(function(*given)))


@pytest.mark.parametrize(
    ("function", "given"), drawn(), ids=[function.__name__ for function, _ in drawn()]
)
def test_a_chart_is_valid_vega_lite(function, given):
    spec = spec_of(function, given)
    altair.LayerChart.from_dict(spec)
    first = given[0]
    rows = len(first)
    shown = [spec["data"]] if "data" in spec else [own["data"] for own in spec["layer"]]
    assert max(len(own["values"]) for own in shown) == rows


def test_every_chart_is_among_them():
    for module in (classes, curves, data, models, numbers, scores):
        own = [one for _, one in getmembers(module, isfunction)
               if one.__module__ == module.__name__]  # fmt: skip
        public = {one.__name__ for one in own if not one.__name__.startswith("_")}
        assert public == {one.__name__ for one in CHARTS if one.__module__ == module.__name__}


def test_axes_have_names_and_colours_are_told_apart_without_colour():
    for function, given in drawn():
        for layer in spec_of(function, given)["layer"]:
            encoding = layer["encoding"]
            if layer["mark"]["type"] == "line" and "color" in encoding:
                assert "strokeDash" in encoding, function.__name__
            for axis in ("x", "y"):
                if (
                    encoding.get(axis, {}).get("type") == "quantitative"
                    and "field" in encoding[axis]
                ):
                    assert "title" in encoding[axis] or function.__name__ == "learning"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(1, 100, [1, 2, 5, 10, 20, 50, 100]), (0.1, 3000, [0.1, 1, 10, 100, 1000]), (-1, 5, None),
     (10, 20, None)],
)  # fmt: skip
def test_logarithmic_axes_have_few_labels(low, high, ticks):
    from podium.reporting.charts.look import spread

    axis = spread("x", "x", low, high).get("axis", {}).get("values")
    assert axis == (ticks if ticks is None else pytest.approx(ticks))
