"""Reading a competition's tables, with one line for every way they can be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import TableCompetition
from podium.data.booleans import spelled_as
from podium.data.classes import check_named_columns, encode_classes
from podium.data.ids import only_one_id, with_one_id
from podium.data.sample_submission import asked
from podium.data.several_forms import alone_of_each, form_of_all
from podium.io.csv_files import (
    SAMPLE,
    TEST,
    TRAIN,
    check_ids,
    check_same_columns,
    check_sample_ids,
    check_text,
    column_names,
    few,
    line_of,
    no_bad_rows,
    read_csv,
    read_header,
)
from podium.io.errors import PodiumError, warn
from podium.io.paths import extra_path
from podium.io.text import printable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RawTables:
    """The three csv files as text columns; missing values of features are NaN by ``na_values``.

    Class labels that are true and false are spelled as in the sample submission. ``extra`` has the
    tables of ``source.files.extra`` by their names there, their columns typed by pandas.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    sample_submission: pd.DataFrame
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def read_raw(folder: Path, competition: TableCompetition) -> RawTables:
    """Read and check train, test and sample submission.

    Raises:
        PodiumError: a file is missing, empty, not UTF-8, not a csv; a column is missing, duplicate
            or in one table only; ids are missing, duplicate or not those of the sample submission;
            or the target doesn't fit the task.
    """
    return replace(_read(folder, competition), extra=_read_extra(folder, competition))


def _read_extra(folder: Path, competition: TableCompetition) -> dict[str, pd.DataFrame]:
    names = dict(zip(competition.source.files.extra, extra_files(folder, competition), strict=True))
    na_values = competition.preprocess.na_values
    return {
        name: pd.read_csv(path, na_values=na_values, keep_default_na=False)
        for name, path in names.items()
    }


def extra_files(folder: Path, competition: TableCompetition) -> list[Path]:
    """Where the raw files of ``source.files.extra`` are, in the order there; all are csv files.

    Raises:
        PodiumError: one is missing, or is not a csv.
    """
    paths = [folder / extra_path(name) for name in competition.source.files.extra]
    for path in paths:
        read_header(path)
        check_text(path)
    return paths


def check_raw(folder: Path, competition: TableCompetition) -> str:
    """Check the raw files, which may be larger than memory; returns what they hold.

    Raises:
        PodiumError: as ``read_raw``.
    """
    extra_files(folder, competition)
    ids = competition.id_columns
    tables = _read(folder, competition, [*ids, *competition.targets], ids)
    return f"{len(tables.train)} training rows, {len(tables.test)} test rows"


def _read(
    folder: Path,
    competition: TableCompetition,
    train: list[str] | None = None,
    test: list[str] | None = None,
) -> RawTables:
    """Check the files, and read all columns of train and test or those named."""
    # A file that is cut off or not a csv is reported as that, and not by the columns it lacks.
    na_values, kept = competition.preprocess.na_values, not_features(competition)
    tables = RawTables(
        read_csv(folder / TRAIN, na_values, train, verbatim=kept),
        read_csv(folder / TEST, na_values, test, verbatim=kept),
        read_csv(folder / SAMPLE, [""]),
    )
    columns = [column_names(read_header(folder / name)) for name in (TRAIN, TEST)]
    if competition.id in columns[1] and competition.id not in columns[0]:
        columns[0].append(competition.id)
        _number_rows(tables.train, competition)
    _check_columns(columns[0], columns[1], competition)
    tables = _with_one_id(tables, competition)
    _spell_labels(tables, competition)
    _check_rows(tables, competition)
    return tables


def _with_one_id(tables: RawTables, competition: TableCompetition) -> RawTables:
    """Ids of several columns in one; their columns are features as well, as they may be."""
    ids, missing = competition.id_columns, competition.preprocess.na_values
    if len(ids) == 1:
        return tables
    train, test = with_one_id(TRAIN, tables.train, ids), with_one_id(TEST, tables.test, ids)
    features = [name for name in ids if name != competition.folds.group]
    for table in (train, test):
        table[features] = table[features].mask(table[features].isin(missing))
    return replace(
        tables,
        train=train,
        test=test,
        sample_submission=only_one_id(SAMPLE, tables.sample_submission, ids),
    )


def _number_rows(train: pd.DataFrame, competition: TableCompetition) -> None:
    """Row numbers, from 1, as ids of training rows: on Kaggle some tables have none."""
    train[competition.id] = pd.Series(range(1, len(train) + 1), index=train.index).astype(str)
    warn(
        f"{competition.name}: {TRAIN} has no column '{competition.id}' as {TEST} has; the ids of "
        "its rows are their numbers, from 1"
    )


