"""Archives that lie: one line, nothing written, and what was there before is still there."""

import itertools
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bad_input import assert_one_line, snapshot
from hostile import (
    many_entries,
    overlapping,
    packed,
    packed_badly,
    patch,
    special,
    write_zip,
    zip_bytes,
)
from podium.data.sources.archive import extract, extract_packed
from podium.io import zips
from podium.io.errors import PodiumError
from podium.io.zips import DamagedZipError

pytestmark = pytest.mark.deep

NAME = "house-prices"
ZEROS = bytes(3 * 1024**2)


@pytest.fixture
def archive(project, podium, house_files, tmp_path) -> Path:
    """A zip of house prices, downloaded from once; tests spoil it."""
    path = write_zip(tmp_path / "house.zip", packed(house_files))
    project.use_files(path)
    assert podium("download", NAME).code == 0
    return path


@pytest.fixture
def refuses(project, podium, archive) -> Callable[[str], None]:
    """Download again, which must end in one line and change nothing, inside the project or out."""

    def run(says: str) -> None:
        before = snapshot(project.root), sorted(project.root.parent.iterdir())
        assert_one_line(podium("download", NAME), says)
        assert (snapshot(project.root), sorted(project.root.parent.iterdir())) == before

    return run


def put(archive: Path, folder: Path, **entries: bytes | None) -> None:
    """Pack the files anew, some in other words: ``train`` stands for train.csv; None leaves out."""
    changed = {f"{name}.csv": content for name, content in entries.items()}
    kept = {n: c for n, c in (packed(folder) | changed).items() if c is not None}
    write_zip(archive, kept)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (stat.S_IFLNK | 0o777, "train.csv: is a link; pack the file itself"),
        (stat.S_IFCHR | 0o666, "train.csv: is no plain file"),
        (stat.S_IFBLK | 0o666, "train.csv: is no plain file"),
        (stat.S_IFIFO | 0o666, "train.csv: is no plain file"),
        (stat.S_IFDIR | 0o755, "train.csv: is no plain file"),
    ],
)
def test_links_and_devices(mode, says, archive, refuses, house_files):
    put(archive, house_files, train=None)
    special(archive, "train.csv", mode, b"/etc/passwd")
    refuses(says)


@pytest.mark.parametrize("place", ["../../", "/tmp/", "C:\\", "a/../../", "..\\..\\"])
def test_no_path_from_inside_is_trusted(place, archive, project, podium, house_files):
    raw = snapshot(project.root / "data/raw")
    write_zip(archive, {f"{place}{name}": body for name, body in packed(house_files).items()})
    outside = set(project.root.parent.rglob("*.csv"))
    assert podium("download", NAME).code == 0
    assert snapshot(project.root / "data/raw") == raw
    assert set(project.root.parent.rglob("*.csv")) == outside
    assert not Path("/tmp/train.csv").exists()


def test_a_bomb(archive, refuses, house_files, monkeypatch):
    monkeypatch.setattr(zips, "HARMLESS_BYTES", 1024**2)
    put(archive, house_files, train=ZEROS)
    refuses("unpack to 3.0 MiB: this is a zip bomb, or damaged")


def test_what_packs_well_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "HARMLESS_BYTES", 1024)
    row = b"1,0,0,0,0,0,0,0,0,0\n"
    rows = b"".join(b"%d,0,0,0,%d\n" % (i, i * 7919 % 1000) for i in range(50_000))
    path = write_zip(tmp_path / "x.zip", {"train.csv": rows})
    extract(path, tmp_path, {"train.csv": "out.csv"})
    assert (tmp_path / "out.csv").read_bytes() == rows
    write_zip(path, {"train.csv": row * 50_000})
    with pytest.raises(PodiumError, match="zip bomb"):
        extract(path, tmp_path, {"train.csv": "out.csv"})


def test_a_small_bomb_does_no_harm(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"train.csv": ZEROS})
    extract(path, tmp_path, {"train.csv": "out.csv"})
    assert (tmp_path / "out.csv").read_bytes() == ZEROS


