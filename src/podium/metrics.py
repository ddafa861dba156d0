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
    """

    name: str
    title: str
    function: Callable[[Array, Array], float]
    tasks: tuple[str, ...]
    needs: str
    greater_is_better: bool = False
    minimum: float | None = None

    def __call__(self, y: Array, p: Array) -> float:
        """The score of predictions ``p`` for targets ``y``."""
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
    return 1.0 - float(np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2))


def _accuracy(y: Array, p: Array) -> float:
    return float(np.mean(p.argmax(axis=1) == y))


def _logloss(y: Array, p: Array) -> float:
    clipped = np.clip(p, 1e-15, 1.0)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(clipped[np.arange(len(y)), y.astype(int)])))


def _auc(y: Array, p: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, p[:, 1]))


def _macro_f1(y: Array, p: Array) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(y, p.argmax(axis=1), average="macro"))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rmse", "RMSE", _rmse, ("regression",), "values"),
        Metric("mae", "MAE", _mae, ("regression",), "values"),
        Metric("rmsle", "RMSLE", _rmsle, ("regression",), "values", minimum=0.0),
        Metric("r2", "R²", _r2, ("regression",), "values", greater_is_better=True),
        Metric("accuracy", "accuracy", _accuracy, CLASSIFICATION, "labels", True),
        Metric("macro_f1", "macro F1", _macro_f1, CLASSIFICATION, "labels", True),
        Metric("logloss", "log loss", _logloss, CLASSIFICATION, "probabilities"),
        Metric("auc", "ROC AUC", _auc, ("binary",), "probabilities", True),
    )
}
