"""Competition metrics: name, direction, domain, tasks, and the kind of predictions each needs.

Arrays are row-aligned. ``y`` is the true target, shape (n,): numbers for regression, class codes
0..k-1 for classification. ``p`` is the prediction: shape (n,) for regression, class probabilities
of shape (n, k) for binary and multiclass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CLASSIFICATION = ("binary", "multiclass")


@dataclass(frozen=True)
class Metric:
    """A scoring rule.

    ``needs`` is what a submission contains: ``values`` (numbers), ``labels`` or ``probabilities``.
    ``minimum`` is the smallest target and prediction that the metric allows; None for any number.
    ``stepwise``: a small change of a prediction mostly changes nothing, or makes a jump (labels,
    ranks), so that a smooth loss is the better guide where something is fitted.
    """

    name: str
    title: str
    function: Callable[[Array, Array], float]
    tasks: tuple[str, ...]
    needs: str
    greater_is_better: bool = False
    minimum: float | None = None
    stepwise: bool = False

    def __call__(self, y: Array, p: Array) -> float:
        """The score of predictions ``p`` for targets ``y``; NaN where the metric is undefined.

        That is ROC AUC of rows of one class, and R² of equal targets.
        """
        return float(self.function(y, p))

    def loss(self, y: Array, p: Array) -> float:
        """The score with a sign such that lower is better."""
        score = self(y, p)
        return -score if self.greater_is_better else score

    def below(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values are below the metric's domain; the shape is kept."""
        return values < (-np.inf if self.minimum is None else self.minimum)

    @property
    def below_in_words(self) -> str:
        """The word for such a value in error messages, e.g. ``negative``."""
        return "negative" if self.minimum == 0 else f"below {self.minimum}"


def _rmse(y: Array, p: Array) -> float:
    return float(np.sqrt(np.mean((y - p) ** 2)))


def _mae(y: Array, p: Array) -> float:
    return float(np.mean(np.abs(y - p)))


def _rmsle(y: Array, p: Array) -> float:
    return _rmse(np.log1p(y), np.log1p(np.maximum(p, 0.0)))


def _r2(y: Array, p: Array) -> float:
    variation = float(np.sum((y - y.mean()) ** 2))
    return 1.0 - float(np.sum((y - p) ** 2)) / variation if variation > 0 else np.nan


def _accuracy(y: Array, p: Array) -> float:
    return float(np.mean(p.argmax(axis=1) == y))


def _logloss(y: Array, p: Array) -> float:
    clipped = np.clip(p, 1e-15, 1.0)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(clipped[np.arange(len(y)), y.astype(int)])))


def _auc(y: Array, p: Array) -> float:
    """By ranks (Mann and Whitney 1947), ties at their mean: one sort."""
    positive = y == 1
    count = int(positive.sum())
    pairs = count * (len(y) - count)
    if not pairs:
        return np.nan
    _, place, ties = np.unique(p[:, 1], return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(ties) - (ties - 1) / 2
    return (float(mean_rank[place[positive]].sum()) - count * (count + 1) / 2) / pairs


def _macro_f1(y: Array, p: Array) -> float:
    """The mean over the classes that are there, true or predicted; scikit-learn's is 50x slower."""
    true, predicted = y.astype(int), p.argmax(axis=1)
    right, rows = (
        np.bincount(codes, minlength=p.shape[1])
        for codes in (true[true == predicted], np.concatenate([true, predicted]))
    )
    return float(np.mean(2 * right[rows > 0] / rows[rows > 0]))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rmse", "RMSE", _rmse, ("regression",), "values"),
        Metric("mae", "MAE", _mae, ("regression",), "values"),
        Metric("rmsle", "RMSLE", _rmsle, ("regression",), "values", minimum=0.0),
        Metric("r2", "R²", _r2, ("regression",), "values", greater_is_better=True),
        Metric("accuracy", "accuracy", _accuracy, CLASSIFICATION, "labels", True, stepwise=True),
        Metric("macro_f1", "macro F1", _macro_f1, CLASSIFICATION, "labels", True, stepwise=True),
        Metric("logloss", "log loss", _logloss, CLASSIFICATION, "probabilities"),
        Metric("auc", "ROC AUC", _auc, ("binary",), "probabilities", True, stepwise=True),
    )
}
