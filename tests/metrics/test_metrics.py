"""Metrics are scikit-learn's, and their losses are lower for better predictions."""

import time
import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from podium.metrics import FAMILIES, METRICS, metric_named

GENERATOR = np.random.default_rng(0)
Y, P = GENERATOR.uniform(1, 9, 50), GENERATOR.uniform(1, 9, 50)
CODES = GENERATOR.integers(0, 3, 60).astype(float)
PROBABILITIES = GENERATOR.dirichlet([1, 1, 1], 60)
LABELS = PROBABILITIES.argmax(axis=1)
BINARY = (CODES > 0).astype(float)
TWO = np.stack([PROBABILITIES[:, 0], 1 - PROBABILITIES[:, 0]], axis=1)
SECOND = TWO.argmax(axis=1)

OF_NUMBERS = {
    "rmse": reference.root_mean_squared_error,
    "mae": reference.mean_absolute_error,
    "medae": reference.median_absolute_error,
    "mape": reference.mean_absolute_percentage_error,
    "smape": lambda y, p: np.mean(2 * np.abs(y - p) / (np.abs(y) + np.abs(p))),
    "rmsle": reference.root_mean_squared_log_error,
    "r2": reference.r2_score,
    "poisson": reference.mean_poisson_deviance,
    "gamma": reference.mean_gamma_deviance,
    "tweedie": lambda y, p: reference.mean_tweedie_deviance(y, p, power=1.5),
    "tweedie_1.9": lambda y, p: reference.mean_tweedie_deviance(y, p, power=1.9),
    "pinball": reference.mean_pinball_loss,
    "pinball_0.9": lambda y, p: reference.mean_pinball_loss(y, p, alpha=0.9),
    "qwk": lambda y, p: kappa_of_numbers(y, np.rint(p)),
}
OF_LABELS = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "f1": reference.f1_score,
    "fbeta": lambda y, p: reference.fbeta_score(y, p, beta=2),
    "fbeta_0.5": lambda y, p: reference.fbeta_score(y, p, beta=0.5),
    "macro_f1": lambda y, p: reference.f1_score(y, p, average="macro"),
    "weighted_f1": lambda y, p: reference.f1_score(y, p, average="weighted"),
    "mcc": reference.matthews_corrcoef,
    "kappa": reference.cohen_kappa_score,
    "qwk": lambda y, p: reference.cohen_kappa_score(y, p, weights="quadratic"),
}
OF_PROBABILITIES = {
    "logloss": reference.log_loss,
    "brier": reference.brier_score_loss,
    "auc": lambda y, p: reference.roc_auc_score(y, p, multi_class="ovr"),
    "auc_ovo": lambda y, p: reference.roc_auc_score(y, p, multi_class="ovo"),
    "average_precision": lambda y, p: reference.average_precision_score(
        np.eye(3)[y.astype(int)], p
    ),
}


def kappa_of_numbers(y, p):
    """scikit-learn's from whole numbers: the squared distances are those of all values between."""
    every = np.arange(min(y.min(), p.min()), max(y.max(), p.max()) + 1).astype(int)
    return reference.cohen_kappa_score(
        y.astype(int), p.astype(int), labels=every, weights="quadratic"
    )


def of_binary(name):
    """scikit-learn's takes the second class's probability alone."""
    return {
        "brier": lambda y, p: reference.brier_score_loss(y, p[:, 1]),
        "auc": lambda y, p: reference.roc_auc_score(y, p[:, 1]),
        "average_precision": lambda y, p: reference.average_precision_score(y, p[:, 1]),
    }.get(name, OF_PROBABILITIES[name])


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_metrics_of_numbers_are_scikit_learns(name):
    y = np.rint(Y) if name == "qwk" else Y
    assert metric_named(name)(y, P) == pytest.approx(OF_NUMBERS[name](y, P))


@pytest.mark.parametrize("name", OF_LABELS)
def test_metrics_of_labels_are_scikit_learns(name):
    metric = metric_named(name)
    if "binary" in metric.tasks:
        assert metric(BINARY, TWO) == pytest.approx(OF_LABELS[name](BINARY, SECOND))
    if "multiclass" in metric.tasks:
        assert metric(CODES, PROBABILITIES) == pytest.approx(OF_LABELS[name](CODES, LABELS))


@pytest.mark.parametrize("name", OF_PROBABILITIES)
def test_metrics_of_probabilities_are_scikit_learns(name):
    metric = METRICS[name]
    assert metric(CODES, PROBABILITIES) == pytest.approx(
        OF_PROBABILITIES[name](CODES, PROBABILITIES)
    )
    if "binary" in metric.tasks:
        assert metric(BINARY, TWO) == pytest.approx(of_binary(name)(BINARY, TWO))


