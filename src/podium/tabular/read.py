"""Reading a competition's tables, with every way they can be wrong told in one line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.classes import check_predicted, encode_classes
from podium.config import TableCompetition
from podium.csv_files import (
    SAMPLE,
    TEST,
    TRAIN,
    check_ids,
    check_named_columns,
    check_same_columns,
    check_sample_ids,
    few,
    no_bad_rows,
    read_csv,
)
from podium.errors import PodiumError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RawTables:
    """The three csv files as text columns; missing values are NaN by ``preprocess.na_values``."""

    train: pd.DataFrame
    test: pd.DataFrame
    sample_submission: pd.DataFrame


def read_raw(folder: Path, competition: TableCompetition) -> RawTables:
    """Read and check train, test and sample submission.

    Raises:
        PodiumError: a file is missing, empty, not UTF-8, not a csv; a column is missing, doubled
            or in one table only; ids are missing, doubled or not those of the sample submission;
            or the target doesn't fit the task.
    """
    na_values = competition.preprocess.na_values
    train, test, sample = (read_csv(folder / name, na_values) for name in (TRAIN, TEST, SAMPLE))
    _check_columns(train, test, competition)
    check_ids(TRAIN, train, competition.id)
    check_ids(TEST, test, competition.id)
    _check_sample(sample, test, competition.id)
    check_predicted(sample, read_target(train, competition)[1], competition)
    return RawTables(train, test, sample)


def _check_columns(train: pd.DataFrame, test: pd.DataFrame, competition: TableCompetition) -> None:
    check_named_columns(TRAIN, train.columns, competition)
    if competition.id not in test:
        raise PodiumError(f"{TEST}: no id column '{competition.id}'; it has {few(test.columns)}")
    check_same_columns(set(train.columns) - {competition.target}, set(test.columns))


def _check_sample(sample: pd.DataFrame, test: pd.DataFrame, id_column: str) -> None:
    check_sample_ids(sample, id_column)
    expected, found = set(test[id_column]), set(sample[id_column])
    if expected != found:
        odd = sorted(expected ^ found)
        raise PodiumError(
            f"{SAMPLE}: its ids are not those of {TEST}: {len(expected - found)} lacking, "
            f"{len(found - expected)} unknown, for example {odd[0]}; take both from one download"
        )


def read_target(train: pd.DataFrame, competition: TableCompetition) -> tuple[Array, list[str]]:
    """The target as numbers, shape (n,), and the class names in code order ([] for regression).

    Raises:
        PodiumError: a target is missing, not a number, infinite, or outside what the transform or
            the metric can take; or the number of classes doesn't fit the task.
    """
    text = train[competition.target]
    if competition.task != "regression":
        return encode_classes(TRAIN, text, competition)
    no_bad_rows(TRAIN, text, text.isna(), "is missing; every training row needs a target")
    return _numbers(text, competition), []


def _numbers(text: "pd.Series[Any]", competition: TableCompetition) -> Array:
    y = pd.to_numeric(text, errors="coerce")
    no_bad_rows(TRAIN, text, y.isna(), "is not a number")
    no_bad_rows(TRAIN, text, np.isinf(y), "is infinite")
    if competition.target_transform == "log":
        no_bad_rows(TRAIN, text, y <= 0, "is not positive, and target_transform is log")
    elif competition.target_transform == "log1p" or competition.metric == "rmsle":
        no_bad_rows(TRAIN, text, y < 0, "is negative, which log1p and rmsle can't take")
    return y.to_numpy(dtype=np.float64)
