"""Columns as they are in the files: the first rows as text, and what their values look like."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from podium.config.schema import NA_VALUES
from podium.io.csv_files import column_names, read_blocks, read_header

# As many values are enough to guess from, and fit in memory.
MOST_VALUES = 6_000_000
LEAST_ROWS = 2_000


def read_head(path: Path) -> pd.DataFrame:
    """The first rows of a csv as text, an empty text as missing.

    Raises:
        PodiumError: the file is not a csv, as ``read_blocks`` finds.
    """
    header = read_header(path)
    most = max(LEAST_ROWS, MOST_VALUES // len(header))
    blocks, rows = [], 0
    for block in read_blocks(path, header, dict.fromkeys(header, pa.large_string()), [""]):
        blocks.append(block[: most - rows])
        rows += blocks[-1].num_rows
        if rows >= most:
            break
    return pa.Table.from_batches(blocks).rename_columns(column_names(header)).to_pandas()


@dataclass(frozen=True)
class Column:
    """One column of train and test, a missing value (by ``NA_VALUES``) left out of ``texts``."""

    name: str
    pair: Mapping[str, "pd.Series[Any]"]

    @cached_property
    def texts(self) -> "pd.Series[Any]":
        """The distinct values, and in how many rows of both tables each is."""
        both = pd.concat(list(self.pair.values()))
        counts = both.value_counts()
        return counts[~counts.index.isin(NA_VALUES)]

    @cached_property
    def numbers(self) -> "pd.Series[Any]":
        """The distinct values as numbers, missing where they are none."""
        index = self.texts.index
        return pd.Series(pd.to_numeric(index, errors="coerce"), index=index, dtype="float64")

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return len(self.texts) > 0 and bool(self.numbers.notna().all())

    @property
    def is_whole(self) -> bool:
        """Whether every value is a whole number."""
        return self.is_numeric and is_whole(self.numbers)

    def known(self, table: str) -> "pd.Series[Any]":
        """The values of a table that are there."""
        texts = self.pair[table].dropna()
        return texts[~texts.isin(NA_VALUES)]

    def as_numbers(self, table: str) -> "pd.Series[Any]":
        """The same as numbers."""
        return pd.to_numeric(self.known(table), errors="coerce").astype("float64")


def is_whole(numbers: "pd.Series[Any]") -> bool:
    """Whether all are finite whole numbers."""
    return bool((np.isfinite(numbers) & (numbers % 1 == 0)).all())
