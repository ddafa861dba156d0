"""Levels of one or several columns as one key a row."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

MISSING, BETWEEN = "\0", "\x1f"


def keys(table: pd.DataFrame, columns: Sequence[str]) -> "pd.Series[Any]":
    """One text a row, equal where all columns are; a missing value is a level too."""
    joined = _texts(table[columns[0]])
    for name in columns[1:]:
        joined = joined + BETWEEN + _texts(table[name])
    return joined


def _texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    codes, levels = pd.factorize(column)
    texts = pd.Series([*map(str, levels), MISSING], dtype=object)
    return pd.Series(texts.to_numpy()[codes], index=column.index, dtype=object)
