"""Metrics are scikit-learn's, and their losses are lower for better predictions."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from podium.metrics import METRICS

GENERATOR = np.random.default_rng(0)
Y, P = GENERATOR.uniform(1, 9, 50), GENERATOR.uniform(1, 9, 50)
CODES = GENERATOR.integers(0, 3, 60).astype(float)
PROBABILITIES = GENERATOR.dirichlet([1, 1, 1], 60)
LABELS = PROBABILITIES.argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", reference.root_mean_squared_error(Y, P)),
        ("mae", reference.mean_absolute_error(Y, P)),
        ("rmsle", reference.root_mean_squared_log_error(Y, P)),
        ("r2", reference.r2_score(Y, P)),
    ],
)
def test_regression_metrics_are_scikit_learns(name, expected):
    assert METRICS[name](Y, P) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", reference.accuracy_score(CODES, LABELS)),
        ("macro_f1", reference.f1_score(CODES, LABELS, average="macro")),
        ("logloss", reference.log_loss(CODES, PROBABILITIES)),
    ],
)
def test_classification_metrics_are_scikit_learns(name, expected):
    assert METRICS[name](CODES, PROBABILITIES) == pytest.approx(expected)


def test_losses_are_lower_for_better_predictions():
    for metric in METRICS.values():
        if "regression" in metric.tasks:
            assert metric.loss(Y, Y) < metric.loss(Y, P)
        else:
            y = (CODES > 0).astype(float)
            right = np.stack([1 - y, y], axis=1)
            assert metric.loss(y, right) < metric.loss(y, right[:, ::-1])


def test_roc_auc_is_scikit_learns_with_ties():
    y = (CODES > 0).astype(float)
    second = np.round(PROBABILITIES[:, 0], 1)
    expected = reference.roc_auc_score(y, second)
    assert METRICS["auc"](y, np.stack([1 - second, second], axis=1)) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "p"), [("auc", PROBABILITIES[:5, :2]), ("r2", P[:5])])
def test_a_metric_is_nan_where_it_is_undefined(name, p):
    """No warning, no error: whoever averages leaves it out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(METRICS[name](np.ones(5), p))


def test_macro_f1_is_scikit_learns_where_classes_are_missing():
    y = np.array([0.0, 0.0, 1.0, 1.0])
    for labels in ([0, 0, 0, 0], [0, 1, 2, 2], [1, 1, 2, 0]):
        expected = reference.f1_score(y, labels, average="macro")
        assert METRICS["macro_f1"](y, np.eye(4)[labels]) == pytest.approx(expected)
