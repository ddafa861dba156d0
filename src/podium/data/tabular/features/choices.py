"""What expressions do with values of any kind: comparing, choosing, filling."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tabular.features.numbers import one_of, opposite
from podium.data.tabular.features.tokens import ExpressionError
from podium.data.tabular.features.values import Array, Dates, Numbers, Texts, Values


def equal(left: Values, right: Values) -> Array:
    """1 and 0; numbers and dates compare as such, whatever their spelling."""
    first, second = _alike([left, right])
    same = np.asarray(first.values == second.values, dtype=np.float64)
    return np.where(left.missing | right.missing, np.nan, same)


def different(left: Values, right: Values) -> Array:
    """1 and 0."""
    return opposite(equal(left, right))


def ordered(compare: Callable[..., NDArray[np.bool_]]) -> Callable[[Values, Values], Array]:
    """A comparison of two numbers or two dates."""

    def run(left: Values, right: Values) -> Array:
        first, second = _alike([left, right])
        if isinstance(first, Texts):
            raise ExpressionError(
                f"takes two numbers or two dates, found {left.shown} and {right.shown}"
            )
        found = np.asarray(compare(np.asarray(first.values), np.asarray(second.values)))
        return np.where(left.missing | right.missing, np.nan, found)

    return run


def where(condition: Array, chosen: Values, other: Values | None = None) -> Values:
    """``chosen`` where the condition is neither 0 nor missing; missing where that is missing."""
    first, *others = _alike([chosen] if other is None else [chosen, other])
    series = _series(first)
    series = series.where(condition != 0, _series(others[0]) if others else None)
    return _as(first, series.mask(np.isnan(condition)))


def isna(value: Values) -> Array:
    """1 where it is missing, else 0."""
    return value.missing.astype(np.float64)


def fillna(*values: Values) -> Values:
    """The first of them that is not missing."""
    first, *others = _alike(list(values))
    series = _series(first)
    for other in others:
        series = series.where(series.notna(), _series(other))
    return _as(first, series)


def isin(value: Values, *others: Values) -> Array:
    """1 where it is equal to one of the others, else 0."""
    found = equal(value, others[0])
    for other in others[1:]:
        found = one_of(found, equal(value, other))
    return found


def _alike(values: list[Values]) -> list[Values]:
    """All as numbers, or as dates, or as texts: the first of these that all can be.

    Raises:
        ExpressionError: some are numbers or dates, and others are texts that are none.
    """
    numbers = [value.number for value in values]
    if all(found is not None for found in numbers):
        return [Numbers(found) for found in numbers if found is not None]
    dates = [value.date for value in values]
    if all(found is not None for found in dates):
        return [Dates(found) for found in dates if found is not None]
    if all(isinstance(value, Texts) for value in values):
        return values
    raise ExpressionError(
        "takes values of one kind, found " + " and ".join(value.shown for value in values)
    )


def _series(value: Values) -> "pd.Series[Any]":
    return pd.Series(value.values)


def _as(like: Values, series: "pd.Series[Any]") -> Values:
    if isinstance(like, Numbers):
        return Numbers(series.to_numpy(dtype=np.float64))
    return Dates(series) if isinstance(like, Dates) else Texts(series)
