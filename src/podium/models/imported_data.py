"""What estimators by import path get: a table, and the target as numbers or classes of a fold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import ImportedParams
from podium.data.dataset import Rows, Split
from podium.data.tabular.dataset import TableSplit
from podium.data.tabular.transform import OTHER_LEVEL
from podium.io.errors import PodiumError
from podium.models.base import Array, Fit

# A matrix, shape (rows, features), or a DataFrame.
Table = Any
# From rows of a fold's table to what the estimator gets of them.
Further = Callable[[pd.DataFrame], Table]
# scikit-learn's histogram boosting takes no category with more levels.
MOST_LEVELS = 255
# How far rows of probabilities may be from a sum of 1: float32's, summed over many classes.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Tables:
    """A fold's rows as the estimator wants them, and how further ones become so."""

    train: Table
    test: Table
    further: Further

    def map(self, change: Callable[[Table], Table]) -> "Tables":
        """The same with each table changed."""
        further = self.further
        return Tables(change(self.train), change(self.test), lambda rows: change(further(rows)))


def tables(fit: Fit[ImportedParams], split: Split) -> Tables:
    """What the estimator gets of a fold."""
    transform = cast(TableSplit, split).transform
    if fit.params.inputs == "dense":
        return Tables(*fit.dataset.dense(split), transform.dense)
    table, test = fit.dataset.trees(split)
    kept = _kept_levels(table, split.train_rows)
    found = Tables(table, test, transform.native).map(lambda one: _bounded(one, kept))
    return found.map(with_safe_names) if fit.params.model.startswith("lightgbm.") else found


def with_safe_names(table: Table) -> Table:
    """A table whose columns are ``c0``, ``c1`` ...; a matrix as it is.

    XGBoost takes no brackets in a name, LightGBM none of JSON's characters nor two names that
    differ in blanks only.
    """
    if not isinstance(table, pd.DataFrame):
        return table
    return table.set_axis([f"c{index}" for index in range(table.shape[1])], axis=1)


def rows_of(table: Table, rows: Rows) -> Table:
    """Some rows of a matrix or a DataFrame."""
    return table.iloc[rows] if isinstance(table, pd.DataFrame) else table[rows]


def _kept_levels(table: pd.DataFrame, rows: Rows) -> dict[str, list[Any]]:
    """The most frequent levels of columns that have too many in the training rows."""
    found = {}
    for name in table.columns[table.dtypes == "category"]:
        counts = table[name].iloc[rows].value_counts()
        if (counts > 0).sum() > MOST_LEVELS:
            found[str(name)] = list(counts.index[: MOST_LEVELS - 1])
    return found


def _bounded(table: pd.DataFrame, kept: dict[str, list[Any]]) -> pd.DataFrame:
    """A table with these levels alone where there are too many: the others become one."""
    return table.assign(**{name: _pooled(table[name], levels) for name, levels in kept.items()})


def _pooled(column: "pd.Series[Any]", kept: list[Any]) -> pd.Categorical:
    pooled = column.astype(object).where(column.isin(kept) | column.isna(), OTHER_LEVEL)
    return pd.Categorical(pooled, categories=list(dict.fromkeys([*kept, OTHER_LEVEL])))


class OddPredictionsError(PodiumError):
    """An estimator predicts what can't be: of another shape, NaN, or no probabilities."""


def _checked(method: str, predicted: Any, shape: tuple[int, ...]) -> Array:
    """Predictions as numbers of the shape that they must have.

    Raises:
        OddPredictionsError: they have another shape, or one is NaN or infinite.
    """
    numbers = np.asarray(predicted, dtype=np.float64)
    if numbers.shape == (*shape, 1):
        numbers = numbers.reshape(shape)
    if numbers.shape != shape:
        found = "x".join(map(str, numbers.shape)) or "one number"
        raise OddPredictionsError(
            f"{method} gave {found} numbers, expected {'x'.join(map(str, shape))}: one row per row"
            + (", one column per class" if len(shape) > 1 else "")
        )
    odd = int((~np.isfinite(numbers).reshape(len(numbers), -1)).any(axis=1).sum())
    if odd:
        raise OddPredictionsError(f"{method} gave NaN or infinity for {odd} of {shape[0]} rows")
    return numbers


