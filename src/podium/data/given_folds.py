"""Folds that the user gives: a column, a file, or numbers from own code; checked."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.config.ids import columns_of
from podium.data.dataset import NEVER_VALIDATED, Rows
from podium.data.ids import with_one_id
from podium.io.csv_files import check_ids, few, line_of, read_csv, read_header
from podium.io.errors import KeyedError
from podium.io.text import nearest, printable

Keys = tuple[str, ...]
# The column of a csv of folds, beside the ids.
FOLD = "fold"
MISSING = ["", "NA", "NaN", "nan", "N/A", "null"]


def given_folds(values: Any, rows: int, keys: Keys, where: str) -> Rows:
    """Fold numbers that a user gives, checked, shape (n, 1); -1 and missing: never validated.

    Args:
        values: one a training row.
        rows: how many training rows there are.
        keys: the keys of params.yaml that say where they come from.
        where: their name in messages.

    Raises:
        KeyedError: there are not as many as rows; one is no whole number, or below -1; numbers
            from 0 on are left out; or nothing is left to train on.
    """
    given = pd.Series(np.asarray(values).ravel())
    if len(given) != rows:
        raise KeyedError(keys, f"{where} has {len(given)} fold numbers for {rows} training rows")
    return _checked(_numbers(given, keys, where), keys, where)


def _numbers(given: "pd.Series[Any]", keys: Keys, where: str) -> "pd.Series[Any]":
    """Whole numbers from -1 on, or missing."""
    numbers = pd.to_numeric(given, errors="coerce")
    wrong = given.notna() & (numbers.isna() | (numbers % 1 != 0) | (numbers < NEVER_VALIDATED))
    if wrong.any():
        found = printable(str(given[wrong].iloc[0]))
        raise KeyedError(
            keys,
            f"{where}: '{found}' (line {line_of(wrong)}) is no fold; expected 0, 1, 2 ..., and -1 "
            "or nothing for rows that are never validated",
        )
    return numbers


def _checked(numbers: "pd.Series[Any]", keys: Keys, where: str) -> Rows:
    """The folds, shape (n, 1): every number from 0 on is there, and there are rows to train on."""
    folds = numbers.fillna(NEVER_VALIDATED).to_numpy(dtype=np.int64)
    found = np.unique(folds[folds >= 0])
    if not found.size:
        raise KeyedError(keys, f"{where} has no fold: no row is validated; number some from 0 on")
    if len(found) <= found[-1]:
        absent = int(np.setdiff1d(np.arange(found[-1]), found)[0])
        raise KeyedError(
            keys, f"{where} has a fold {found[-1]} and no fold {absent}; number them from 0 on"
        )
    if len(found) == 1 and (folds >= 0).all():
        raise KeyedError(keys, f"{where} has one fold of all rows, and none to train on; use more")
    return folds[:, None]


def file_folds(path: Path, ids: "pd.Series[Any]") -> Rows:
    """The folds that a csv gives to training rows by their ids, shape (n, 1).

    Rows that it doesn't list are never validated.

    Raises:
        KeyedError: there is no such file; it lacks a column, or has ids that train lacks; or as
            ``given_folds``.
        PodiumError: it is not a csv.
    """
    keys, name = ("folds", "path"), str(ids.name)
    if not path.is_file():
        raise KeyedError(keys, f"no file '{printable(str(path))}'; give a csv with {name}, {FOLD}")
    header = read_header(path)
    parts = columns_of(name)
    for column in (*parts, FOLD):
        if column not in header:
            raise KeyedError(
                keys, f"{path.name} has no column '{column}'; {nearest(column, header)}"
            )
    read = read_csv(path, MISSING, [*parts, FOLD], verbatim=parts)
    table = with_one_id(path.name, read, parts)
    check_ids(path.name, table, name)
    own = ids.astype(str)
    unknown = table.loc[~table[name].isin(own), name]
    if len(unknown):
        raise KeyedError(
            keys, f"{path.name} has {len(unknown)} ids that training rows lack: {few(unknown)}"
        )
    numbers = _numbers(table.set_index(name)[FOLD], keys, path.name)
    return _checked(own.map(numbers), keys, path.name)
