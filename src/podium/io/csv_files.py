"""Reading csv files: in one fast pass, and slowly to say in one line what is wrong with one."""

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

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
# The bytes before a quote that opens a value (the last is of a byte-order mark) or ends a pair.
BEFORE_OPEN_QUOTE = (b"", b",", b"\n", b"\r", b'"', b"\xbf")
# What is wrong in a row that starts at a line.
RowError = Callable[[int, list[str]], PodiumError | None]
# Follows the last line where rows are read: no text has it.
END = "\0"


def read_csv(
    path: Path,
    na_values: Sequence[str],
    columns: Sequence[str] | None = None,
    verbatim: Sequence[str] = (),
) -> pd.DataFrame:
    """Check a whole csv and read it as text, with ``na_values`` as missing.

    Args:
        path: the file.
        na_values: values that mean a missing value.
        columns: keep these alone, in the order of the file, which may then be larger than memory;
            the first column if the file has none of them.
        verbatim: columns in which only an empty text is missing.

    Raises:
        PodiumError: as ``read_header`` and ``read_blocks``; or too many columns.
    """
    header = read_header(path)
    if len(header) > MAX_TABLE_COLUMNS:
        raise _too_wide(path, header, MAX_TABLE_COLUMNS)
    names = column_names(header)
    kept = [at for at, name in enumerate(names) if columns is None or name in columns]
    # Arrow takes an empty list for all columns; one is enough to check the rows.
    kept = kept or [0]
    types = {header[at]: pa.large_string() for at in kept}
    blocks = read_blocks(path, header, types, [] if verbatim else _spellings(na_values))
    table = pa.Table.from_batches(list(blocks)).rename_columns([names[at] for at in kept])
    if verbatim:
        for at, name in enumerate(table.column_names):
            missing = [""] if name in verbatim else _spellings(na_values)
            table = table.set_column(at, name, _with_nulls(table[name], missing))
    return table.to_pandas()


