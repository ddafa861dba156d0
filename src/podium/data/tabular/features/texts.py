"""What expressions do with texts: Series in; a missing text stays missing."""

import re
from typing import Any

import numpy as np
import pandas as pd

from podium.data.tabular.features.values import Array, Numbers, Texts, Values, finite


def split(text: "pd.Series[Any]", separator: str, place: int) -> Values:
    """The piece at ``place``; missing where there is none or it is empty."""

    def piece(value: str) -> str | None:
        pieces = value.split(separator) if separator else value.split()
        there = -len(pieces) <= place < len(pieces)
        return pieces[place] or None if there else None

    return _mapped(text, piece)


def extract(text: "pd.Series[Any]", regex: re.Pattern[str]) -> Values:
    """The first group where the regular expression is found first; missing elsewhere."""

    def found(value: str) -> str | None:
        match = regex.search(value)
        return (match.group(1) or None) if match else None

    return _mapped(text, found)


def length(text: "pd.Series[Any]") -> Array:
    """Letters."""
    return text.str.len().to_numpy(dtype=np.float64, na_value=np.nan)


def lower(text: "pd.Series[Any]") -> Values:
    """In small letters."""
    return Texts(text.str.lower())


def upper(text: "pd.Series[Any]") -> Values:
    """In capital letters."""
    return Texts(text.str.upper())


def strip(text: "pd.Series[Any]") -> Values:
    """Without blanks around it."""
    return Texts(text.str.strip())


def contains(text: "pd.Series[Any]", piece: str) -> Array:
    """1 and 0."""
    found = text.str.contains(piece, regex=False).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(text.isna(), np.nan, found)


def replace(text: "pd.Series[Any]", old: str, new: str) -> Values:
    """Every ``old`` becomes ``new``."""
    return Texts(text.str.replace(old, new, regex=False))


def concat(*texts: "pd.Series[Any]") -> Values:
    """Texts in a row; missing where one is."""
    first, *others = texts
    return Texts(first.str.cat(others))


def number(value: Values) -> Values:
    """As numbers, and missing where it is none."""
    if value.number is not None:
        return Numbers(value.number)
    found = pd.to_numeric(value.text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return Numbers(finite(found))


def _mapped(text: "pd.Series[Any]", change: Any) -> Values:
    """The function of each different text, once: columns repeat their values."""
    codes, levels = pd.factorize(text)
    changed = np.array([*map(change, levels), None], dtype=object)
    return Texts(pd.Series(changed[codes], dtype="str"))
