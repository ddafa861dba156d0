"""From predictions to labels: thresholds and cut points, tuned for metrics whose best labels aren't
the most probable ones (Lipton et al. 2014 for F1).

Predictions have shape (n, outputs): one number, or a probability of each class. What is decided has
the same shape: the number that is predicted, or 1 for the predicted class and 0 for the others.
Rows without a prediction (NaN) are not tuned on, and stay as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from podium.metrics.classes import confusion
from podium.metrics.metric import Array, Metric

Rows = NDArray[np.int64]
# A few numbers are tuned on no more rows, evenly chosen; factors of several classes on fewer, since
# each row costs more. More classes or values have none.
MOST_ROWS, MOST_ROWS_OF_FACTORS, MOST_CLASSES = 50_000, 20_000, 100
# Factors of a class's probabilities that are tried, and the size of the table of all counts.
FACTORS = np.exp(np.linspace(-np.log(32.0), np.log(32.0), 193))
MOST_COUNTS = 2_000_000
# Thresholds that are tried where a threshold is looked for many times.
BINS = 1000
PASSES = 5


class Decision(Protocol):
    """How labels follow from predictions."""

    def decide(self, p: Array) -> Array:
        """The decided predictions; the shape is kept."""

    def facts(self, classes: Sequence[str]) -> dict[str, Any]:
        """What was tuned, for ``metrics.json``."""


@dataclass(frozen=True)
class Threshold:
    """The second class is predicted above a probability."""

    value: float

    def decide(self, p: Array) -> Array:
        """As of every decision."""
        return _one_hot((p[:, 1] > self.value).astype(np.int64), p)

    def facts(self, classes: Sequence[str]) -> dict[str, Any]:
        """As of every decision."""
        return {"threshold": round(self.value, 6)}


@dataclass(frozen=True)
class ClassFactors:
    """The predicted class has the largest product of probability and factor, shape (k,)."""

    values: Array

    def decide(self, p: Array) -> Array:
        """As of every decision."""
        return _one_hot((p * self.values).argmax(axis=1), p)

    def facts(self, classes: Sequence[str]) -> dict[str, Any]:
        """As of every decision."""
        named = zip(classes, self.values, strict=True)
        return {"class_factors": {name: round(float(value), 4) for name, value in named}}


@dataclass(frozen=True)
class CutPoints:
    """Ordered ``labels``, shape (k,); each but the first is predicted from its cut point on.

    What is cut is the number that is predicted, or the mean of the class codes.
    """

    values: Array
    labels: Array

    def decide(self, p: Array) -> Array:
        """As of every decision."""
        places = np.searchsorted(self.values, _position(p), side="right")
        if p.shape[1] > 1:
            return _one_hot(self.labels[places].astype(np.int64), p)
        return np.where(np.isnan(p), p, self.labels[places][:, None])

    def facts(self, classes: Sequence[str]) -> dict[str, Any]:
        """As of every decision; cut points by the label that begins there."""
        named = zip(self.labels[1:], self.values, strict=True)
        return {
            "cut_points": {
                classes[int(label)] if classes else f"{label:g}": round(float(value), 6)
                for label, value in named
            }
        }


def decided(decision: Decision | None, p: Array) -> Array:
    """Predictions after a decision, if there is one."""
    return p if decision is None else decision.decide(p)


def tune(metric: Metric, y: Array, p: Array) -> Decision | None:
    """What of the metric's decisions scores best on these rows; None if it has none.

    Args:
        metric: the metric.
        y: targets, shape (n,).
        p: predictions, shape (n, outputs).
    """
    if not metric.is_tuned:
        return None
    rows = np.flatnonzero(~np.isnan(p).any(axis=1))
    most = MOST_ROWS_OF_FACTORS if p.shape[1] > 2 and not metric.cut_points else MOST_ROWS
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
    y, p = y[rows], p[rows]
    if metric.cut_points:
        return _cut_points(y, p)
    assert metric.of_counts is not None
    if p.shape[1] == 2:
        return _threshold(metric.of_counts, y, p[:, 1])
    return _class_factors(metric.of_counts, y, p)


def nested_decisions(
    metric: Metric,
    y: Array,
    p: Array,
    fold_of_row: Rows,
    tuned_on: Sequence[Array] | None = None,
    trained: NDArray[np.bool_] | None = None,
) -> tuple[list[Decision | None], Array]:
    """A decision for each fold, tuned on the other folds' rows, and what they decide.

    Args:
        metric: the metric.
        y: targets, shape (n,).
        p: OOF predictions, shape (n, outputs).
        fold_of_row: the fold that validates each row, shape (n,); negative for none.
        tuned_on: for each fold, predictions of the other folds' rows to tune on, if not ``p``.
        trained: the rows that each fold trains on, shape (n, folds), by default all others; where
            none of them is predicted (the first fold in time), nothing is decided.
    """
    folds = int(fold_of_row.max()) + 1
    if not metric.is_tuned:
        return [None] * folds, p
    result, found = p.copy(), []
    for fold in range(folds):
        own, others = fold_of_row == fold, (fold_of_row != fold) & (fold_of_row >= 0)
        others = others if trained is None else others & trained[:, fold]
        given = p if tuned_on is None else tuned_on[fold]
        found.append(tune(metric, y[others], given[others]) if others.any() else None)
        result[own] = decided(found[-1], p[own])
    return found, result


def best_by_threshold(metric: Metric, y: Array, p: Array) -> float:
    """The score at the best of many thresholds: by counting, without a sort.

    For two classes; ``p`` has shape (n, 2). Where the metric has none, its score.
    """
    if metric.of_counts is None or p.shape[1] != 2:
        return metric(y, p)
    bins = np.minimum((p[:, 1] * BINS).astype(np.int64), BINS - 1)
    by_bin = np.bincount(bins + BINS * y.astype(np.int64), minlength=2 * BINS).reshape(2, BINS)
    below = np.concatenate([np.zeros((2, 1)), by_bin.cumsum(axis=1)], axis=1)
    scores = metric.of_counts(_counts_of(below, below[:, -1:]))
    return float(np.nanmax(scores)) if not np.isnan(scores).all() else np.nan


def _counts_of(below: Array, total: Array) -> Array:
    """Confusion matrices (m, 2, 2) from true rows of each class below a threshold, (2, m)."""
    return np.stack([below, total - below], axis=-1).transpose(1, 0, 2)


def _threshold(of_counts: Callable[[Array], Array], y: Array, p: Array) -> Threshold:
    """The best threshold, halfway between two rows; of equal ones that nearest to 0.5."""
    order = np.argsort(p, kind="stable")
    places = np.concatenate([[0.0], p[order], [1.0]])
    cuts = (places[:-1] + places[1:]) / 2
    positive = np.concatenate([[0.0], (y[order] == 1).cumsum()])
    below = np.stack([np.arange(len(y) + 1) - positive, positive])
    # Rows of equal probability can't be told apart.
    between = np.concatenate([[True], np.diff(p[order]) > 0, [True]])
    scores = np.where(between, of_counts(_counts_of(below, below[:, -1:])), np.nan)
    if np.isnan(scores).all():
        return Threshold(0.5)
    best = np.flatnonzero(scores >= np.nanmax(scores) - 1e-12)
    return Threshold(float(cuts[best[np.abs(cuts[best] - 0.5).argmin()]]))


def _class_factors(of_counts: Callable[[Array], Array], y: Array, p: Array) -> ClassFactors:
    """Coordinate ascent: one class's factor at a time, as long as any gets better."""
    classes = p.shape[1]
    values = np.ones(classes)
    if classes > MOST_CLASSES or not len(y):
        return ClassFactors(values)
    best = float(of_counts(confusion(y, p.argmax(axis=1), classes)))
    tried = FACTORS[:: max(1, int(len(FACTORS) * classes**2 // MOST_COUNTS) + 1)]
    for _ in range(PASSES):
        before = best
        for code in range(classes):
            scores = of_counts(_counts_by_factor(y, p, values, code, tried))
            place = int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))
            if scores[place] > best + 1e-9 or best != best:
                best, values[code] = float(scores[place]), tried[place]
        if not best > before:
            break
    return ClassFactors(values / np.exp(np.log(values).mean()))


def _counts_by_factor(y: Array, p: Array, values: Array, code: int, tried: Array) -> Array:
    """Confusion matrices, shape (tried, k, k), for each factor of one class."""
    classes, rows = p.shape[1], np.arange(len(y))
    scaled = p * values
    scaled[:, code] = -1.0
    other = scaled.argmax(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = scaled[rows, other] / p[:, code]
    # The first factor that is above what the class needs to win; for none of them the last place.
    first = np.searchsorted(tried, needed, side="right")
    pairs = y.astype(np.int64) * classes + other
    shape = (len(tried) + 1, classes, classes)
    moved = np.bincount(first * classes**2 + pairs, minlength=int(np.prod(shape)))
    lost = moved.reshape(shape)[:-1].cumsum(axis=0).astype(np.float64)
    counts = confusion(y, other, classes) - lost
    counts[:, :, code] += lost.sum(axis=2)
    return counts


def _cut_points(y: Array, p: Array) -> CutPoints:
    """Cut points of the best quadratic weighted kappa, from two starts: halfway, and equal shares.

    Coordinate ascent: one cut point at a time; the sums that kappa is made of are linear in what
    lies below each.
    """
    labels = np.unique(y)
    halfway = (labels[:-1] + labels[1:]) / 2
    if not 1 < len(labels) <= MOST_CLASSES:
        return CutPoints(halfway, labels)
    position = _position(p)
    order = np.argsort(position, kind="stable")
    ordered, curve = position[order], _KappaCurve.of(labels, y[order])
    shares = np.quantile(ordered, np.searchsorted(np.sort(y), labels[1:]) / len(y))
    # Places between rows of different position, at most a thousand.
    between = np.concatenate([[0], np.flatnonzero(np.diff(ordered) > 0) + 1, [len(y)]])
    grid = between[np.unique(np.linspace(0, len(between) - 1, 1000).astype(np.int64))]
    ends = (np.searchsorted(grid, np.searchsorted(ordered, start)) for start in (halfway, shares))
    score, cuts = max((curve.climb(grid, start) for start in ends), key=lambda one: one[0])
    halves = np.concatenate([ordered[:1], (ordered[:-1] + ordered[1:]) / 2, ordered[-1:] + 1e-9])
    return CutPoints(halves[grid[cuts]], labels)


@dataclass(frozen=True)
class _KappaCurve:
    """Kappa by how many of the ordered rows lie below each cut point.

    ``below`` has the sums of targets of the first rows, shape (n + 1,); ``squares`` is the sum of
    all squared targets.
    """

    labels: Array
    below: Array
    squares: float

    @classmethod
    def of(cls, labels: Array, y: Array) -> "_KappaCurve":
        return cls(labels, np.concatenate([[0.0], y.cumsum()]), float((y**2).sum()))

    def climb(self, grid: Rows, start: Rows) -> tuple[float, Rows]:
        """The best score from a start, and the cut points, both as places of ``grid``."""
        cuts = np.minimum(start, len(grid) - 1)
        best = float(self.kappa(grid[cuts][:, None])[0])
        for _ in range(PASSES * 2):
            before = best
            for index in range(len(cuts)):
                low = cuts[index - 1] if index else 0
                high = cuts[index + 1] if index + 1 < len(cuts) else len(grid) - 1
                tried = np.arange(low, high + 1)
                table = np.repeat(grid[cuts][:, None], len(tried), axis=1)
                table[index] = grid[tried]
                scores = self.kappa(table)
                place = int(np.argmax(scores))
                if scores[place] > best + 1e-12:
                    best, cuts[index] = float(scores[place]), tried[place]
            if not best > before:
                break
        return best, cuts

    def kappa(self, cuts: Rows) -> Array:
        """The scores for rows below each cut point, shape (k - 1, tried)."""
        rows, total, last = len(self.below) - 1, self.below[-1], self.labels[-1]
        steps, squares = np.diff(self.labels), np.diff(self.labels**2)
        predicted = last * rows - steps @ cuts
        of_squares = last**2 * rows - squares @ cuts
        together = last * total - steps @ self.below[cuts]
        observed = self.squares + of_squares - 2 * together
        by_chance = self.squares + of_squares - 2 * total * predicted / rows
        return np.where(by_chance > 0, 1.0 - observed / np.maximum(by_chance, 1e-300), 0.0)


def _position(p: Array) -> Array:
    """What is cut: the predicted number, or the mean of the class codes; shape (n,)."""
    return p[:, 0] if p.shape[1] == 1 else p @ np.arange(p.shape[1], dtype=np.float64)


def _one_hot(labels: Rows, p: Array) -> Array:
    """1 in the label's column; rows of NaN stay."""
    result = np.eye(p.shape[1])[labels]
    result[np.isnan(p).any(axis=1)] = np.nan
    return result
