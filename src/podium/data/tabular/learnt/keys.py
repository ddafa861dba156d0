"""Levels of one or several columns as one key a row."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype


def keys(table: pd.DataFrame, columns: Sequence[str]) -> "pd.Series[Any]":
    """One 64-bit hash a row, equal where all columns are; a missing value is a level too."""
    # Adding 0 makes 0 of -0, whose bits are others.
    levels = {
        name: table[name] + 0.0 if is_numeric_dtype(table[name]) else table[name]
        for name in columns
    }
    return pd.util.hash_pandas_object(pd.DataFrame(levels), index=False)