def _probabilities(predicted: Any, rows: int, classes: int) -> Array:
    """Probabilities, shape (rows, classes), whose rows sum to 1.

    Raises:
        OddPredictionsError: they are none.
    """
    method = "predict_proba"
    found = _checked(method, predicted, (rows, classes))
    sums = found.sum(axis=1)
    if rows and (found.min() < -TOLERANCE or np.abs(sums - 1.0).max() > TOLERANCE):
        raise OddPredictionsError(
            f"{method} gave numbers from {found.min():.4g} to {found.max():.4g}, whose rows sum to "
            f"{sums.min():.4g} to {sums.max():.4g}; expected probabilities, which sum to 1"
        )
    return np.clip(found, 0.0, None)


@dataclass(frozen=True)
class Numbers:
    """A numeric target: standardized by the fold's training rows, or as it is."""

    mean: float
    scale: float

    @classmethod
    def learnt(cls, y: Array, weight: Array | None, scales: bool) -> Self:
        """Of the training rows and their weights, shape (rows,) each."""
        if not scales:
            return cls(0.0, 1.0)
        mean = float(np.average(y, weights=weight))
        # Relative to the largest, so that no square leaves the range of numbers.
        largest = float(np.abs(y - mean).max()) or 1.0
        share = np.sqrt(np.average(((y - mean) / largest) ** 2, weights=weight))
        return cls(mean, float(share) * largest or 1.0)

    def encode(self, y: Array) -> Array:
        """What the estimator is fitted on."""
        return (y - self.mean) / self.scale

    def predict(self, estimator: Any, x: Table) -> Array:
        """Predictions on the model scale, shape (rows, 1)."""
        predicted = _checked("predict", estimator.predict(x), (len(x),))
        return predicted[:, None] * self.scale + self.mean

    def loss(self, y: Array, predicted: Array) -> float:
        """Mean squared error on the model scale."""
        return float(np.mean((predicted[:, 0] - y) ** 2))

    @property
    def facts(self) -> dict[str, Any]:
        """What is stored beside the estimator."""
        return {"mean": self.mean, "scale": self.scale}


@dataclass(frozen=True)
class Classes:
    """Classes: an estimator gets 0, 1 ... for those that it is trained on.

    ``present`` are their codes, shape (k,), of ``outputs`` classes in all.
    """

    present: NDArray[np.int64]
    outputs: int

    @classmethod
    def learnt(cls, y: Array, outputs: int) -> Self:
        """Of the training rows' codes, shape (rows,)."""
        return cls(np.unique(y).astype(np.int64), outputs)

    def encode(self, y: Array) -> NDArray[np.int64]:
        """What the estimator is fitted on; all classes must be present."""
        return np.searchsorted(self.present, y.astype(np.int64))

    def predict(self, estimator: Any, x: Table) -> Array:
        """Probabilities, shape (rows, outputs); of the only class, without an estimator, 1."""
        probabilities = np.zeros((len(x), self.outputs))
        if estimator is None:
            probabilities[:, self.present] = 1.0
        else:
            codes = self.present[np.asarray(estimator.classes_).astype(np.int64)]
            own = _probabilities(estimator.predict_proba(x), len(x), len(codes))
            probabilities[:, codes] = own
        return probabilities

    def loss(self, y: Array, predicted: Array) -> float:
        """Mean log loss."""
        own = predicted[np.arange(len(y)), y.astype(np.int64)]
        return float(-np.mean(np.log(np.maximum(own, 1e-15))))

    @property
    def facts(self) -> dict[str, Any]:
        """What is stored beside the estimator."""
        return {"classes": self.present.tolist()}


# Either kind of target.
Labels = Numbers | Classes


def labels_of(fit: Fit[ImportedParams], y: Array, weight: Array | None) -> Labels:
    """The target of some training rows, as the estimator wants it."""
    if fit.target.is_regression:
        return Numbers.learnt(y, weight, fit.params.scale_target)
    return Classes.learnt(y, fit.target.outputs)
