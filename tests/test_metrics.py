"""Metrics are scikit-learn's, and their losses are lower for better predictions."""

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
