"""Ids of several columns: one column while Podium works, the columns themselves in every csv.

The one column is named after all (``store | date``), and so are its values: ``7 | 2024-01-31``.
"""

from collections.abc import Sequence

import pandas as pd

from podium.config.ids import SEPARATOR
from podium.io.csv_files import few, line_of
from podium.io.errors import PodiumError
from podium.io.text import printable


def with_one_id(name: str, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The table with its ids in one column, the first; their own columns stay.

    Nothing changes where the id is one column.

    Args:
        name: the table's file, for errors.
        table: its id columns as text.
        columns: the id's columns.

    Raises:
        PodiumError: a part of an id is missing, or holds what ids are joined with.
    """
    if len(columns) == 1:
        return table
    for column in columns:
        _check_part(name, table[column])
    joined = table[columns[0]].str.cat([table[column] for column in columns[1:]], sep=SEPARATOR)
    return pd.concat([joined.rename(SEPARATOR.join(columns)), table], axis=1)


def _check_part(name: str, part: "pd.Series[str]") -> None:
    if part.isna().any():
        raise PodiumError(
            f"{name}:{line_of(part.isna())}: {part.name} is missing; every row needs an id"
        )
    odd = part.str.contains(SEPARATOR, regex=False)
    if odd.any():
        raise PodiumError(
            f"{name}:{line_of(odd)}: {part.name} '{printable(part[odd].iloc[0])}' holds "
            f"'{SEPARATOR}', with which Podium joins ids of several columns; replace it"
        )


def only_one_id(name: str, sample: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A submission with its ids in one column, and no columns of their own.

    Raises:
        PodiumError: it doesn't start with the id's columns; or as ``with_one_id``.
    """
    if len(columns) == 1:
        return sample
    first = list(sample.columns[: len(columns)])
    if first != list(columns):
        raise PodiumError(
            f"{name}: the first columns are {few(first)}, expected those of id in params.yaml, "
            f"in its order: {few(columns)}"
        )
    return with_one_id(name, sample, columns).drop(columns=list(columns))


def in_own_columns(submission: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A submission as csv files have it: each part of the id in its own column."""
    if len(columns) == 1:
        return submission
    parts = submission.iloc[:, 0].str.split(SEPARATOR, expand=True, regex=False)
    parts.columns = pd.Index(columns)
    return pd.concat([parts, submission.iloc[:, 1:]], axis=1)
