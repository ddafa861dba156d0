"""Metrics of predicted classes.

``y`` has shape (n,), ``p`` shape (n, k). Functions that end in ``_of`` take confusion matrices,
shape (..., k, k), true by predicted class, and return a score each: a whole curve of thresholds is
one call. scikit-learn's take one set of labels, and are 50x slower.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from podium.metrics.metric import Array

OfCounts = Callable[[Array], Array]


def confusion(y: Array, labels: Array, classes: int) -> Array:
    """Counts of rows by true and predicted class, shape (k, k)."""
    pairs = y.astype(np.int64) * classes + labels.astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.float64)


def by_counts(of_counts: OfCounts, y: Array, p: Array) -> float:
    """A metric of confusion matrices for the most probable labels."""
    return float(of_counts(confusion(y, p.argmax(axis=1), p.shape[1])))


def accuracy(y: Array, p: Array) -> float:
    """The share of right labels."""
    return float(np.mean(p.argmax(axis=1) == y))


def balanced_accuracy_of(counts: Array) -> Array:
    """The mean over the true classes of the share of right labels."""
    right, true, _ = _margins(counts)
    return _mean_over(_share(right, true), true > 0)


def f_beta_of(beta: float, counts: Array) -> Array:
    """Of the second class; 0 where it is neither there nor predicted."""
    right, true, predicted = (part[..., 1] for part in _margins(counts))
    return _share((1 + beta**2) * right, beta**2 * true + predicted)


def macro_f1_of(counts: Array) -> Array:
    """The mean over the classes that are there, true or predicted."""
    right, true, predicted = _margins(counts)
    return _mean_over(_share(2 * right, true + predicted), true + predicted > 0)


def weighted_f1_of(counts: Array) -> Array:
    """The mean over the classes, weighted by their true rows."""
    right, true, predicted = _margins(counts)
    return _share((_share(2 * right, true + predicted) * true).sum(-1), true.sum(-1))


def mcc_of(counts: Array) -> Array:
    """Matthews' correlation (Gorodkin 2004 for several classes); 0 where labels are constant."""
    right, true, predicted = _margins(counts)
    rows = true.sum(-1)
    together = right.sum(-1) * rows - (true * predicted).sum(-1)
    apart = (rows**2 - (true**2).sum(-1)) * (rows**2 - (predicted**2).sum(-1))
    return _share(together, np.sqrt(apart))


def kappa_of(counts: Array) -> Array:
    """Cohen's kappa (1960): agreement beyond chance; NaN where all rows agree by chance."""
    classes = counts.shape[-1]
    return _kappa(1.0 - np.eye(classes), counts)


def qwk_of(counts: Array) -> Array:
    """Cohen's kappa with squared distances between ordered classes as weights (1968)."""
    codes = np.arange(counts.shape[-1], dtype=np.float64)
    return _kappa((codes[:, None] - codes) ** 2, counts)


def qwk(y: Array, p: Array) -> float:
    """The same of labels, or of numbers that are rounded.

    For numbers the sums have a short form: the mean squared difference of pairs, over that of true
    and predicted values drawn apart.
    """
    if p.ndim == 2:
        return by_counts(qwk_of, y, p)
    rounded = np.rint(p)
    apart = y.var() + rounded.var() + (y.mean() - rounded.mean()) ** 2
    return 1.0 - float(np.mean((y - rounded) ** 2) / apart) if apart > 0 else np.nan


def logloss(y: Array, p: Array) -> float:
    """Minus the mean log of the true class's probability."""
    clipped = np.clip(p, 1e-15, 1.0)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(clipped[np.arange(len(y)), y.astype(int)])))


def brier(y: Array, p: Array) -> float:
    """The mean squared error of probabilities, summed over classes; two classes count as one."""
    errors = p.copy()
    errors[np.arange(len(y)), y.astype(int)] -= 1.0
    total = float(np.mean((errors**2).sum(axis=1)))
    return total / 2 if p.shape[1] == 2 else total


def auc(y: Array, p: Array) -> float:
    """The area under the ROC curve; of several classes the mean of each against the rest."""
    return _of_each_class(_area, y, p)


def auc_ovo(y: Array, p: Array) -> float:
    """The mean over pairs of classes that are there (Hand and Till 2001)."""
    pairs = list(combinations(np.unique(y).astype(int), 2))
    areas = []
    for one, other in pairs:
        rows = (y == one) | (y == other)
        areas += [_area(y[rows] == own, p[rows, own]) for own in (one, other)]
    return float(np.mean(areas)) if areas else np.nan


def average_precision(y: Array, p: Array) -> float:
    """The area under steps of precision by recall; the mean over classes."""
    from sklearn.metrics import average_precision_score

    def of_class(positive: Array, score: Array) -> float:
        return float(average_precision_score(positive, score)) if positive.any() else np.nan

    return _of_each_class(of_class, y, p)


def map_at(count: int, y: Array, p: Array) -> float:
    """The mean of 1 / place of the true class among the ``count`` most probable, 0 behind them.

    That is the mean average precision where each row has one true class. Of equal probabilities
    the first class is the first, as in the submission.
    """
    own = p[np.arange(len(y)), y.astype(int)][:, None]
    before = np.arange(p.shape[1]) < y[:, None]
    place = 1 + ((p > own) | ((p == own) & before)).sum(axis=1)
    return float(np.mean(np.where(place <= count, 1.0 / place, 0.0)))


def _of_each_class(of_class: Callable[[Array, Array], float], y: Array, p: Array) -> float:
    """A binary metric of the second class, or its mean over the classes where it is defined."""
    own = [1] if p.shape[1] == 2 else range(p.shape[1])
    scores = [of_class(y == code, p[:, code]) for code in own]
    defined = [score for score in scores if score == score]
    return float(np.mean(defined)) if defined else np.nan


def _area(positive: Array, score: Array) -> float:
    """By ranks (Mann and Whitney 1947), ties at their mean: one sort."""
    count = int(positive.sum())
    pairs = count * (len(positive) - count)
    if not pairs:
        return np.nan
    _, place, ties = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(ties) - (ties - 1) / 2
    return (float(mean_rank[place[positive]].sum()) - count * (count + 1) / 2) / pairs


def _margins(counts: Array) -> tuple[Array, Array, Array]:
    """Right, true and predicted rows of each class, each of shape (..., k)."""
    return np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)


def _kappa(weights: Array, counts: Array) -> Array:
    _, true, predicted = _margins(counts)
    by_chance = (true[..., :, None] * predicted[..., None, :] * weights).sum((-2, -1))
    observed = (counts * weights).sum((-2, -1)) * true.sum(-1)
    return np.where(by_chance > 0, 1.0 - _share(observed, by_chance), np.nan)


def _share(part: Array, whole: Array) -> Array:
    """A quotient, 0 where it is 0 / 0."""
    return part / np.where(whole > 0, whole, 1.0)


def _mean_over(values: Array, where: NDArray[np.bool_]) -> Array:
    """The mean along the last axis of the values that count."""
    return _share((values * where).sum(-1), where.sum(-1))