def test_a_bomb_that_says_it_is_small(archive, refuses, house_files):
    """What is written is bounded by what is said: the rest is not unpacked at all."""
    content = zip_bytes(packed(house_files) | {"train.csv": ZEROS})
    archive.write_bytes(patch(content, "train.csv", 24, struct.pack("<L", 1000)))
    refuses("not a whole zip (Bad CRC-32 for file 'train.csv')")


def test_an_entry_that_says_it_is_large(tmp_path):
    """Its size bounds what is written; whether it is whole, the checksum says."""
    table = b"Id,x\n1,2\n"
    content = zip_bytes({"train.csv": table})
    path = write_bytes(
        tmp_path / "x.zip", patch(content, "train.csv", 24, struct.pack("<L", 10**6))
    )
    extract(path, tmp_path, {"train.csv": "out.csv"})
    assert (tmp_path / "out.csv").read_bytes() == table


def test_entries_that_share_their_bytes(archive, refuses, monkeypatch):
    """What they unpack to is held against the size of the whole zip: sharing gains nothing."""
    monkeypatch.setattr(zips, "HARMLESS_BYTES", 1024)
    names = ["sample_submission.csv", "test.csv", "train.csv"]
    archive.write_bytes(overlapping(names, 10**5))
    with zipfile.ZipFile(archive) as spoilt:
        assert all(len(spoilt.read(name)) >= 10**5 for name in names)
        entries = spoilt.infolist()
    total, packed_size = (
        sum(getattr(e, k) for e in entries) for k in ("file_size", "compress_size")
    )
    monkeypatch.setattr(zips, "MAX_RATIO", total // archive.stat().st_size - 1)
    assert total > zips.MAX_RATIO * min(packed_size, archive.stat().st_size)
    refuses("this is a zip bomb")


def test_a_bomb_in_a_zip_inside(archive, refuses, house_files, monkeypatch):
    """Each layer alone packs to a harmless part: what counts is the outermost."""
    monkeypatch.setattr(zips, "HARMLESS_BYTES", 1024**2)
    inner = packed_badly("train.csv", 2 * len(ZEROS))
    assert len(inner) < zips.HARMLESS_BYTES
    assert 2 * len(ZEROS) < zips.MAX_RATIO * len(inner)
    extract_packed(write_bytes(archive.with_name("inner.zip"), inner), "train.csv", archive)
    assert archive.read_bytes() == 2 * ZEROS
    write_zip(archive, {n: c for n, c in packed(house_files).items() if n != "train.csv"})
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as outer:
        outer.writestr("train.csv.zip", inner)
    refuses("unpack to 6.0 MiB: this is a zip bomb")


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_too_large_for_the_disk(archive, refuses, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    refuses("has 1000 bytes free; make room")


def test_larger_than_any_competition(archive, refuses, house_files):
    content = patch(zip_bytes(packed(house_files)), "train.csv", 24, struct.pack("<L", 2**32 - 2))
    archive.write_bytes(content)
    refuses("zip bomb")


@pytest.mark.parametrize("name", ["Train.csv", "TRAIN.CSV", "sub/Train.csv"])
def test_of_names_that_differ_in_case_the_exact_one_is_taken(
    name, archive, project, podium, house_files
):
    raw = snapshot(project.root / "data/raw")
    write_zip(archive, packed(house_files) | {name: b"x"})
    assert podium("download", NAME).code == 0
    assert snapshot(project.root / "data/raw") == raw


def test_another_case_than_asked_for(archive, refuses, house_files):
    entries = packed(house_files)
    entries["Train.csv"] = entries.pop("train.csv")
    write_zip(archive, entries)
    refuses("train.csv: file is missing in the zip, which holds: Train.csv, sample_submission.csv")


def test_one_of_two_is_named_with_its_folder(archive, podium, project, house_files, refuses):
    files = packed(house_files)
    write_zip(archive, {f"new/{n}": c for n, c in files.items()} | {"old/train.csv": b"x"})
    refuses("is in the zip more than once: new/train.csv, old/train.csv; name one of them with its")

    def name_it(params):
        params[NAME]["source"]["files"] = {"train": "new/train.csv"}

    project.edit(name_it)
    assert podium("download", NAME).code == 0
    assert (project.root / f"data/raw/{NAME}/train.csv").read_bytes() == files["train.csv"]


def test_many_entries(archive, refuses):
    archive.write_bytes(many_entries(1000))
    refuses("file is missing in the zip")


@pytest.mark.parametrize("size", [10**5, 2**32 - 1])
def test_a_list_of_entries_that_claims_more_than_the_file_holds(
    size, archive, refuses, house_files
):
    content = zip_bytes(packed(house_files))
    archive.write_bytes(content[:-10] + struct.pack("<L", size) + content[-6:])
    refuses("not a whole zip (Bad offset for central directory)")


@pytest.mark.parametrize(
    ("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA"), (9, "Deflate64")]
)
def test_other_ways_to_pack(method, name, archive, refuses, house_files):
    content = zip_bytes(packed(house_files))
    archive.write_bytes(patch(content, "train.csv", 10, struct.pack("<H", method)))
    refuses(f"train.csv: is packed by {name}, which Podium doesn't read; unpack it with 7-Zip")


@pytest.mark.deep
def test_truncated_at_any_byte(tmp_path):
    """Either the file comes out as it was packed, or one line says that it can't."""
    table = b"Id,x\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(40))
    whole = zip_bytes({"train.csv": table, "b.csv": b"y"})
    path, came_out = tmp_path / "x.zip", []
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        try:
            extract(path, tmp_path, {"train.csv": "out.csv"})
            came_out.append(size)
        except DamagedZipError:
            continue
        assert (tmp_path / "out.csv").read_bytes() == table
    assert came_out == [len(whole)]


@pytest.mark.parametrize("name", ["", "/", ".", "..", "\\", "a//b"])
def test_entries_without_a_name(name, archive, project, podium, house_files):
    raw = snapshot(project.root / "data/raw")
    special(write_zip(archive, packed(house_files)), name, 0)
    assert podium("download", NAME).code == 0
    assert snapshot(project.root / "data/raw") == raw


# Where a table may lie: the name and what is there, from the table's own bytes.
PLACES: dict[str, Callable[[str, bytes], dict[str, bytes]]] = {
    "packed": lambda n, c: {f"{n}.csv.zip": zip_bytes({f"{n}.csv": c})},
    "packed, short name": lambda n, c: {f"{n}.zip": zip_bytes({f"{n}.csv": c})},
    "packed in a folder": lambda n, c: {f"{n}.zip": zip_bytes({f"home/me/{n}.csv": c})},
    "packed under another name": lambda n, c: {f"{n}.csv.zip": zip_bytes({f"{n}_v2.csv": c})},
    "packed on a Mac": lambda n, c: {
        f"{n}.csv.zip": zip_bytes({f"{n}.csv": c, f"__MACOSX/._{n}.csv": b"x"})
    },
}


def laid_out(folder: Path, place: str) -> dict[str, bytes]:
    files = [PLACES[place](name[:-4], content) for name, content in packed(folder).items()]
    return dict(itertools.chain.from_iterable(entries.items() for entries in files))


def fill(folder: Path, entries: dict[str, bytes]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in entries.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("outer", ["folder", "zip"])
def test_tables_packed_once_more(place, outer, archive, project, podium, house_files, tmp_path):
    raw = snapshot(project.root / "data/raw")
    entries = laid_out(house_files, place)
    if outer == "zip":
        write_zip(archive, entries)
    else:
        project.use_files(fill(tmp_path / "given", entries))
    assert podium("download", NAME).code == 0
    assert snapshot(project.root / "data/raw") == raw


def test_a_packed_table_named_as_such(archive, project, podium, house_files):
    raw = snapshot(project.root / "data/raw")
    entries = packed(house_files)
    entries["Train_2.zip"] = zip_bytes({"train_final.csv": entries.pop("train.csv")})
    write_zip(archive, entries)

    def name_it(params):
        params[NAME]["source"]["files"] = {"train": "Train_2.zip"}

    project.edit(name_it)
    assert podium("download", NAME).code == 0
    assert snapshot(project.root / "data/raw") == raw


# What is inside the zip of train.csv, and what the line says.
SPOILT_INSIDE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda c: zip_bytes({"train.csv": c})[:-30], "train.csv.zip: not a whole zip"),
    "no zip": (lambda c: c, "train.csv.zip: not a whole zip"),
    "a 7z": (lambda c: b"7z\xbc\xaf\x27\x1c" + c, "train.csv.zip: is a 7z archive, which Podium"),
    "two tables": (
        lambda c: zip_bytes({"a.csv": c, "b.csv": c}),
        "train.csv: file is missing in the zip, which holds: a.csv, b.csv",
    ),
    "a bomb": (
        lambda c: patch(zip_bytes({"train.csv": c}), "train.csv", 24, b"\xfe\xff\xff\xff"),
        "this is a zip bomb",
    ),
}


