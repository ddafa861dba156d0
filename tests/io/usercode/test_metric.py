"""``metric: own``: a metric of the user's own scores models, blend and report."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.io.usercode import load
from podium.io.usercode.metric import own_metric

FILE = "src/competitions/house_prices.py"
HALF_MAE = """
    import numpy as np

    def metric(y, p):
        return np.abs(y - p).mean() / 2

    metric.greater_is_better = False
"""


def run(podium, *stages):
    for stage in stages:
        words = [stage, "house-prices", *(["ridge"] if stage == "train" else [])]
        outcome = podium(*words)
        assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture
def prepared(houses, podium):
    houses.edit(lambda params: params["house-prices"].update(metric="own"))
    return houses


def test_models_blend_and_report_are_scored_by_it(prepared, own_code, podium):
    own_code(HALF_MAE)
    run(podium, "preprocess", "train", "ensemble")
    report = run(podium, "report")
    metrics = json.loads(Path("models/house-prices/ridge/metrics.json").read_text())
    oof = pd.read_parquet("models/house-prices/ridge/oof.parquet")
    expected = (oof["prediction"] - oof["true_SalePrice"]).abs().mean() / 2
    assert metrics["metric"] == "own"
    assert metrics["cv"] == pytest.approx(expected)
    assert (
        "own metric" in report.out or "own" in Path("reports/house-prices/report.html").read_text()
    )


@pytest.mark.parametrize(
    ("body", "attributes", "line", "said"),
    [
        ("return 1.0", "", 1, "doesn't say its direction; write 'metric.greater_is_better = True'"),
        ("return 1.0", "greater_is_better = 1", 1, "greater_is_better: expected True or False"),
        ("return 1.0", "greater_is_beter = True", 1, "write 'metric.greater_is_better'"),
        ("return y", "greater_is_better = True", 1, "to return a number, found 80 values of shape"),
        ("return None", "greater_is_better = True", 1, "to return a number, found nothing"),
        ("return 'x'", "greater_is_better = True", 1, "to return a number, found text 'x'"),
        ("return 1 / 0", "greater_is_better = True", 2, "ZeroDivisionError"),
        ("return float('inf')", "greater_is_better = True", 1, "returned an infinite score"),
        ("y[0] = 1", "greater_is_better = True", 2, "ValueError: assignment destination is"),
        ("return 1.0", "needs = 'labels'", 1, "doesn't say what task regression predicts for it"),
    ],
)
def test_a_wrong_metric_is_one_line(
    prepared, own_code, podium, monkeypatch, body, attributes, line, said
):
    set_later = f"metric.{attributes}\n" if attributes else ""
    own_code(f"def metric(y, p):\n    {body}\n{set_later}")
    checked = podium("check")
    monkeypatch.setattr("podium.stages.train.fit_targets", None)
    for words in (("preprocess", "house-prices"), ("train", "house-prices", "ridge")):
        outcome = podium(*words)
        if outcome.code:
            break
    assert checked.err == outcome.err
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith(f"podium: error: {FILE}:{line}: metric: ")
    assert said in outcome.err
    assert not Path("models/house-prices/ridge/metrics.json").exists()


def test_own_without_a_function_says_where_it_is_expected(prepared, podium):
    outcome = podium("check")
    assert outcome.code == 2
    assert "house-prices.metric: 'own' needs a function metric(y, p) in " + FILE in outcome.err


@pytest.mark.parametrize(
    ("task", "needs", "shape", "kind"),
    [("binary", "labels", 1, "i"), ("binary", "probabilities", 1, "f"),
     ("multiclass", "labels", 1, "i"), ("multiclass", "probabilities", 2, "f")],
)  # fmt: skip
def test_classes_are_given_as_labels_or_probabilities(houses, own_code, task, needs, shape, kind):
    own_code(f"""
        seen = []

        def metric(y, p):
            seen.append((p.ndim, p.dtype.kind))
            return (p == y).mean() if p.ndim == 1 else 0.5

        metric.greater_is_better = True
        metric.needs = "{needs}"
    """)
    metric = own_metric("house-prices", task)
    classes = 2 if task == "binary" else 3
    p = np.eye(classes)[[0, 1, 1]]
    score = metric(np.array([0.0, 1.0, 0.0]), p)
    assert load("house-prices").get("seen") == [(shape, kind)]
    assert metric.needs == needs
    assert metric.loss(np.array([0.0, 1.0, 0.0]), p) == -score