def _with_nulls(column: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray:
    """A column of texts in which some mean a missing value."""
    known = pa.array(missing, type=column.type)
    return compute.if_else(compute.is_in(column, value_set=known), None, column)


def read_blocks(
    path: Path,
    header: list[str],
    types: Mapping[str, pa.DataType],
    missing: Sequence[str] = (),
    row_error: RowError = lambda line, row: None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a csv in one pass, a block at a time: memory doesn't grow with the file.

    Only if Arrow can't read it, the file is read once more by line, which is much slower, to say
    what is wrong and where.

    Args:
        path: the file.
        header: its column names.
        types: the columns to return and the Arrow type of each; the others are checked too.
        missing: values that become null.
        row_error: what is wrong in a row that starts at a line, if it can't be of these types.

    Raises:
        PodiumError: not UTF-8, a NUL, a line that is too long, a quote that is never closed, a
            row of another length, a value of another type, or no rows.
    """
    if check_text(path):
        check_rows(path, header)
    rows = 0
    try:
        for block in _open(path, header, types, missing):
            rows += block.num_rows
            yield block
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        check_rows(path, header, row_error)
        raise no_csv(path, str(error).splitlines()[0]) from None
    if not rows:
        raise no_rows(path)


def _open(
    path: Path, header: list[str], types: Mapping[str, pa.DataType], missing: Sequence[str]
) -> arrow_csv.CSVStreamingReader:
    return arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=MAX_LINE),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            # Types for all columns: Arrow would guess those of the others.
            column_types=dict.fromkeys(header, pa.large_string()) | dict(types),
            include_columns=list(types),
            null_values=list(missing),
            strings_can_be_null=True,
            check_utf8=False,
        ),
    )


def check_rows(path: Path, header: list[str], row_error: RowError = lambda line, row: None) -> None:
    """Read a csv row by row, and stop at the first thing that is wrong.

    Raises:
        PodiumError: a row has another length, or a ``row_error``; a quote is never closed; or
            there are no rows.
    """
    rows = rows_of(path)
    next(rows)
    filled = 0
    for line, row in rows:
        if row and len(row) != len(header):
            raise _ragged(path, line, len(row), len(header))
        if row and (problem := row_error(line, row)):
            raise problem
        filled += bool(row)
    if not filled:
        raise no_rows(path)


def column_names(header: list[str]) -> list[str]:
    """The names of columns; those without a name are called by their place, as pandas does."""
    return [name or f"Unnamed: {index}" for index, name in enumerate(header)]


def _spellings(na_values: Sequence[str]) -> list[str]:
    """``na_values`` and, for a whole number, its other spelling: pandas takes -999.0 for -999."""
    found = list(na_values)
    for value in na_values:
        with suppress(ValueError, OverflowError):
            if float(value) == int(float(value)):
                found += [str(int(float(value))), f"{int(float(value))}.0"]
    return found


def read_header(path: Path) -> list[str]:
    """The column names of a csv, after a look at what kind of file it is.

    Raises:
        PodiumError: missing, empty, no text, no column names, too many, or a duplicate one.
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


def check_text(path: Path) -> bool:
    """Check every byte of a file, a block at a time: UTF-8, in lines that fit in memory.

    It takes a tenth of the time of reading the values.

    Returns:
        Whether a quote may be left open at the end, which Arrow accepts. The last quote of such a
        file opens a value or is the second of two.

    Raises:
        PodiumError: it isn't, with the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = length = 0
    last, may_be_open = b"", False
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            nul = block.find(b"\0")
            if nul >= 0:
                raise _bad_byte(path, offset + nul, "contains a NUL byte; remove it")
            _decode(path, decoder, block, offset)
            first, end = _line_ends(block)
            if length + (len(block) if first < 0 else first) > MAX_LINE:
                raise _bad_byte(path, offset, f"the line is longer than {MAX_LINE} bytes; break it")
            length = len(block) - end - 1 if end >= 0 else length + len(block)
            offset += len(block)
            quote = block.rfind(b'"')
            if quote >= 0:
                before = block[quote - 1 : quote] if quote else last
                may_be_open = before in BEFORE_OPEN_QUOTE
            last = block[-1:]
    _decode(path, decoder, b"", offset)
    return may_be_open


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
    names = column_names(header) if len(set(header)) == len(header) else header
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise PodiumError(
            f"{path.name}:1: duplicate column '{printable(twice[0])}'; rename or remove one"
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


def _ragged(path: Path, line: int, found: int, expected: int) -> PodiumError:
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


def check_same_columns(train: set[str], test: set[str], advice: str = "") -> None:
    """Train and test have the same columns, the target apart; ``advice`` ends the error.

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
                f"for the target{advice}"
            )


def check_ids(name: str, table: pd.DataFrame, column: str) -> None:
    """Every row of file ``name`` has an id of its own.

    Raises:
        PodiumError: an id is missing or duplicate.
    """
    ids = table[column]
    if ids.isna().any():
        raise PodiumError(
            f"{name}:{line_of(ids.isna())}: {column} is missing; every row needs an id"
        )
    again = ids.duplicated()
    if again.any():
        raise PodiumError(
            f"{name}:{line_of(again)}: duplicate {column} {printable(ids[again].iloc[0])} "
            f"({again.sum()} duplicates in all); every row needs an id of its own"
        )


def check_sample_ids(sample: pd.DataFrame, id_column: str) -> None:
    """The sample submission starts with ids, each once.

    Raises:
        PodiumError: its first column is another, or an id is missing or duplicate.
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
            "fix or remove them"
        )


def line_of(bad: "pd.Series[Any]") -> int:
    """The file's line of the first bad row (the header is line 1; no row spans lines)."""
    return int(bad.to_numpy().argmax()) + 2


def few(names: Iterable[object]) -> str:
    """The first names of a list, and how many more there are."""
    shown = [printable(str(name)) for name in names]
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")