@pytest.mark.parametrize("case", SPOILT_INSIDE)
@pytest.mark.parametrize("outer", ["folder", "zip"])
def test_a_packed_table_that_is_spoilt(
    case, outer, archive, refuses, project, house_files, tmp_path
):
    spoil, says = SPOILT_INSIDE[case]
    entries = packed(house_files)
    entries["train.csv.zip"] = spoil(entries.pop("train.csv"))
    if outer == "zip":
        write_zip(archive, entries)
    else:
        project.use_files(fill(tmp_path / "given", entries))
    refuses(says)


@pytest.mark.parametrize("name", ["train.csv.7z", "train.7z", "train.rar", "Train.tar.gz"])
@pytest.mark.parametrize("outer", ["folder", "zip"])
def test_archives_that_podium_does_not_read(
    name, outer, archive, refuses, project, house_files, tmp_path
):
    entries = packed(house_files)
    entries[name] = entries.pop("train.csv")
    if outer == "zip":
        write_zip(archive, entries)
    else:
        project.use_files(fill(tmp_path / "given", entries))
    refuses(f"train.csv is packed in {name}, which Podium doesn't read; unpack it with 7-Zip, then")


def test_the_archive_itself_is_another(archive, refuses):
    archive.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    refuses("house.zip: is a 7z archive, which Podium doesn't read; unpack it with 7-Zip, then set")


