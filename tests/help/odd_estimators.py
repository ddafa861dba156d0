"""Estimators that predict what can't be."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class Classifier(ClassifierMixin, BaseEstimator):
    """Gives its ``found`` for every row and class, or of ``columns`` classes."""

    known: ClassVar[dict[str, float]] = {"nan": np.nan, "seven": 7.0, "third": 1 / 3}

    def __init__(self, found: str = "nan", columns: int = 2) -> None:
        self.found, self.columns = found, columns

    def fit(self, X: Any, y: Any) -> "Classifier":  # noqa: N803
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return np.full((len(X), self.columns), self.known[self.found])


class Regressor(RegressorMixin, BaseEstimator):
    """Predicts one NaN, or ``columns`` numbers a row."""

    def __init__(self, columns: int = 1) -> None:
        self.columns = columns

    def fit(self, X: Any, y: Any) -> "Regressor":  # noqa: N803
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        found = np.zeros((len(X), self.columns))
        found[0] = np.nan if self.columns == 1 else 0.0
        return found


class Telling(RegressorMixin, BaseEstimator):
    """Has a ``history_`` of its own kind, as some packages' networks have."""

    def fit(self, X: Any, y: Any) -> "Telling":  # noqa: N803
        self.mean_, self.history_ = float(np.mean(y)), [{"epoch": 1, "batches": []}]
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return np.full(len(X), self.mean_)
