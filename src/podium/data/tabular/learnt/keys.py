"""Levels of one or several columns as one key a row."""

from collections.abc import Sequence
from typing import Any

import pandas as pd


def keys(table: pd.DataFrame, columns: Sequence[str]) -> "pd.Series[Any]":
    """One 64-bit hash a row, equal where all columns are; a missing value is a level too."""
    return pd.util.hash_pandas_object(table[list(columns)], index=False)
