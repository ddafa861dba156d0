"""Reading csv files, with every way they can be wrong told in one line."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from podium.io.errors import PodiumError
from podium.io.text import printable

TRAIN, TEST, SAMPLE = "train.csv", "test.csv", "sample_submission.csv"
# No line is longer, nor a quoted value: both are held in memory.
MAX_LINE = 16 * 1024**2
# The time grows with their square: 10,000 columns are preprocessed in 19 s, these in 59 s.
MAX_TABLE_COLUMNS = 20_000
# Pixels of 256 x 256 in three colours, and a few beside them.
MAX_COLUMNS = 200_000
BLOCK = 1024**2
# What files start with that are no text.
STARTS = {
    b"PK": "an Excel file or a zip; save it as comma-separated text, or unpack it",
    b"\xd0\xcf": "an Excel file or a zip; save it as comma-separated text, or unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"\x1f\x8b": "a gzip file; unpack it",
    b"\x89PNG": "a picture; put the table there",
    b"PAR1": "a Parquet file; save it as comma-separated text",
    codecs.BOM_UTF16_LE: "UTF-16 text; save it as UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16 text; save it as UTF-8",
}
# Stands after the last line where rows are read: no text holds it.
END = "\0"


def read_csv(path: Path, na_values: list[str]) -> pd.DataFrame:
    """Check and read a csv as text, with ``na_values`` as missing.

    Raises:
        PodiumError: as ``check_csv``.
    """
    check_csv(path)
    return load_csv(path, na_values)


def check_csv(path: Path) -> list[str]:
    """Check a whole csv, line by line, so that it may be larger than memory; returns its columns.

    Pandas would rename doubled columns, fill short rows, and end a value at a NUL.

    Raises:
        PodiumError: missing, empty, not UTF-8, not a csv, a doubled column name, or no rows.
    """
    header = read_header(path)
    if len(header) > MAX_TABLE_COLUMNS:
        raise _too_wide(path, header, MAX_TABLE_COLUMNS)
    check_text(path)
    rows = rows_of(path)
    next(rows)
    filled = 0
    for line, row in rows:
        if row and len(row) != len(header):
            raise ragged(path, line, len(row), len(header))
        filled += bool(row)
    if not filled:
        raise no_rows(path)
    return [name or f"Unnamed: {index}" for index, name in enumerate(header)]


def load_csv(
    path: Path, na_values: list[str], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a csv that was checked, as text, or those of its ``columns`` alone.

    Raises:
        PodiumError: pandas finds something wrong all the same.
    """
    try:
        return pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_values=na_values,
            encoding="utf-8-sig",
            usecols=columns,
        )
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise no_csv(path, str(error).removeprefix("Error tokenizing data. C error: ")) from None


