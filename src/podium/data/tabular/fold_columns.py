"""What folds of a table are made by: columns of groups and of times, or fold numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import TableCompetition
from podium.config.folds import SCHEMES
from podium.data.dataset import FoldColumns, Rows
from podium.data.folds import assign_folds, check_enough, target_bins, trained_rows
from podium.data.given_folds import file_folds, given_folds
from podium.data.tabular.dates import find_format
from podium.io.csv_files import TRAIN, no_bad_rows
from podium.io.errors import KeyedError

Array = NDArray[np.float64]


def reserved_columns(competition: TableCompetition, test: pd.DataFrame) -> list[str]:
    """The columns of folds that are no features: of groups, of folds, and of times not in test."""
    folds = competition.folds
    by = folds.by if folds.by is not None and folds.by not in test else None
    return [name for name in (folds.group, folds.column, by) if name is not None]


@dataclass(frozen=True)
class FoldInputs:
    """What a splitter deals: classes or bins, groups and times of the training rows, if any."""

    strata: Array
    groups: "pd.Series[Any] | None"
    times: Rows | None


def make_folds(
    train: pd.DataFrame, y: Array, competition: TableCompetition, own: Rows | None = None
) -> FoldColumns:
    """The folds of the training rows, whose columns are still text.

    ``own`` are those that the user's code gives, shape (n, 1), if the scheme asks for them.

    Raises:
        KeyedError: a column is missing, or the rows don't fit the scheme.
        PodiumError: a row has no time.
    """
    spec = competition.folds
    if SCHEMES[spec.scheme].is_given:
        folds = _given(train, competition) if own is None else own
        return FoldColumns(folds=folds, groups=None, times=None, trained=None)
    found = _inputs(train, y, competition)
    return FoldColumns(
        folds=assign_folds(spec, found.strata, found.groups, found.times),
        groups=None if found.groups is None else pd.factorize(found.groups)[0],
        times=found.times,
        trained=trained_rows(spec, len(train), found.times),
    )


def check_folds(train: pd.DataFrame, y: Array, competition: TableCompetition) -> None:
    """Check that the rows fit the scheme, as ``make_folds`` does, and without its libraries.

    No code of the user's runs here.

    Raises:
        KeyedError: they don't.
        PodiumError: a row has no time.
    """
    spec = competition.folds
    if spec.column is not None or spec.path is not None:
        _given(train, competition)
    elif not SCHEMES[spec.scheme].is_given:
        found = _inputs(train, y, competition)
        check_enough(spec, found.strata, found.groups, found.times)


def _inputs(train: pd.DataFrame, y: Array, competition: TableCompetition) -> FoldInputs:
    spec = competition.folds
    is_binned = SCHEMES[spec.scheme].stratifies and competition.task == "regression"
    return FoldInputs(
        strata=target_bins(y, spec.count) if is_binned else y,
        groups=None if spec.group is None else _column(train, "group", spec.group).fillna(""),
        times=None if spec.by is None else times_of(_column(train, "by", spec.by)),
    )


def times_of(text: "pd.Series[Any]") -> Rows:
    """The place of each row's number or date among all that are there, shape (n,).

    Raises:
        PodiumError: a row has none, or one of another format than the others.
    """
    no_bad_rows(TRAIN, text, text.isna(), "is missing, and folds.by needs a time in each row")
    values = pd.to_numeric(text, errors="coerce")
    if values.isna().any() and (found := find_format({TRAIN: text})) is not None:
        values = found.dates[TRAIN]
        what = f"is no date like most others ({found.format}), and folds.by needs one"
    else:
        what = "is neither a number nor a date, and folds.by needs one"
    no_bad_rows(TRAIN, text, values.isna(), what)
    return np.asarray(pd.factorize(values, sort=True)[0], dtype=np.int64)


def _given(train: pd.DataFrame, competition: TableCompetition) -> Rows:
    """The folds of a column or a file."""
    spec, rows = competition.folds, len(train)
    if spec.column is not None:
        text = _column(train, "column", spec.column)
        return given_folds(text, rows, ("folds", "column"), f"column '{spec.column}'")
    assert spec.path is not None
    return file_folds(Path(spec.path), train[competition.id])


def _column(train: pd.DataFrame, key: str, name: str) -> "pd.Series[Any]":
    if name not in train:
        raise KeyedError(("folds", key), f"no column '{name}' in {TRAIN}")
    return train[name]