def test_every_metric_is_compared_with_scikit_learns():
    assert {*OF_NUMBERS, *OF_LABELS, *OF_PROBABILITIES, "map"} >= set(METRICS)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_map_counts_the_place_of_the_true_class(count):
    ranked = np.argsort(-PROBABILITIES, axis=1)
    places = 1 + np.argmax(ranked == CODES[:, None], axis=1)
    expected = np.mean([1 / place if place <= count else 0 for place in places])
    assert metric_named(f"map@{count}")(CODES, PROBABILITIES) == pytest.approx(expected)
    assert metric_named("map@1")(CODES, PROBABILITIES) == METRICS["accuracy"](CODES, PROBABILITIES)


@pytest.mark.parametrize("name", METRICS)
def test_losses_are_lower_for_better_predictions(name):
    """Nothing beats the truth: for each task of the metric."""
    metric = METRICS[name]
    if "regression" in metric.tasks:
        y = np.rint(Y)
        assert metric.loss(y, y) < metric.loss(y, P)
    for task, y in (("binary", BINARY), ("multiclass", CODES)):
        if task in metric.tasks:
            right = np.eye(int(y.max()) + 1)[y.astype(int)]
            assert metric.loss(y, right) < metric.loss(y, right[:, ::-1])


def test_roc_auc_is_scikit_learns_with_ties():
    second = np.round(PROBABILITIES[:, 0], 1)
    expected = reference.roc_auc_score(BINARY, second)
    assert METRICS["auc"](BINARY, np.stack([1 - second, second], axis=1)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("auc", np.nan), ("kappa", np.nan), ("qwk", np.nan), ("mcc", 0.0), ("auc_ovo", np.nan),
     ("macro_f1", 1.0), ("balanced_accuracy", 1.0), ("weighted_f1", 1.0)],
)  # fmt: skip
def test_rows_of_one_class(name, expected):
    """No warning, no error; NaN where the metric is undefined: whoever averages leaves it out."""
    y, p = np.ones(5), np.tile([0.1, 0.8, 0.1], (5, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert METRICS[name](y, p) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", ["r2", "qwk"])
def test_equal_targets(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(METRICS[name](np.ones(5), np.ones(5)))


def test_nothing_positive_is_zero_or_undefined():
    y, p = np.zeros(5), np.tile([0.9, 0.1], (5, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert METRICS["f1"](y, p) == 0.0
        assert np.isnan(METRICS["average_precision"](y, p))


def test_shares_of_zero_and_predictions_below_zero_are_finite():
    y, p = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, -1.0])
    assert METRICS["smape"](y, p) == pytest.approx(4 / 3)
    assert all(np.isfinite(METRICS[name](y, p)) for name in ("poisson", "tweedie", "rmsle"))
    assert np.isfinite(METRICS["gamma"](y + 1, p))


def test_classes_that_a_fold_lacks_are_left_out():
    y, p = np.array([0.0, 0.0, 1.0, 1.0]), PROBABILITIES[:4]
    of_two = [reference.roc_auc_score(y == code, p[:, code]) for code in (0, 1)]
    assert METRICS["auc"](y, p) == pytest.approx(np.mean(of_two))
    for labels in ([0, 0, 0, 0], [0, 1, 2, 2], [1, 1, 2, 0]):
        expected = reference.f1_score(y, labels, average="macro")
        assert METRICS["macro_f1"](y, np.eye(4)[labels]) == pytest.approx(expected)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_bare_name_is_the_default_and_numbers_outside_are_no_metric(family):
    named = metric_named(f"{family.prefix}{family.default:g}")
    assert named.parameter in (family.default, None)
    assert named.title == METRICS[family.name].title
    for wrong in (family.high + 1, "x", "", "-1", "1e9", "nan"):
        with pytest.raises(KeyError):
            metric_named(f"{family.prefix}{wrong}")


@pytest.mark.parametrize("name", METRICS)
def test_a_large_table_takes_a_moment(name):
    rows, metric = 200_000, METRICS[name]
    generator = np.random.default_rng(0)
    p = generator.dirichlet([1, 1, 1] if "multiclass" in metric.tasks else [1, 1], rows)
    y = generator.integers(0, p.shape[1], rows).astype(float)
    if "regression" in metric.tasks:
        y, p = generator.uniform(1, 9, (2, rows))
    started = time.perf_counter()
    metric(y, p)
    assert time.perf_counter() - started < 5