def read_header(path: Path) -> list[str]:
    """The column names of a csv, after a look at what kind of file it is.

    Raises:
        PodiumError: missing, empty, no text, no column names, too many, or a doubled one.
    """
    _check_is_text(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            csv.field_size_limit(MAX_LINE)
            header = next(csv.reader(iter(partial(file.readline, MAX_LINE), "")), [])
    except UnicodeDecodeError:
        check_text(path)
        raise
    except csv.Error:
        raise _never_closed(path, 1) from None
    if END in "".join(header):
        check_text(path)
    _check_header(path, header)
    return header


def check_text(path: Path) -> None:
    """Look at every byte of a file, a block at a time: UTF-8, in lines that fit in memory.

    Raises:
        PodiumError: it isn't, with the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = length = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            nul = block.find(b"\0")
            if nul >= 0:
                raise _bad_byte(path, offset + nul, "a NUL byte stands there; remove it")
            _decode(path, decoder, block, offset)
            first, last = _line_ends(block)
            if length + (len(block) if first < 0 else first) > MAX_LINE:
                raise _bad_byte(path, offset, f"the line is longer than {MAX_LINE} bytes; break it")
            length = len(block) - last - 1 if last >= 0 else length + len(block)
            offset += len(block)
    _decode(path, decoder, b"", offset)


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a csv, header and empty ones too, with the line that each starts at.

    Raises:
        PodiumError: a quote is never closed.
    """
    csv.field_size_limit(MAX_LINE)
    line = 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(chain(file, [END]))
        try:
            for row in rows:
                if row and row[-1].endswith(END):
                    break
                yield line, row
                line = rows.line_num + 1
        except csv.Error:
            raise _never_closed(path, line) from None
    if row != [END]:
        raise _never_closed(path, line)


def _check_is_text(path: Path) -> None:
    if not path.is_file():
        raise PodiumError(f"{path.name}: file is missing; run the download stage, or put it there")
    if path.stat().st_size == 0:
        raise PodiumError(f"{path.name}: file is empty; download or copy it again")
    with path.open("rb") as file:
        start = file.read(8)
    for magic, what in STARTS.items():
        if start.startswith(magic):
            raise PodiumError(f"{path.name}: not a csv: this is {what}")


def _decode(path: Path, decoder: codecs.IncrementalDecoder, block: bytes, offset: int) -> None:
    try:
        decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        # The decoder keeps the start of a character that the block before was cut in.
        at = offset + len(block) - len(error.object) + error.start
        bad = error.object[error.start]
        what = f"byte 0x{bad:02x} is not UTF-8 text; save the file as UTF-8"
        raise _bad_byte(path, at, what) from None


def _line_ends(block: bytes) -> tuple[int, int]:
    """Where the first and the last line of a block end; -1: nowhere."""
    firsts = [at for at in (block.find(b"\n"), block.find(b"\r")) if at >= 0]
    return min(firsts, default=-1), max(block.rfind(b"\n"), block.rfind(b"\r"))


def _bad_byte(path: Path, offset: int, what: str) -> PodiumError:
    """The error of a byte, whose line is only counted now."""
    line, before = 1, b""
    with path.open("rb") as file:
        while offset > 0 and (block := file.read(min(BLOCK, offset))):
            pairs = block.count(b"\r\n") + (before == b"\r" and block.startswith(b"\n"))
            line += block.count(b"\n") + block.count(b"\r") - pairs
            before = block[-1:]
            offset -= len(block)
    return PodiumError(f"{path.name}:{line}: not a csv: {what}")


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise _too_wide(path, header, MAX_COLUMNS)
    if len(header) < 2:
        hint = "; it is separated by ';': save it with commas" if ";" in "".join(header) else ""
        raise PodiumError(
            f"{path.name}: not a csv: the first line holds no comma-separated column names{hint}"
        )
    doubled = sorted(name for name, count in Counter(header).items() if count > 1)
    if doubled:
        raise PodiumError(
            f"{path.name}:1: column '{printable(doubled[0])}' stands twice; rename or remove one"
        )


def _too_wide(path: Path, header: list[str], most: int) -> PodiumError:
    return PodiumError(
        f"{path.name}: has {len(header)} columns, and Podium takes {most}; leave some out"
    )


def no_csv(path: Path, reason: object) -> PodiumError:
    """The error of a file that no csv reader takes."""
    what = printable(str(reason).strip())
    return PodiumError(f"{path.name}: not a csv: {what}; download or copy it again")


def no_rows(path: Path) -> PodiumError:
    """The error of a header alone."""
    return PodiumError(f"{path.name}: has a header and no rows; put the whole file there")


def ragged(path: Path, line: int, found: int, expected: int) -> PodiumError:
    """The error of a row with more or fewer values than column names."""
    return PodiumError(
        f"{path.name}:{line}: not a csv: {found} values under {expected} column names; if the "
        "file was cut off, copy it again"
    )


def _never_closed(path: Path, line: int) -> PodiumError:
    return PodiumError(
        f"{path.name}:{line}: not a csv: a quote in the row that starts here is never closed; "
        "close it, or copy the file again if it was cut off"
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
            f"{name}:{line_of(doubled)}: {column} {printable(ids[doubled].iloc[0])} stands twice "
            f"({doubled.sum()} doubled in all); every row needs an id of its own"
        )


def check_sample_ids(sample: pd.DataFrame, id_column: str) -> None:
    """The sample submission starts with ids, each once.

    Raises:
        PodiumError: its first column is another, or an id is missing or doubled.
    """
    if sample.columns[0] != id_column:
        raise PodiumError(
            f"{SAMPLE}: the first column is '{printable(sample.columns[0])}', expected the id "
            f"'{id_column}'"
        )
    check_ids(SAMPLE, sample, id_column)


def no_bad_rows(name: str, text: "pd.Series[Any]", bad: "pd.Series[Any]", what: str) -> None:
    """Stop at the first row of file ``name`` that is ``bad``, quoting its value.

    Raises:
        PodiumError: there is such a row.
    """
    if bad.any():
        value = text[bad].iloc[0]
        quoted = "" if pd.isna(value) else f" '{printable(str(value)[:40])}'"
        raise PodiumError(
            f"{name}:{line_of(bad)}: {text.name}{quoted} {what} ({int(bad.sum())} such rows); "
            "mend or remove them"
        )


def line_of(bad: "pd.Series[Any]") -> int:
    """The file's line of the first bad row (the header is line 1; no row spans lines)."""
    return int(bad.to_numpy().argmax()) + 2


def few(names: Iterable[object]) -> str:
    """The first names of a list, and how many more there are."""
    shown = [printable(str(name)) for name in names]
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")
