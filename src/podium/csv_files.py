"""Reading csv files, with every way they can be wrong told in one line."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from podium.config import Competition
from podium.config.messages import nearest
from podium.errors import PodiumError

TRAIN, TEST, SAMPLE = "train.csv", "test.csv", "sample_submission.csv"


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
        raise not_utf8(path, error) from None
    except (pd.errors.ParserError, ValueError) as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise PodiumError(
            f"{path.name}: not a csv: {reason}; export it again as comma-separated text"
        ) from None
    if table.empty:
        raise no_rows(path)
    return table


def read_header(path: Path) -> list[str]:
    """The column names of a csv, after a look at what kind of file it is.

    Raises:
        PodiumError: missing, empty, no text, no column names, or a doubled one.
    """
    _check_is_text(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except csv.Error as error:
        raise no_csv(path, error) from None
    _check_header(path, header)
    return header


def _check_shape(path: Path) -> None:
    """Look at the file before pandas does, which renames doubled columns and fills short rows."""
    header = read_header(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            for row in rows:
                if row and len(row) != len(header):
                    raise ragged(path, rows.line_num, len(row), len(header))
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except csv.Error as error:
        raise no_csv(path, error) from None


def _check_is_text(path: Path) -> None:
    if not path.is_file():
        raise PodiumError(f"{path.name}: file is missing; run the download stage, or put it there")
    if path.stat().st_size == 0:
        raise PodiumError(f"{path.name}: file is empty; download or copy it again")
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
    doubled = sorted(name for name, count in Counter(header).items() if count > 1)
    if doubled:
        raise PodiumError(
            f"{path.name}:1: column '{doubled[0]}' stands twice; rename or remove one"
        )


def not_utf8(path: Path, error: UnicodeDecodeError) -> PodiumError:
    """The error of a file in another encoding."""
    bad = error.object[error.start]
    return PodiumError(f"{path.name}: byte 0x{bad:02x} is not UTF-8 text; save the file as UTF-8")


def no_csv(path: Path, reason: object) -> PodiumError:
    """The error of a file that no csv reader takes."""
    return PodiumError(f"{path.name}: not a csv: {reason}; download or copy it again")


def no_rows(path: Path) -> PodiumError:
    """The error of a header alone."""
    return PodiumError(f"{path.name}: has a header and no rows; put the whole file there")


def ragged(path: Path, line: int, found: int, expected: int) -> PodiumError:
    """The error of a row with more or fewer values than column names."""
    return PodiumError(
        f"{path.name}:{line}: not a csv: {found} values under {expected} column names; if the "
        "file was cut off, copy it again"
    )


def check_named_columns(
    name: str,
    columns: Iterable[str],
    competition: Competition,
    keys: Sequence[str] = ("id", "target"),
) -> None:
    """File ``name`` has the columns that params.yaml names under ``keys``.

    Raises:
        PodiumError: one of them is missing.
    """
    there = list(columns)
    for key in keys:
        column = getattr(competition, key)
        if column not in there:
            raise PodiumError(
                f"{name}: no {key} column '{column}'; {nearest(column, there)}; "
                f"set {competition.name}.{key} in params.yaml"
            )


def check_same_columns(train: set[str], test: set[str]) -> None:
    """Train and test have the same columns, the target apart.

    Raises:
        PodiumError: they differ.
    """
    for columns, what in (
        (train - test, f"lacks columns that {TRAIN} has"),
        (test - train, f"has columns that {TRAIN} lacks"),
    ):
        if columns:
            raise PodiumError(
                f"{TEST}: {what}: {few(sorted(columns))}; the two must have the same columns but "
                "for the target"
            )


def check_ids(name: str, table: pd.DataFrame, column: str) -> None:
    """Every row of file ``name`` has an id of its own.

    Raises:
        PodiumError: an id is missing or doubled.
    """
    ids = table[column]
    if ids.isna().any():
        raise PodiumError(
            f"{name}:{line_of(ids.isna())}: {column} is missing; every row needs an id"
        )
    doubled = ids.duplicated()
    if doubled.any():
        raise PodiumError(
            f"{name}:{line_of(doubled)}: {column} {ids[doubled].iloc[0]} stands twice "
            f"({doubled.sum()} doubled in all); every row needs an id of its own"
        )


def check_sample_ids(sample: pd.DataFrame, id_column: str) -> None:
    """The sample submission starts with ids, each once.

    Raises:
        PodiumError: its first column is another, or an id is missing or doubled.
    """
    if sample.columns[0] != id_column:
        raise PodiumError(
            f"{SAMPLE}: the first column is '{sample.columns[0]}', expected the id '{id_column}'"
        )
    check_ids(SAMPLE, sample, id_column)


def no_bad_rows(name: str, text: "pd.Series[Any]", bad: "pd.Series[Any]", what: str) -> None:
    """Stop at the first row of file ``name`` that is ``bad``, quoting its value.

    Raises:
        PodiumError: there is such a row.
    """
    if bad.any():
        value = text[bad].iloc[0]
        quoted = "" if pd.isna(value) else f" '{str(value)[:40]}'"
        raise PodiumError(
            f"{name}:{line_of(bad)}: {text.name}{quoted} {what} ({int(bad.sum())} such rows); "
            "mend or remove them"
        )


def line_of(bad: "pd.Series[Any]") -> int:
    """The file's line of the first bad row (the header is line 1; no row spans lines)."""
    return int(bad.to_numpy().argmax()) + 2


def few(names: Iterable[object]) -> str:
    """The first names of a list, and how many more there are."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")
