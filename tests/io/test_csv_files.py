"""Csv files that nobody would write: read as they are meant, or one line that says where."""

import csv
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bad_input import assert_one_line, put, snapshot
from podium.io import csv_files
from podium.io.csv_files import read_csv, read_header
from podium.io.errors import PodiumError
from projects import Project

NAME = "house-prices"
SEEDED = settings(max_examples=150, deadline=None, derandomize=True)


def raw(project: Project) -> dict[str, bytes]:
    return snapshot(project.root / "data/raw")


def edit(change: Callable[[bytes], bytes], name: str = "train.csv") -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return run


def at_line(number: int, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Change one line of train.csv; 1 is the header."""

    def run(content: bytes) -> bytes:
        lines = content.split(b"\n")
        lines[number - 1] = change(lines[number - 1])
        return b"\n".join(lines)

    return edit(run)


# What is done to the files, and what the line must say.
ERRORS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a NUL": (
        at_line(7, lambda line: line.replace(b",", b"\0,", 1)),
        "train.csv:7: not a csv: contains a NUL byte; remove it",
    ),
    "NULs all over": (edit(lambda c: c.decode().encode("utf-16-le")), "contains a NUL byte"),
    "UTF-16": (edit(lambda c: c.decode().encode("utf-16")), "this is UTF-16 text; save it as UTF"),
    "another encoding": (
        at_line(9, lambda line: line + b"\xe9"),
        "train.csv:9: not a csv: byte 0xe9 is not UTF-8 text",
    ),
    "cut within a character": (
        edit(lambda c: c.rstrip(b"\n") + "é".encode()[:1]),
        "train.csv:81: not a csv: byte 0xc3 is not UTF-8",
    ),
    "a quote left open": (
        at_line(5, lambda line: line.replace(b",", b',"', 1)),
        "train.csv:5: not a csv: a quote in the row that starts here is never closed",
    ),
    "a last value left open": (
        at_line(5, lambda line: line.rsplit(b",", 1)[0] + b',"1'),
        "train.csv:5: not a csv: a quote in the row that starts here is never closed",
    ),
    "a name left open": (
        at_line(1, lambda line: b'"' + line),
        "train.csv",
    ),
    "a gzip file": (edit(lambda c: b"\x1f\x8b\x08\0" + c), "this is a gzip file; unpack it"),
    "a Parquet file": (edit(lambda c: b"PAR1" + c), "this is a Parquet file; save it as comma"),
    "more columns than pandas takes": (
        edit(lambda c: b",".join(b"c%d" % i for i in range(20_001)) + b"\n"),
        "train.csv: has 20001 columns, and Podium takes 20000; leave some out",
    ),
    "a number too large": (put("train.csv", 2, "SalePrice", "1e999"), "SalePrice '1e999' is inf"),
    "infinity": (put("train.csv", 2, "SalePrice", "Infinity"), "train.csv:4: SalePrice 'Infinity'"),
    "a huge integer": (put("train.csv", 2, "SalePrice", "9" * 400), "9' is infinite"),
    "hexadecimal": (put("train.csv", 2, "SalePrice", "0x1F"), "SalePrice '0x1F' is not a number"),
    "Arabic digits": (put("train.csv", 2, "SalePrice", "١٢"), "SalePrice '١٢' is not a number"),
    "a formula": (
        put("train.csv", 2, "SalePrice", "=cmd|' /C calc'!A0"),
        "SalePrice '=cmd|' /C calc'!A0' is not a number",
    ),
    "an id that moves the cursor": (
        put("test.csv", 2, "Id", "\x1b[2J"),
        "its ids are not those of test.csv: 1 missing, 1 unknown, for example ?[2J; take both",
    ),
    "a value that moves the cursor": (
        put("train.csv", 2, "SalePrice", "\x1b[2J\x07"),
        "SalePrice '?[2J?' is not a number",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_download_refuses(case, project: Project, podium, house_files: Path):
    spoil, says = ERRORS[case]
    project.use_files(house_files)
    assert podium("download", NAME).code == 0
    before = snapshot(project.root / "data")
    spoil(house_files)
    assert_one_line(podium("download", NAME), says)
    assert snapshot(project.root / "data") == before


# Other ways to write the same table.
SAME: dict[str, Callable[[bytes], bytes]] = {
    "a byte-order mark": lambda c: b"\xef\xbb\xbf" + c,
    "lines of Windows": lambda c: c.replace(b"\n", b"\r\n"),
    "lines of an old Mac": lambda c: c.replace(b"\n", b"\r"),
    "mixed lines": lambda c: c.replace(b"\n", b"\r\n", 20).replace(b"\r\n", b"\r", 10),
    "no last line end": lambda c: c.rstrip(b"\n"),
    "empty lines": lambda c: c.replace(b"\n", b"\n\n", 5) + b"\n\n",
    "quotes": lambda c: b"\n".join(
        b",".join(b'"' + value + b'"' for value in line.split(b","))
        for line in c.rstrip(b"\n").split(b"\n")
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_other_ways_to_write_a_table(case, house_files):
    path = house_files / "train.csv"
    before = read_csv(path, ["NA"])
    content = path.read_bytes()
    path.write_bytes(SAME[case](content))
    assert path.read_bytes() != content
    pd.testing.assert_frame_equal(read_csv(path, ["NA"]), before)


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3", '=HYPERLINK("x")', "<script>x()"]


def test_formulas_are_text(project, podium, house_files):
    for row, formula in enumerate(FORMULAS):
        put("train.csv", row, "Neighborhood", formula)(house_files)
    project.use_files(house_files)
    for stage in ("download", "preprocess"):
        assert podium(stage, NAME).code == 0
    table = pd.read_parquet(project.root / f"data/processed/{NAME}/train.parquet")
    assert table["Neighborhood"].iloc[: len(FORMULAS)].tolist() == FORMULAS


def test_ten_thousand_columns(project, podium, house_files):
    for name in ("train.csv", "test.csv"):
        header, *rows = (house_files / name).read_text().splitlines()
        more = "".join(f",c{index}" for index in range(9_980))
        wide = [header + more, *(f"{row}{f',{at % 7}' * 9_980}" for at, row in enumerate(rows))]
        (house_files / name).write_text("\n".join(wide))
    project.use_files(house_files)
    assert podium("download", NAME).code == 0
    assert len(read_header(project.root / f"data/raw/{NAME}/train.csv")) > 10_000


def long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"a,b\n1,2\n")
        for _ in range(64):
            file.write(b"x" * 2**20)


def long_quote(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'a,b\n1,"')
        for _ in range(64):
            file.write((b"x" * 1023 + b"\n") * 1024)


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (long_line, r"x\.csv:3: not a csv: the line is longer than \d+ bytes; break it"),
        (long_quote, r"x\.csv:2: not a csv: a quote in the row that starts here is never closed"),
    ],
)
def test_a_line_larger_than_memory(write, says, tmp_path, monkeypatch):
    """What is held does not grow with the file: 64 MiB are looked at in less than a quarter."""
    monkeypatch.setattr(csv_files, "MAX_LINE", 1024**2)
    path = tmp_path / "x.csv"
    write(path)
    tracemalloc.start()
    with pytest.raises(PodiumError, match=says):
        read_csv(path, [""])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 4


def test_download_holds_no_column_that_it_does_not_check(project, podium, house_files, monkeypatch):
    project.use_files(house_files)
    held = {}
    real = read_csv

    def read(path, na_values, columns=None, **keys):
        held[path.name] = list((table := real(path, na_values, columns, **keys)).columns)
        return table

    monkeypatch.setattr("podium.data.tabular.read.read_csv", read)
    assert podium("download", NAME).code == 0
    assert held["train.csv"] == ["Id", "SalePrice"]
    assert held["test.csv"] == ["Id"]


def test_lines_are_counted_by_rows_and_not_by_line_ends(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'a,b\r\n1,"two\nlines"\r3,4\n5,6,7\n')
    with pytest.raises(PodiumError, match=r"x\.csv:5: not a csv: 3 values under 2"):
        read_csv(path, [""])


# Pieces that a csv reader trips over, beside any byte at all.
PIECES = st.sampled_from(
    [b",", b"\n", b"\r", b"\r\n", b'"', b'""', b"\0", b"\xef\xbb\xbf", b"\xff", b"1", b"a", b"NA",
     b" ", b"\t", b"=1+1", b"\xc3\xa9", b"\xe2\x80\xa8", b"\x1b[2J", b"1e999", b"#", b"'", b";"]
)  # fmt: skip
BYTES = st.one_of(st.lists(PIECES, max_size=40).map(b"".join), st.binary(max_size=200))


@pytest.mark.deep
@SEEDED
@given(content=BYTES)
def test_any_bytes_are_a_table_or_one_line(content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        table = read_csv(path, ["", "NA"])
    except PodiumError as error:
        line = str(error)
    else:
        line = f"{len(table)} rows of {len(table.columns)}"
        assert len(table) > 0
        assert len(table.columns) == len(read_header(path))
    assert line.isprintable()


def reference(path: Path, na_values: list[str]) -> pd.DataFrame | None:
    """The table by Python's csv and pandas, which are slow; None: it is no table."""
    try:
        # pandas misreads empty lines, and spaces at a line's start, where lines end in CR.
        text = path.read_bytes().decode("utf-8-sig")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        # A quote that is left open takes the mark into its own row.
        *rows, last = csv.reader(io.StringIO(text + "\n\x1fend"))
    except ValueError:
        return None
    rows = [row for row in rows if row] if rows and rows[0] else []
    if last != ["\x1fend"] or len(rows) < 2 or len(rows[0]) < 2 or "\0" in text:
        return None
    names = [name or f"Unnamed: {index}" for index, name in enumerate(rows[0])]
    if len({*rows[0]}) < len(names) or len({*names}) < len(names):
        return None
    if {len(row) for row in rows} != {len(names)}:
        return None
    return pd.read_csv(
        io.StringIO(text), dtype=str, keep_default_na=False, na_values=na_values, encoding="utf-8"
    )


def assert_same_as_reference(path: Path, na_values: list[str], columns: list[int]) -> None:
    expected = reference(path, na_values)
    if expected is None:
        with pytest.raises(PodiumError):
            read_csv(path, na_values)
        return
    # The reference has LF for every line end within a value.
    found = read_csv(path, na_values).replace("\r\n?", "\n", regex=True)
    found.columns = found.columns.str.replace("\r\n?", "\n", regex=True)
    pd.testing.assert_frame_equal(found, expected)
    wanted = [name for at, name in enumerate(read_csv(path, na_values).columns) if at in columns]
    part = read_csv(path, na_values, wanted).replace("\r\n?", "\n", regex=True)
    assert list(part.columns) == wanted
    for at, name in enumerate(wanted):
        whole = found.iloc[:, sorted(columns)[at]]
        pd.testing.assert_series_equal(part[name], whole, check_names=False)


MISSING = st.sampled_from([[], [""], ["", "NA"], ["1"], ["1.0", "x"], ["-999", "inf"], ["1e3"]])
# Fields that readers differ about: quotes, numbers in other spellings, spaces.
FIELD = st.sampled_from(
    ["", "1", "1.0", "007", "NA", " 1", "x ", '""', '"a"', '"a""b"', '"a,b"', '"a\nb"', 'a"b',
     '"a"b', '"', "inf", "-999", "-999.0", "1000", "1e3", "1000.0", "\xe9", "\ufeff", "#", "'",
     "\x85", "\t"]
)  # fmt: skip
ROW = st.lists(FIELD, min_size=2, max_size=2).map(",".join) | st.sampled_from(
    ["", " ", "1", "1,2,3"]
)
TABLES = st.tuples(
    st.lists(ROW, max_size=5), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()
).map(lambda made: (made[1].join(["a,b", *made[0]]) + made[1] * made[2]).encode())


# Names that are missing, quoted or duplicate.
NAMES = st.sampled_from(
    [b",\n", b"a,\n", b",b\n", b'"a\nb",b\n', b"a,a\n", b"Unnamed: 1,\n", b"a,b"]
)


@pytest.mark.deep
@settings(max_examples=1000, deadline=None, derandomize=True)
@given(
    content=NAMES.map(lambda names: names + b"1,2\n")
    | TABLES
    | BYTES
    | BYTES.map(lambda rest: b"a,b\n1,2\n" + rest),
    na_values=MISSING,
    columns=st.sampled_from([[0], [1], [0, 1]]),
)
def test_the_same_as_by_csv_and_pandas(content, na_values, columns, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "same.csv"
    path.write_bytes(content)
    assert_same_as_reference(path, na_values, columns)


@pytest.mark.deep
@SEEDED
@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=50, max_size=200))
def test_the_same_in_many_blocks(rows, tmp_path_factory):
    """Quoted line ends, pairs of quotes and characters are cut anywhere."""
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    path.write_text("\n".join(["a,b", *map(",".join, rows)]) + "\n", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "MAX_LINE", 400)
        patch.setattr(csv_files, "BLOCK", 7)
        try:
            found = read_csv(path, [""])
        except PodiumError:
            # A quoted value may be larger than such a block.
            assert reference(path, [""]) is None or '"' in path.read_text()
            return
    pd.testing.assert_frame_equal(found, reference(path, [""]))


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@pytest.mark.deep
@SEEDED
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8))
def test_what_is_written_is_read(rows, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    table = pd.DataFrame(rows, columns=["a", "b", "c"], dtype=str)
    # csv has one line end within values: readers may take another for it.
    table = table.apply(lambda column: column.str.replace("\r", "\n"))
    table.to_csv(path, index=False, quoting=1)
    pd.testing.assert_frame_equal(read_csv(path, []), table)
