"""Categories: which levels get a column of their own, and which are pooled.

``min_count: auto`` bounds the number of levels by the rows and levels of a column:

- up to ``FEW_LEVELS`` levels all are kept;
- otherwise a level needs 1 % of the rows in number, at least 2 and no more than 5 rows, and at most
  one level per 20 rows is kept, no fewer than ``FEW_LEVELS`` and no more than ``MOST_LEVELS``: the
  most frequent;
- all others, those of rows not fitted on too, are one level "(other)". A column in which no level
  is kept, as in ids and free text, is not used, but for whether it is missing.

The bounds depend on the fitted rows only. Rare levels say little about the target, and with a
column for each a matrix grows with the square of the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Preprocess

FEW_LEVELS, MOST_LEVELS = 20, 512
# Rows that a level needs, and rows per level, in columns of more than FEW_LEVELS levels.
LEAST_ROWS, ROWS_PER_LEVEL = 5, 20


@dataclass(frozen=True)
class CategoryColumn:
    """Fitted values of a category column: its levels, and the rare ones that are pooled.

    Under ``min_count: auto`` the pooled ones are only counted (``rare``), and what was never seen
    is pooled with them.
    """

    levels: list[str]
    pooled: list[str]
    indicator: bool
    min_count: int
    rare: int = 0

    @property
    def is_used(self) -> bool:
        """Whether a model sees the column: not if its levels are all too rare."""
        return bool(self.levels or self.indicator or not self.rare)

    @property
    def has_other(self) -> bool:
        """Whether there is a column for pooled levels."""
        return bool(self.pooled or (self.rare and self.is_used))

    @property
    def width(self) -> int:
        """One-hot columns."""
        return len(self.levels) + self.has_other + self.indicator

    def codes(self, column: "pd.Series[Any]") -> NDArray[np.int64]:
        """The one-hot column of each row's level, shape (rows,); -1 for none."""
        places, values = level_codes(column)
        return np.append(self.codes_of(values), -1)[places]

    def codes_of(self, values: NDArray[np.object_]) -> NDArray[np.int64]:
        """The same of different values, none missing, shape (values,)."""
        codes = pd.Index(self.levels, dtype=object).get_indexer(values)
        if self.has_other:
            in_other = np.isin(values.astype(str), self.pooled) if self.pooled else codes < 0
            codes[in_other & (codes < 0)] = len(self.levels)
        return np.asarray(codes, dtype=np.int64)


def level_codes(column: "pd.Series[Any]") -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """The place of each row's value among the different ones, -1 for missing; and these."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        own = column.array
        return np.asarray(own.codes, dtype=np.int64), own.categories.to_numpy(dtype=object)
    places, values = pd.factorize(column)
    return np.asarray(places, dtype=np.int64), np.asarray(values, dtype=object)


def fit_categories(
    table: pd.DataFrame, spec: Preprocess, features: int | None = None
) -> dict[str, CategoryColumn]:
    """Fit every column of ``table``; ``features`` bounds their one-hot columns under ``auto``."""
    counts = {str(name): table[name].value_counts().sort_index() for name in table}
    most = _most_levels(counts, len(table), features)
    fits = {}
    for name, count in counts.items():
        has_missing = bool(table[name].isna().any())
        indicator = spec.na_indicators == "categorical" or (
            spec.na_indicators == "observed" and has_missing
        )
        if spec.min_count == "auto":
            fits[name] = _bounded(count, len(table), most, indicator)
        else:
            fits[name] = _counted(count, spec.min_count, indicator)
    return fits


def _counted(counts: "pd.Series[int]", least: int, indicator: bool) -> CategoryColumn:
    """All levels that have enough rows."""
    kept = [str(level) for level, count in counts.items() if count >= least]
    pooled = [str(level) for level, count in counts.items() if count < least]
    return CategoryColumn(kept, pooled, indicator, least)


def _bounded(counts: "pd.Series[int]", rows: int, most: int, indicator: bool) -> CategoryColumn:
    """The most frequent levels, by the rule of ``auto``."""
    least = 1 if len(counts) <= FEW_LEVELS else int(np.clip(rows // 100, 2, LEAST_ROWS))
    often = counts[counts >= least]
    if len(often) > most:
        # A stable sort keeps the order of names among equally frequent levels.
        often = often.sort_values(ascending=False, kind="stable").iloc[:most]
        least = int(often.min())
    kept = sorted(str(level) for level in often.index)
    rare = len(counts) - len(kept)
    return CategoryColumn(kept, [], indicator, least, rare)


def _most_levels(counts: Mapping[str, "pd.Series[int]"], rows: int, features: int | None) -> int:
    """The most levels that each column may keep, so that all fit into ``features`` columns."""
    most = int(np.clip(rows // ROWS_PER_LEVEL, FEW_LEVELS, MOST_LEVELS))
    sizes = [len(count) for count in counts.values()]
    while features is not None and most > 1 and sum(min(most, size) for size in sizes) > features:
        most //= 2
    return most
