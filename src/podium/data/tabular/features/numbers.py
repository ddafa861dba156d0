"""What expressions do with numbers and dates: arrays in, an array out; missing is NaN."""

from typing import Any

import numpy as np
import pandas as pd

from podium.data.tabular.features.tokens import ExpressionError
from podium.data.tabular.features.values import Array, Values

DAY = pd.Timedelta(days=1)


def subtract(left: Values, right: Values) -> Array:
    """Of numbers, or the days between two dates."""
    if left.number is not None and right.number is not None:
        return left.number - right.number
    if left.date is not None and right.date is not None:
        return days(right.date, left.date)
    raise ExpressionError(
        f"takes two numbers or two dates, found {left.shown} and {right.shown}"
    )  # fmt: skip


def days(first: "pd.Series[Any]", second: "pd.Series[Any] | None" = None) -> Array:
    """From the first to the second; of one date since 1970."""
    if second is None:
        first, second = pd.Series(pd.Timestamp(0), index=first.index), first
    return ((second - first) / DAY).to_numpy(dtype=np.float64)


def both(left: Array, right: Array) -> Array:
    """Kleene's: 0 if one is 0, whatever the other is."""
    unknown = np.where(np.isnan(left) | np.isnan(right), np.nan, 1.0)
    return np.where((left == 0) | (right == 0), 0.0, unknown)


def one_of(left: Array, right: Array) -> Array:
    """Kleene's: 1 if one is neither 0 nor missing."""
    return opposite(both(opposite(left), opposite(right)))


def opposite(values: Array) -> Array:
    """1 for 0, 0 for other numbers."""
    return np.where(np.isnan(values), np.nan, values == 0)


def least(*values: Array) -> Array:
    """The least in each row of those that are not missing."""
    return np.asarray(np.fmin.reduce(values))


def largest(*values: Array) -> Array:
    """The largest in each row of those that are not missing."""
    return np.asarray(np.fmax.reduce(values))


def total(*values: Array) -> Array:
    """The sum in each row of those that are not missing; missing where all are."""
    rows = np.stack(values)
    return np.where(np.isnan(rows).all(axis=0), np.nan, np.nansum(rows, axis=0))


def average(*values: Array) -> Array:
    """The mean in each row of those that are not missing."""
    return total(*values) / (~np.isnan(np.stack(values))).sum(axis=0)
