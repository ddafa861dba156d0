"""Numbers as people write them: ``1,015``, ``10.2%`` and ``$1,200`` become 1015, 10.2 and 1200.

One rule for train and test together. Every value must be a number once commas between groups of
three digits, a percent sign and a currency sign are removed. A percent sign is on all values but
zeros or on none, since 0.1 beside 10% may be either; and there is one currency at most.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

CURRENCIES = "$€£¥₹"
_SIGN = f"[{CURRENCIES}]"
_WRITTEN = re.compile(
    rf"\s*[+-]?{_SIGN}?\s?[+-]?(\d{{1,3}}(,\d{{3}})+|\d*)(\.\d*)?([eE][+-]?\d+)?\s?(%|{_SIGN})?\s*"
)
_MARKS = re.compile(rf"[,%\s{CURRENCIES}]")
# One of so many values that are no plain numbers must be one that is written so.
_LOOKED_AT = 50


@dataclass(frozen=True)
class Written:
    """Each table's values as numbers, missing where a value is none, and the marks left out."""

    marks: str
    numbers: dict[str, "pd.Series[Any]"]


def written_numbers(pair: Mapping[str, "pd.Series[Any]"]) -> Written | None:
    """A column's values without their marks; None if no value is a number with marks."""
    texts = pd.concat([text.dropna() for text in pair.values()]).drop_duplicates().astype(str)
    odd = texts[pd.to_numeric(texts, errors="coerce").isna()]
    if not any(map(_is_written, odd.iloc[:_LOOKED_AT])):
        return None
    fits = texts.map(_is_written)
    bare = texts.where(fits).str.replace(_MARKS, "", regex=True)
    values = pd.to_numeric(bare, errors="coerce")
    fitting = texts[values.notna()]
    percent = fitting.str.contains("%") | (values[fitting.index] == 0)
    signs = {mark for mark in CURRENCIES if fitting.str.contains(mark, regex=False).any()}
    has_percent = bool(fitting.str.contains("%").any())
    if len(signs) > 1 or (has_percent and not percent.all()):
        return None
    marks = [mark for mark in (",", "%") if fitting.str.contains(mark).any()]
    numbers = dict(zip(texts, values, strict=True))
    return Written(
        " and ".join(f"'{mark}'" for mark in [*marks, *sorted(signs)]),
        {table: text.map(numbers).astype("float64") for table, text in pair.items()},
    )


def _is_written(text: str) -> bool:
    return len(text) <= 40 and bool(_WRITTEN.fullmatch(text)) and any(map(str.isdigit, text))
