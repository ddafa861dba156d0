"""What a part of an expression is worth in each row: numbers, texts or dates.

A text can be read as numbers, or as dates, where all of its values are some: so a column of numbers
that is listed as a category still is one of numbers here. Missing is NaN (NaT for dates).
"""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.booleans import WORDS, as_boolean
from podium.data.tabular.dates import find_format
from podium.io.text import printable

Array = NDArray[np.float64]


class Values:
    """A value in each row. What it can't be read as is None."""

    kind = ""
    values: Any

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where there is none."""
        return np.asarray(pd.isna(self.values))

    @property
    def number(self) -> Array | None:
        """As numbers."""
        return None

    @property
    def date(self) -> "pd.Series[Any] | None":
        """As dates without a time zone."""
        return None

    @property
    def text(self) -> "pd.Series[Any]":
        """As texts."""
        raise NotImplementedError

    @property
    def shown(self) -> str:
        """Its kind and an example, for an error."""
        present = self.text.dropna()
        if not len(present):
            return "missing in every row"
        # What makes a column of numbers text is the example that helps.
        odd = present[pd.to_numeric(present, errors="coerce").isna()]
        examples = odd if len(odd) else present
        read_as = Numbers.kind if self.number is not None else self.kind
        kind = Dates.kind if self.date is not None else read_as
        return f"{kind} (for example '{printable(str(examples.iloc[0])[:40])}')"


class Numbers(Values):
    """Finite numbers and NaN."""

    kind = "a number"

    def __init__(self, values: Array) -> None:
        self.values = values

    @property
    def number(self) -> Array:
        """The numbers themselves."""
        return self.values

    @cached_property
    def text(self) -> "pd.Series[Any]":
        """Integers without a point, others with as many digits as they need."""
        codes, levels = pd.factorize(self.values)
        texts = [str(int(one)) if one.is_integer() else repr(float(one)) for one in levels]
        return pd.Series(np.array([*texts, None], dtype=object)[codes], dtype="str")


class Texts(Values):
    """Texts of a csv, or made of such."""

    kind = "text"

    def __init__(self, values: "pd.Series[Any]") -> None:
        self.values = values.reset_index(drop=True).astype("str")

    @property
    def text(self) -> "pd.Series[Any]":
        """The texts themselves."""
        return self.values

    @cached_property
    def number(self) -> Array | None:
        """Where all are numbers, or all true and false (1 and 0)."""
        return numbers_of(self.values)

    @cached_property
    def date(self) -> "pd.Series[Any] | None":
        """Where all are dates in one format."""
        found = None if self.number is not None else find_format({"all": self.values})
        if found is None or (found.dates["all"].isna() & self.values.notna()).any():
            return None
        return found.dates["all"]


class Dates(Values):
    """Points in time."""

    kind = "a date"

    def __init__(self, values: "pd.Series[Any]") -> None:
        self.values = values.reset_index(drop=True)

    @property
    def date(self) -> "pd.Series[Any]":
        """The dates themselves."""
        return self.values

    @cached_property
    def text(self) -> "pd.Series[Any]":
        """In ISO 8601."""
        return self.values.dt.strftime("%Y-%m-%d %H:%M:%S").astype("str")


def numbers_of(text: "pd.Series[Any]") -> Array | None:
    """Texts as numbers, or as 1 and 0 for true and false; None if one is something else."""
    present = text.dropna()
    is_boolean = len(present) > 0 and str(present.iloc[0]).lower() in WORDS
    # The first value says most often what all are: reading others takes long.
    for some in (present.iloc[:1], present):
        found = as_boolean(some) if is_boolean else pd.to_numeric(some, errors="coerce")
        if found.isna().any():
            return None
    return finite(found.reindex(text.index).to_numpy(dtype=np.float64, na_value=np.nan))


def finite(values: Array) -> Array:
    """The numbers, with NaN for what is none: divided by 0, too large, the log of 0."""
    return np.where(np.isfinite(values), values, np.nan)


def values_of(column: "pd.Series[Any]") -> Values:
    """A column of a table, as its type says."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return Dates(column)
    if pd.api.types.is_numeric_dtype(column):
        return Numbers(finite(column.to_numpy(dtype=np.float64, na_value=np.nan)))
    return Texts(column)
