"""Inputs of the estimators: tables of numbers and categories, sample weights, training rows."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight

from podium.config import MLPParams
from podium.io.text import nearest
from podium.nn import Columns
from podium.nn.data import Rows, Table
from podium.nn.predict import Array


@dataclass(frozen=True)
class Raw:
    """A checked table's numbers, shape (rows, numbers), and levels, shape (rows, categories).

    ``categories`` are the indices of the category columns.
    """

    numbers: Array
    levels: NDArray[Any]
    categories: list[int]


# Standardized numbers are cut here, far beyond what a network tells apart, to fit into float32.
LARGEST = 1e30


@dataclass(frozen=True)
class Scaler:
    """Numbers to mean 0 and standard deviation 1; a constant column becomes 0 everywhere.

    In float64, and in units of each column's largest number, as a power of two (``exponents``):
    which is exact, and so squares are finite and above zero. ``scale`` is infinite for constants.
    """

    exponents: NDArray[np.int32]
    mean: Array
    scale: Array

    @classmethod
    def learnt(cls, numbers: Array, weight: Array | None) -> Self:
        """Learn means and standard deviations from numbers, shape (rows, columns)."""
        exponents = np.frexp(np.abs(numbers).max(axis=0))[1]
        scaler = StandardScaler().fit(np.ldexp(numbers, -exponents), sample_weight=weight)
        # scikit-learn's sign of a column that is constant but for rounding: others are below 1.
        scale = np.where(scaler.scale_ == 1.0, np.inf, scaler.scale_)
        return cls(exponents, scaler.mean_, scale)

    def __call__(self, numbers: Array) -> Array:
        """Scaled numbers, shape (rows, columns)."""
        with np.errstate(over="ignore"):
            relative = np.ldexp(numbers, -self.exponents).clip(-LARGEST, LARGEST)
        return np.clip((relative - self.mean) / self.scale, -LARGEST, LARGEST)


@dataclass(frozen=True)
class Inputs:
    """Converts a raw table to network inputs: numbers, then each category's one-hot block.

    ``categories`` are column indices; ``scaler`` is None if numbers are not scaled, ``encoder`` if
    there are no categories.
    """

    categories: list[int]
    columns: Columns
    scaler: Scaler | None
    encoder: OneHotEncoder | None

    @classmethod
    def learnt(cls, raw: Raw, rows: Rows, weight: Array | None, scale: bool) -> Self:
        """Learn means and levels from the training rows of a raw table."""
        scaler = encoder = None
        if scale and raw.numbers.shape[1]:
            # Networks standardize too, but in float32: numbers far from 0 would lose the digits
            # in which they differ.
            own = None if weight is None else weight[rows]
            scaler = Scaler.learnt(raw.numbers[rows], own)
        if raw.categories:
            encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
            encoder.fit(raw.levels[rows])
        levels = tuple(len(own) for own in encoder.categories_) if encoder else ()
        columns = Columns(raw.numbers.shape[1], categories=levels)
        return cls(raw.categories, columns, scaler, encoder)

    def table(self, raw: Raw) -> Table:
        """The network inputs, shape (rows, columns.total).

        Raises:
            ValueError: numbers are not standardized, and one is too large for float32.
        """
        numbers = raw.numbers if self.scaler is None else self.scaler(raw.numbers)
        with np.errstate(over="ignore"):
            table = numbers.astype(np.float32)
        assert_all_finite(table, input_name="X")
        if self.encoder is None:
            return table
        return np.hstack([table, self.encoder.transform(raw.levels)])


def weights(sample_weight: Any, numbers: Array) -> Array | None:
    """Checked sample weights, at most 1; None if all rows have equal weight."""
    if sample_weight is None:
        return None
    checked: Array = _check_sample_weight(
        sample_weight, numbers, dtype=np.float64, ensure_non_negative=True
    )
    # Only their ratios matter. A power of two, which is exact: so that sums of squares are finite.
    return np.ldexp(checked, -np.frexp(checked.max())[1])


def training_rows(count: int, weight: Array | None, params: MLPParams) -> Rows:
    """The training rows: all rows of positive weight.

    Raises:
        ValueError: early stopping would hold all rows out.
    """
    rows = np.arange(count) if weight is None else np.flatnonzero(weight)
    if params.early_stopping and max(1, round(params.holdout * len(rows))) >= len(rows):
        held = f"holdout: {params.holdout:g} of n_samples={len(rows)}"
        raise ValueError(f"early_stopping leaves no row to train on with {held}")
    return rows


def plain(value: Any) -> Any:
    """A value without numpy types and tuples, which the strict parameter model rejects."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def listed(features: Any) -> list[Any]:
    """``categorical_features`` as a list.

    Raises:
        ValueError: it is not a list of indices and names.
    """
    if features is None:
        return []
    columns = plain(features)
    if not isinstance(columns, list) or any(
        isinstance(item, bool) or not isinstance(item, int | str) for item in columns
    ):
        raise ValueError(
            f"categorical_features: expected a list of columns, by place or name, found {features}"
        )
    return columns


def place(feature: int | str, names: list[str], count: int) -> int:
    """The index of a column of ``categorical_features``, which is an index or a name.

    Raises:
        ValueError: there is no such column.
    """
    if isinstance(feature, int) and 0 <= feature < count:
        return feature
    if feature in names:
        return names.index(str(feature))
    if isinstance(feature, int):
        what = f"expected places from 0 to {count - 1}, found {feature}"
    else:
        near = nearest(feature, names) if names else "the table's columns have no names"
        what = f"no column '{feature}'; {near}"
    raise ValueError(f"categorical_features: {what}")


def levels(table: pd.DataFrame) -> NDArray[Any]:
    """The values of categorical columns; None, NA and NaT all become NaN."""
    values = table.astype(object)
    return values.where(values.notna(), np.nan).to_numpy()


def refuse_text(table: Any) -> None:
    """Reject text columns of a DataFrame; scikit-learn checks other tables.

    Raises:
        ValueError: a column has text; names the first one.
    """
    for name, column in table.items() if isinstance(table, pd.DataFrame) else ():
        categorical = isinstance(column.dtype, pd.CategoricalDtype)
        values = column.cat.categories if categorical else column
        if pd.api.types.infer_dtype(values, skipna=True) == "string":
            raise ValueError(f"column '{name}' holds text: list it in categorical_features")
