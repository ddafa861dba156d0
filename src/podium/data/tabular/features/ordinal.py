"""Levels in an order as the numbers 0, 1, 2 ..., worst first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium.data.booleans import in_title_case
from podium.data.tabular.columns import NONE_LEVEL
from podium.data.tabular.features.values import Numbers, Texts, Values, numbers_of
from podium.io.csv_files import few


def ordinal(values: Values, order: Sequence[str], na_values: Sequence[str]) -> tuple[Numbers, str]:
    """The places of values in an order, and what is to be said about those that it lacks.

    They are missing. A missing value is missing too, unless the order has a level that means it:
    ``NA``, or one of ``na_values``. Numbers are equal whatever their spelling.
    """
    none = [level for level in order if level == NONE_LEVEL or level in na_values]
    text = values.text.fillna(none[0]) if none else values.text
    places = _places(Texts(text), order)
    lacking = places.isna().to_numpy() & text.notna().to_numpy()
    examples = few(sorted(text[lacking].unique()))
    said = (
        f"has {int(lacking.sum())} values that its order lacks ({examples}); they are missing: "
        "add them to the order"
    )
    return Numbers(places.to_numpy(dtype=np.float64)), said if lacking.any() else ""


def _places(values: Texts, order: Sequence[str]) -> "pd.Series[float]":
    levels = numbers_of(pd.Series(order))
    if values.number is not None and levels is not None:
        numbers = pd.Series(values.number)
        return numbers.map({level: float(at) for at, level in enumerate(levels)})
    places = {level: float(at) for at, level in enumerate(order)}
    return in_title_case(values.text).map(places).astype(np.float64)
