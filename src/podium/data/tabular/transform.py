"""Standardization, imputation and one-hot encoding, fitted on some rows and applied to any.

A fitted transform consists of plain numbers and names. It is stored as readable JSON, and reading
it runs no code.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Preprocess
from podium.data.tabular.levels import CategoryColumn, fit_categories

Array = NDArray[np.float64]
OTHER_LEVEL = "(other)"
# A column whose standard deviation is a smaller part of its largest value is constant: what is left
# is rounding.
CONSTANT = 1e-10
# No number of a matrix is further from 0: float32 holds its square.
LARGEST = 1e15
# Numbers of a larger (or, negative, smaller) binary exponent are scaled before they are squared.
SAFE_EXPONENT = 400


@dataclass(frozen=True)
class NumericColumn:
    """Fitted values of a number column: whether log1p, fill for missing values, mean and std.

    A ``std`` of 0 marks a column that is constant or missing in the fitted rows: nothing was learnt
    about it, so every row gets 0.
    """

    log: bool
    fill: float
    mean: float
    std: float
    indicator: bool


@dataclass(frozen=True)
class TableTransform:
    """The fitted preprocessing of a table: ``dense`` for linear models and networks."""

    numeric: dict[str, NumericColumn]
    categorical: dict[str, CategoryColumn]
    clip: float | None
    rows: int
    dense_only: tuple[str, ...] = ()

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
        names += [f"{name}={OTHER_LEVEL}"] if fit.has_other else []
        return names + ([f"{name} is missing"] if fit.indicator else [])

    def dense(self, table: pd.DataFrame) -> Array:
        """The table as a matrix, shape (rows, len(feature_names)), of finite numbers.

        A level that wasn't in the fitted rows has zeros in all its columns, or counts as "(other)"
        where the number of levels is bounded automatically.
        """
        matrix = np.zeros((len(table), len(self.feature_names)))
        for place, (name, fit) in enumerate(self.numeric.items()):
            matrix[:, place] = self._standardized(table[name], fit)
        place = len(self.numeric)
        for name in (name for name, fit in self.numeric.items() if fit.indicator):
            matrix[:, place] = table[name].isna()
            place += 1
        for name, levels in self.categorical.items():
            _one_hot(table[name], levels, matrix[:, place : place + levels.width])
            place += levels.width
        return matrix

    def _standardized(self, column: "pd.Series[Any]", fit: NumericColumn) -> Array:
        if fit.std == 0:
            return np.zeros(len(column))
        values = logged(column.to_numpy(dtype=np.float64), fit.log)
        values = np.where(np.isnan(values), fit.fill, values)
        with np.errstate(over="ignore"):
            standardized = (values - fit.mean) / fit.std
            # The difference of two very large numbers overflows; a quarter of it doesn't.
            quarters = (values / 4 - fit.mean / 4) / (fit.std / 4)
        bound = LARGEST if self.clip is None else self.clip
        return np.clip(np.where(np.isinf(standardized), quarters, standardized), -bound, bound)

    def native(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table for trees: raw numbers with NaN, and pandas categories with fitted levels."""
        columns = {name: table[name] for name in self.numeric}
        for name, fit in self.categorical.items():
            if fit.is_used and name not in self.dense_only:
                columns[name] = _native(table[name], fit)
        return pd.DataFrame(columns, index=table.index)

    def to_json(self) -> dict[str, Any]:
        """The transform as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TableTransform":
        """The transform from ``to_json``'s data."""
        numeric = {name: NumericColumn(**fit) for name, fit in data["numeric"].items()}
        categorical = {name: CategoryColumn(**fit) for name, fit in data["categorical"].items()}
        dense_only = tuple(data["dense_only"])
        return cls(numeric, categorical, data["clip"], data["rows"], dense_only)


def fit_transform_on(
    table: pd.DataFrame,
    numeric: list[str],
    categorical: list[str],
    spec: Preprocess,
    features: int | None = None,
    dense_only: Iterable[str] = (),
) -> TableTransform:
    """Fit the transform on the rows of ``table`` only.

    ``features`` bounds the number of one-hot columns under ``min_count: auto``; None: no bound but
    that of each column. ``dense_only``: categories that trees don't get.
    """
    return TableTransform(
        numeric={name: _fit_numeric(table[name], spec) for name in numeric},
        categorical=fit_categories(table[categorical], spec, features),
        clip=spec.clip,
        rows=len(table),
        dense_only=tuple(name for name in categorical if name in set(dense_only)),
    )


def with_numbers(
    transform: TableTransform, table: pd.DataFrame, spec: Preprocess
) -> TableTransform:
    """The transform with further number columns, fitted on the rows of ``table`` only."""
    own = {str(name): _fit_numeric(table[name], spec) for name in table}
    return replace(transform, numeric={**transform.numeric, **own})


def _fit_numeric(column: "pd.Series[Any]", spec: Preprocess) -> NumericColumn:
    raw = column.to_numpy(dtype=np.float64)
    present = raw[~np.isnan(raw)]
    if present.size == 0:
        return NumericColumn(log=False, fill=0.0, mean=0.0, std=0.0, indicator=False)
    log = spec.log_skewed is not None and _skewed(present, spec.log_skewed)
    values, exponent = _scaled(logged(present, log))
    mean, std = float(values.mean()), float(values.std())
    fills = {"mean": mean, "median": float(np.median(values)), "zero": 0.0}
    constant = _is_constant(values)
    return NumericColumn(
        log=log,
        fill=float(np.ldexp(fills[spec.impute], exponent)),
        mean=float(np.ldexp(mean, exponent)) if spec.standardize else 0.0,
        std=0.0 if constant else float(np.ldexp(std, exponent)) if spec.standardize else 1.0,
        indicator=spec.na_indicators == "observed" and present.size < raw.size,
    )


def _scaled(values: Array) -> tuple[Array, int]:
    """Values whose squares neither overflow nor vanish, and the power of two they lack."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    if abs(exponent) < SAFE_EXPONENT:
        return values, 0
    return np.ldexp(values, -exponent), exponent


def _is_constant(values: Array) -> bool:
    """Whether all values are equal but for rounding, whatever their unit."""
    return bool(values.std() <= CONSTANT * np.abs(values).max())


def _one_hot(column: "pd.Series[Any]", fit: CategoryColumn, out: Array) -> None:
    """Write one column per level, then one for pooled levels and one for missing, as fitted."""
    codes, missing = fit.codes(column), column.isna().to_numpy()
    known = np.flatnonzero(codes >= 0)
    out[known, codes[known]] = 1.0
    if fit.indicator:
        out[missing, -1] = 1.0


def _native(column: "pd.Series[Any]", fit: CategoryColumn) -> pd.Categorical:
    """A pandas category: the rare levels too, unless their number is bounded automatically."""
    if fit.rare:
        return pd.Categorical.from_codes(fit.codes(column), [*fit.levels, OTHER_LEVEL])
    known = [*fit.levels, *fit.pooled]
    return pd.Categorical(column.where(column.isin(known)), categories=known)


def logged(values: Array, log: bool) -> Array:
    """log1p if the column was fitted so; later negative values count as zero."""
    return np.log1p(np.maximum(values, 0.0)) if log else values


def _skewed(values: Array, threshold: float) -> bool:
    """Whether a non-negative column's sample skewness is above the threshold."""
    values, _ = _scaled(values)
    if values.min() < 0 or _is_constant(values):
        return False
    return bool(np.mean(((values - values.mean()) / values.std()) ** 3) > threshold)