@pytest.mark.parametrize("path", ["~no-such-user/x", "x" * 5000])
def test_no_such_place(path, archive, project, refuses):
    project.use_files(Path(path))
    refuses("no folder or zip at")


FIELDS = st.sampled_from(["train.csv", "test.csv", "a/train.csv", "train.csv.zip", "", "..", "T"])
ENTRIES = st.dictionaries(FIELDS, st.binary(max_size=60), max_size=5)
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4)


@pytest.mark.deep
@settings(max_examples=200, deadline=None, derandomize=True)
@given(entries=ENTRIES, changes=CHANGES, cut=st.integers(0, 60), noise=st.binary(max_size=60))
def test_any_bytes_are_an_archive_or_one_line(entries, changes, cut, noise, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    content = bytearray(zip_bytes(entries) + noise)[cut // 2 :]
    for at, value in changes if content else []:
        content[at % len(content)] = value
    spoilt = write_bytes(folder / "any.zip", bytes(content))
    before = {path.name for path in folder.iterdir()}
    line = ""
    try:
        extract(spoilt, folder, {"train.csv": "out.csv"})
    except PodiumError as error:
        line = str(error)
    assert {path.name for path in folder.iterdir()} - before <= {"out.csv"}
    assert line.isprintable()
    assert line or (folder / "out.csv").read_bytes() in entries.values()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(table=st.binary(max_size=3000), inside=st.booleans(), method=st.sampled_from([0, 8]))
def test_what_is_packed_comes_out(table, inside, method, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    entries = {"train.csv": table}
    entries = {"train.csv.zip": zip_bytes(entries, method)} if inside else entries
    extract(write_zip(folder / "round.zip", entries, method), folder, {"train.csv": "round.csv"})
    assert (folder / "round.csv").read_bytes() == table
