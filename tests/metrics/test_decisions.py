"""Thresholds and cut points: the best on their rows, blind to the scored ones, fast."""

import time
from itertools import product

import numpy as np
import pytest

from podium.metrics import METRICS, Metric, nested_decisions, tune
from podium.metrics.decisions import best_by_threshold

ROWS = 600
TUNED = [name for name, metric in METRICS.items() if metric.is_tuned]
FOLDS = np.arange(ROWS) % 5


def binary(rows: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rare positives and calibrated probabilities, below 0.5 for most of them."""
    generator = np.random.default_rng(seed)
    p = generator.beta(1, 6, rows)
    return (generator.uniform(size=rows) < p).astype(float), np.stack([1 - p, p], axis=1)


def several(rows: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, one of them rare."""
    p = np.random.default_rng(seed).dirichlet([6, 3, 1], rows)
    drawn = np.random.default_rng(seed + 1).uniform(size=(rows, 1))
    return (drawn > p.cumsum(axis=1)[:, :2]).sum(axis=1).astype(float), p


def numbers(rows: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ratings from 1 to 5, and predictions that keep to the middle."""
    generator = np.random.default_rng(seed)
    signal = generator.normal(size=rows)
    y = np.clip(np.rint(3 + signal + 0.7 * generator.normal(size=rows)), 1, 5)
    return y, (3 + 0.5 * signal)[:, None]


CASES = [
    (name, data)
    for name in TUNED
    for data, task in ((binary, "binary"), (several, "multiclass"), (numbers, "regression"))
    if task in METRICS[name].tasks
]


def scored(metric: Metric, y: np.ndarray, p: np.ndarray) -> float:
    return metric(y, p[:, 0] if p.shape[1] == 1 else p)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_tuned_labels_score_higher_also_on_other_rows(name, data):
    metric, (y, p), (new_y, new_p) = METRICS[name], data(), data(4000, seed=9)
    decision = tune(metric, y, p)
    assert scored(metric, y, decision.decide(p)) >= scored(metric, y, p)
    gain = scored(metric, new_y, decision.decide(new_p)) - scored(metric, new_y, new_p)
    assert gain > (-0.01 if name == "weighted_f1" else 0)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_a_fold_has_no_part_in_its_own_decision(name, data):
    """Spoil fold 0's targets: what is decided for it stays, and other folds' decisions move."""
    y, p = data()
    spoilt = np.where(FOLDS == 0, y.max() - y + y.min(), y)
    (before, first), (after, second) = (
        nested_decisions(METRICS[name], target, p, FOLDS) for target in (y, spoilt)
    )
    assert (first[FOLDS == 0] == second[FOLDS == 0]).all()
    names = ("a", "b", "c")[: p.shape[1]] if p.shape[1] > 1 else ()
    assert before[0].facts(names) == after[0].facts(names)
    assert before[1].facts(names) != after[1].facts(names)


def test_the_threshold_of_f1_is_the_best_of_all():
    y, p = binary(200)
    f1 = METRICS["f1"]
    best = max(f1(y, np.eye(2)[(p[:, 1] > cut).astype(int)]) for cut in [*p[:, 1], 0.5])
    assert METRICS["f1"](y, tune(METRICS["f1"], y, p).decide(p)) == pytest.approx(best)
    assert best_by_threshold(METRICS["f1"], y, p) == pytest.approx(best, abs=0.01)


def test_cut_points_are_nearly_the_best_of_all():
    y, p = numbers(60)
    y = np.clip(y, 2, 4)
    grid = np.quantile(p, np.linspace(0, 1, 61))
    best = max(
        METRICS["qwk"](y, 2.0 + (p[:, 0] >= low) + (p[:, 0] >= high))
        for low, high in product(grid, grid)
        if low <= high
    )
    decided = tune(METRICS["qwk"], y, p).decide(p)[:, 0]
    assert set(decided) <= {2.0, 3.0, 4.0}
    assert METRICS["qwk"](y, decided) >= best - 0.01


@pytest.mark.parametrize(("name", "data"), CASES)
def test_edge_cases(name, data):
    """One class, equal predictions, rows without a prediction, one row."""
    metric, (y, p) = METRICS[name], data()
    unpredicted = np.where(FOLDS[:, None] == 1, np.nan, p)
    for target, predicted in (
        (np.full(ROWS, y[0]), p), (y, np.tile(p[:1], (ROWS, 1))), (y, unpredicted), (y[:1], p[:1]),
    ):  # fmt: skip
        decided = tune(metric, target, predicted).decide(predicted)
        assert decided.shape == predicted.shape
        assert (np.isnan(decided) == np.isnan(predicted)).all()


def test_metrics_without_decisions_leave_predictions_alone():
    y, p = several()
    decisions, decided = nested_decisions(METRICS["logloss"], y, p, FOLDS)
    assert decisions == [None] * 5
    assert decided is p


@pytest.mark.parametrize(("name", "data"), [("f1", binary), ("macro_f1", several),
                                            ("qwk", numbers)])  # fmt: skip
def test_a_large_table_takes_seconds(name, data):
    y, p = data(200_000)
    started = time.perf_counter()
    nested_decisions(METRICS[name], y, p, np.arange(len(y)) % 5)
    assert time.perf_counter() - started < 5
