"""Reading a competition's csv files, with every way they can be wrong told in one line."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition
from podium.config.messages import nearest
from podium.errors import PodiumError

Array = NDArray[np.float64]
TRAIN, TEST, SAMPLE = "train.csv", "test.csv", "sample_submission.csv"


@dataclass(frozen=True)
class RawTables:
    """The three csv files as text columns; missing values are NaN by ``preprocess.na_values``."""

    train: pd.DataFrame
    test: pd.DataFrame
    sample_submission: pd.DataFrame


def read_raw(folder: Path, competition: Competition) -> RawTables:
    """Read and check train, test and sample submission.

    Raises:
        PodiumError: a file is missing, empty, not UTF-8, not a csv; a column is missing, doubled
            or in one table only; ids are missing, doubled or not those of the sample submission;
            or the target doesn't fit the task.
    """
    na_values = competition.preprocess.na_values
    train, test, sample = (read_csv(folder / name, na_values) for name in (TRAIN, TEST, SAMPLE))
    _check_columns(train, test, competition)
    _check_ids(TRAIN, train, competition.id)
    _check_ids(TEST, test, competition.id)
    _check_sample(sample, test, competition.id)
    _check_predicted(sample, read_target(train, competition)[1], competition)
    return RawTables(train, test, sample)


def read_csv(path: Path, na_values: list[str]) -> pd.DataFrame:
    """Read a csv as text, with ``na_values`` as missing.

    Raises:
        PodiumError: missing, empty, not UTF-8, not a csv, a doubled column name, or no rows.
    """
    _check_shape(path)
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, na_values=na_values, encoding="utf-8-sig"
        )
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None
    except (pd.errors.ParserError, ValueError) as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise PodiumError(
            f"{path.name}: not a csv: {reason}; export it again as comma-separated text"
        ) from None
    if table.empty:
        raise PodiumError(f"{path.name}: has a header and no rows; put the whole file there")
    return table


def _check_shape(path: Path) -> None:
    """Look at the file before pandas does, which renames doubled columns and fills short rows."""
    if not path.is_file():
        raise PodiumError(f"{path.name}: file is missing; run the download stage, or put it there")
    if path.stat().st_size == 0:
        raise PodiumError(f"{path.name}: file is empty; download or copy it again")
    _check_is_text(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            _check_header(path, header)
            for row in rows:
                if row and len(row) != len(header):
                    raise PodiumError(
                        f"{path.name}:{rows.line_num}: not a csv: {len(row)} values under "
                        f"{len(header)} column names; if the file was cut off, copy it again"
                    )
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None
    except csv.Error as error:
        raise PodiumError(f"{path.name}: not a csv: {error}; download or copy it again") from None


def _check_is_text(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((b"PK", b"\xd0\xcf")):
        raise PodiumError(
            f"{path.name}: not a csv: this is an Excel file or a zip; save it as comma-separated "
            "text, or unpack it"
        )


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) < 2 or any("\0" in name for name in header):
        hint = "; it is separated by ';': save it with commas" if ";" in "".join(header) else ""
        raise PodiumError(
            f"{path.name}: not a csv: the first line holds no comma-separated column names{hint}"
        )
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise PodiumError(
            f"{path.name}:1: column '{doubled[0]}' stands twice; rename or remove one"
        )


def _not_utf8(path: Path, error: UnicodeDecodeError) -> PodiumError:
    bad = error.object[error.start]
    return PodiumError(f"{path.name}: byte 0x{bad:02x} is not UTF-8 text; save the file as UTF-8")


def _check_columns(train: pd.DataFrame, test: pd.DataFrame, competition: Competition) -> None:
    for key in ("id", "target"):
        column = getattr(competition, key)
        if column not in train:
            raise PodiumError(
                f"{TRAIN}: no {key} column '{column}'; {nearest(column, train.columns)}; "
                f"set {competition.name}.{key} in params.yaml"
            )
    if competition.id not in test:
        raise PodiumError(f"{TEST}: no id column '{competition.id}'; it has {_few(test.columns)}")
    features = set(train.columns) - {competition.target}
    _must_be_empty(features - set(test.columns), TEST, f"lacks columns that {TRAIN} has")
    _must_be_empty(set(test.columns) - features, TEST, f"has columns that {TRAIN} lacks")


def _must_be_empty(columns: set[str], name: str, what: str) -> None:
    if columns:
        raise PodiumError(
            f"{name}: {what}: {_few(sorted(columns))}; the two must have the same columns but for "
            "the target"
        )


def _check_ids(name: str, table: pd.DataFrame, column: str) -> None:
    ids = table[column]
    if ids.isna().any():
        raise PodiumError(f"{name}:{_line(ids.isna())}: {column} is missing; every row needs an id")
    doubled = ids.duplicated()
    if doubled.any():
        raise PodiumError(
            f"{name}:{_line(doubled)}: {column} {ids[doubled].iloc[0]} stands twice "
            f"({doubled.sum()} doubled in all); every row needs an id of its own"
        )


def _check_sample(sample: pd.DataFrame, test: pd.DataFrame, id_column: str) -> None:
    if sample.columns[0] != id_column:
        raise PodiumError(
            f"{SAMPLE}: the first column is '{sample.columns[0]}', expected the id '{id_column}'"
        )
    _check_ids(SAMPLE, sample, id_column)
    expected, found = set(test[id_column]), set(sample[id_column])
    if expected != found:
        odd = sorted(expected ^ found)
        raise PodiumError(
            f"{SAMPLE}: its ids are not those of {TEST}: {len(expected - found)} lacking, "
            f"{len(found - expected)} unknown, for example {odd[0]}; take both from one download"
        )


def _check_predicted(sample: pd.DataFrame, classes: list[str], competition: Competition) -> None:
    """The columns after the id: one, or one a class where probabilities are asked for."""
    columns = list(sample.columns[1:])
    if len(columns) == 1:
        return
    if competition.scoring.needs != "probabilities":
        raise PodiumError(
            f"{SAMPLE}: has the columns {_few(sample.columns)}; expected the id and one column for "
            f"'{competition.metric}'"
        )
    unknown = sorted(set(columns) - set(classes))
    if unknown:
        raise PodiumError(
            f"{SAMPLE}: column '{unknown[0]}' is no class of {competition.target}; classes: "
            f"{_few(classes)}"
        )


def read_target(train: pd.DataFrame, competition: Competition) -> tuple[Array, list[str]]:
    """The target as numbers, shape (n,), and the class names in code order ([] for regression).

    Raises:
        PodiumError: a target is missing, not a number, infinite, or outside what the transform or
            the metric can take; or the number of classes doesn't fit the task.
    """
    text = train[competition.target]
    _no_bad_rows(text, text.isna(), "is missing; every training row needs a target")
    if competition.task == "regression":
        return _numbers(text, competition), []
    classes = sorted(text.unique(), key=_class_order)
    if len(classes) < 2 or (competition.task == "binary" and len(classes) != 2):
        raise PodiumError(
            f"{TRAIN}: {competition.target} has {len(classes)} classes ({_few(classes)}), "
            f"which does not fit task '{competition.task}'"
        )
    codes = text.map({name: code for code, name in enumerate(classes)})
    return codes.to_numpy(dtype=np.float64), classes


def _numbers(text: "pd.Series[Any]", competition: Competition) -> Array:
    y = pd.to_numeric(text, errors="coerce")
    _no_bad_rows(text, y.isna(), "is not a number")
    _no_bad_rows(text, np.isinf(y), "is infinite")
    if competition.target_transform == "log":
        _no_bad_rows(text, y <= 0, "is not positive, and target_transform is log")
    elif competition.target_transform == "log1p" or competition.metric == "rmsle":
        _no_bad_rows(text, y < 0, "is negative, which log1p and rmsle can't take")
    return y.to_numpy(dtype=np.float64)


def _no_bad_rows(text: "pd.Series[Any]", bad: "pd.Series[Any]", what: str) -> None:
    if bad.any():
        value = text[bad].iloc[0]
        quoted = "" if pd.isna(value) else f" '{str(value)[:40]}'"
        raise PodiumError(
            f"{TRAIN}:{_line(bad)}: {text.name}{quoted} {what} ({int(bad.sum())} such rows); "
            "mend or remove them"
        )


def _class_order(name: str) -> tuple[bool, float, str]:
    """Classes sort as numbers where they are numbers, after that as text."""
    try:
        return (False, float(name), name)
    except ValueError:
        return (True, 0.0, name)


def _line(bad: "pd.Series[Any]") -> int:
    """The file's line of the first bad row (the header is line 1; no row spans lines)."""
    return int(bad.to_numpy().argmax()) + 2


def _few(names: Any) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
