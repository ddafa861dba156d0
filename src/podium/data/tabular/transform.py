"""Standardization, imputation and one-hot encoding, fitted on some rows and applied to any.

A fitted transform consists of plain numbers and names. It is stored as readable JSON, and reading
it runs no code.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Preprocess

OTHER_LEVEL = "(other)"


@dataclass(frozen=True)
class NumericColumn:
    """Fitted values of a number column: whether log1p, fill for missing values, mean and std."""

    log: bool
    fill: float
    mean: float
    std: float
    indicator: bool


@dataclass(frozen=True)
class CategoryColumn:
    """Fitted values of a category column: its levels, and the rare ones that are pooled."""

    levels: list[str]
    pooled: list[str]
    indicator: bool


@dataclass(frozen=True)
class TableTransform:
    """The fitted preprocessing of a table: ``dense`` for linear models and networks."""

    numeric: dict[str, NumericColumn]
    categorical: dict[str, CategoryColumn]
    clip: float | None
    rows: int

    @property
    def feature_names(self) -> list[str]:
        """The names of ``dense``'s columns, in order."""
        blocks = [self.category_features(name) for name in self.categorical]
        return [*self.numeric, *self.numeric_flags, *(name for block in blocks for name in block)]

    @property
    def numeric_flags(self) -> list[str]:
        """The columns that mark missing numbers."""
        return [f"{name} is missing" for name, fit in self.numeric.items() if fit.indicator]

    def category_features(self, name: str) -> list[str]:
        """The one-hot columns of a category."""
        fit = self.categorical[name]
        names = [f"{name}={level}" for level in fit.levels]
        names += [f"{name}={OTHER_LEVEL}"] if fit.pooled else []
        return names + ([f"{name} is missing"] if fit.indicator else [])

    def dense(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """The table as a matrix, shape (rows, len(feature_names)), without missing values.

        A level that wasn't in the fitted rows has zeros in all its columns.
        """
        blocks = [self._numbers(table), self._numeric_indicators(table)]
        blocks += [_one_hot(table[name], fit) for name, fit in self.categorical.items()]
        return np.concatenate(blocks, axis=1)

    def _numbers(self, table: pd.DataFrame) -> NDArray[np.float64]:
        matrix = np.empty((len(table), len(self.numeric)))
        for index, (name, fit) in enumerate(self.numeric.items()):
            values = _logged(table[name].to_numpy(dtype=np.float64), fit.log)
            values = np.where(np.isnan(values), fit.fill, values)
            matrix[:, index] = (values - fit.mean) / fit.std
        return matrix if self.clip is None else np.clip(matrix, -self.clip, self.clip)

    def _numeric_indicators(self, table: pd.DataFrame) -> NDArray[np.float64]:
        columns = [
            table[name].isna().to_numpy(dtype=np.float64)
            for name, fit in self.numeric.items()
            if fit.indicator
        ]
        return np.stack(columns, axis=1) if columns else np.empty((len(table), 0))

    def native(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table for trees: raw numbers with NaN, and pandas categories with fitted levels."""
        columns = {name: table[name] for name in self.numeric}
        for name, fit in self.categorical.items():
            known = [*fit.levels, *fit.pooled]
            values = table[name].where(table[name].isin(known))
            columns[name] = pd.Categorical(values, categories=known)
        return pd.DataFrame(columns, index=table.index)

    def to_json(self) -> dict[str, Any]:
        """The transform as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TableTransform":
        """The transform from ``to_json``'s data."""
        numeric = {name: NumericColumn(**fit) for name, fit in data["numeric"].items()}
        categorical = {name: CategoryColumn(**fit) for name, fit in data["categorical"].items()}
        return cls(numeric, categorical, data["clip"], data["rows"])


def fit_transform_on(
    table: pd.DataFrame, numeric: list[str], categorical: list[str], spec: Preprocess
) -> TableTransform:
    """Fit the transform on the rows of ``table`` only."""
    return TableTransform(
        numeric={name: _fit_numeric(table[name], spec) for name in numeric},
        categorical={name: _fit_category(table[name], spec) for name in categorical},
        clip=spec.clip,
        rows=len(table),
    )


def _fit_numeric(column: "pd.Series[Any]", spec: Preprocess) -> NumericColumn:
    raw = column.to_numpy(dtype=np.float64)
    present = raw[~np.isnan(raw)]
    if present.size == 0:
        return NumericColumn(log=False, fill=0.0, mean=0.0, std=1.0, indicator=False)
    log = spec.log_skewed is not None and _skewed(present, spec.log_skewed)
    values = _logged(present, log)
    fills = {"mean": values.mean(), "median": np.median(values), "zero": 0.0}
    std = float(values.std())
    return NumericColumn(
        log=log,
        fill=float(fills[spec.impute]),
        mean=float(values.mean()) if spec.standardize else 0.0,
        std=std if spec.standardize and std > 1e-12 else 1.0,
        indicator=spec.na_indicators == "observed" and present.size < raw.size,
    )


def _fit_category(column: "pd.Series[Any]", spec: Preprocess) -> CategoryColumn:
    counts = column.value_counts().sort_index()
    kept = [str(level) for level, count in counts.items() if count >= spec.min_count]
    pooled = [str(level) for level, count in counts.items() if count < spec.min_count]
    observed = spec.na_indicators == "observed" and bool(column.isna().any())
    return CategoryColumn(kept, pooled, observed or spec.na_indicators == "categorical")


def _one_hot(column: "pd.Series[Any]", fit: CategoryColumn) -> NDArray[np.float64]:
    """One column per level, then one for pooled levels and one for missing values, as fitted."""
    values = column.to_numpy(dtype=object)
    parts = [values == level for level in fit.levels]
    parts += [np.isin(values.astype(str), fit.pooled)] if fit.pooled else []
    parts += [column.isna().to_numpy()] if fit.indicator else []
    if not parts:
        return np.empty((len(column), 0))
    return np.stack(parts, axis=1).astype(np.float64)


def _logged(values: NDArray[np.float64], log: bool) -> NDArray[np.float64]:
    """log1p if the column was fitted so; later negative values count as zero."""
    return np.log1p(np.maximum(values, 0.0)) if log else values


def _skewed(values: NDArray[np.float64], threshold: float) -> bool:
    """Whether a non-negative column's sample skewness is above the threshold."""
    std = values.std()
    if values.min() < 0 or std < 1e-12:
        return False
    return bool(np.mean(((values - values.mean()) / std) ** 3) > threshold)