def not_features(competition: TableCompetition) -> list[str]:
    """Columns whose texts stay as they are: an id, a class or a group may be called ``NA``."""
    classes = [] if competition.task == "regression" else competition.targets
    group = competition.folds.group
    return [*competition.id_columns, *classes, *([group] if group else [])]


def _spell_labels(tables: RawTables, competition: TableCompetition) -> None:
    """Spell true and false among the labels as the sample submission does."""
    if competition.task == "regression":
        return
    if len(competition.targets) > 1:
        sample = asked(tables.sample_submission, [], competition)
        samples = {name: own for name, (own, _) in alone_of_each(sample, competition).items()}
    else:
        samples = {competition.target: tables.sample_submission}
    for target, sample in samples.items():
        if target in tables.train:
            tables.train[target] = spelled_as(tables.train[target], _labels_of(sample, competition))


def _labels_of(sample: pd.DataFrame, competition: TableCompetition) -> list[str]:
    """The labels that the sample submission spells out: in its rows, or as columns; or none."""
    if sample.shape[1] > 2:
        return list(sample.columns[1:])
    asks_for_labels = sample.shape[1] == 2 and competition.scoring.needs == "labels"
    return list(sample.iloc[:, 1].dropna().unique()) if asks_for_labels else []


def _check_columns(train: list[str], test: list[str], competition: TableCompetition) -> None:
    check_named_columns(TRAIN, train, competition)
    for name in competition.id_columns:
        if name not in test:
            raise PodiumError(f"{TEST}: no id column '{name}'; it has {few(test)}")
    folds = competition.folds
    ignored = {
        *competition.targets,
        folds.group,
        folds.by,
        folds.column,
        *competition.preprocess.drop,
    }
    advice = "; list under preprocess.drop what no model should use"
    check_same_columns(set(train) - ignored, set(test) - ignored, advice)


def _check_rows(tables: RawTables, competition: TableCompetition) -> None:
    check_ids(TRAIN, tables.train, competition.id)
    check_ids(TEST, tables.test, competition.id)
    _check_sample(tables.sample_submission, tables.test, competition.id)
    _, classes_of = read_targets(tables.train, competition)
    sample = asked(tables.sample_submission, classes_of[0], competition)
    form_of_all(sample, classes_of, competition)


def _check_sample(sample: pd.DataFrame, test: pd.DataFrame, id_column: str) -> None:
    check_sample_ids(sample, id_column)
    expected, found = set(test[id_column]), set(sample[id_column])
    if expected != found:
        odd = sorted(expected ^ found)
        raise PodiumError(
            f"{SAMPLE}: its ids are not those of {TEST}: {len(expected - found)} missing, "
            f"{len(found - expected)} unknown, for example {printable(odd[0])}; take both from one "
            "download"
        )


def read_targets(
    train: pd.DataFrame, competition: TableCompetition
) -> tuple[Array, list[list[str]]]:
    """The target as numbers, shape (n,), of several (n, targets), and the class names of each.

    Raises:
        PodiumError: as ``read_target``.
    """
    read = [read_target(train, competition.of_target(name)) for name in competition.targets]
    values = [y for y, _ in read]
    y = np.stack(values, axis=1) if len(values) > 1 else values[0]
    return y, [classes for _, classes in read]


def read_target(train: pd.DataFrame, competition: TableCompetition) -> tuple[Array, list[str]]:
    """The target as numbers, shape (n,), and the class names in code order ([] for regression).

    Raises:
        PodiumError: a target is missing, not a number, infinite, the same in every row, or outside
            what the transform or the metric can take; or the number of classes doesn't fit the
            task.
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
    if len(y) > 1 and (y == y.iloc[0]).all():
        raise PodiumError(
            f"{TRAIN}: {competition.target} is {printable(str(text.iloc[0]))} in every row, and "
            f"there is nothing to learn; is target in params.yaml the right column?"
        )
    if competition.target_transform == "log":
        no_bad_rows(TRAIN, text, y <= 0, "is not positive, and target_transform is log")
    if competition.target_transform in ("log1p", "sqrt"):
        what = f"is negative, which {competition.target_transform} can't take"
        no_bad_rows(TRAIN, text, y < 0, what)
    metric = competition.scoring
    what = f"is {metric.below_in_words}, which {metric.name} can't take"
    no_bad_rows(TRAIN, text, metric.below(y), what)
    if metric.cut_points:
        _check_whole(text, y, metric.name)
    return y.to_numpy(dtype=np.float64)


def _check_whole(text: "pd.Series[Any]", y: "pd.Series[Any]", metric: str) -> None:
    odd = y % 1 != 0
    if odd.any():
        raise PodiumError(
            f"{TRAIN}:{line_of(odd)}: {text.name} '{printable(str(text[odd].iloc[0])[:40])}' is "
            f"no whole number, and {metric} compares whole numbers ({int(odd.sum())} such rows); "
            "use another metric, for example rmse"
        )
