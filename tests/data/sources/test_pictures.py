"""Image files out of folders and zips of every shape: the same raw files, or one clear line."""

import io
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from podium.config.schema import Files
from podium.data.sources.raw_files import from_folder, from_zip
from podium.io import zips
from podium.io.errors import PodiumError

IN_FOLDERS = Files(train="train", test="test", labels="labels.csv")
IN_ZIPS = Files(train="train.zip", test="test.zip", labels="labels.csv")
TABLES = {"labels.csv": b"id,label\n1,cat\n", "sample_submission.csv": b"id,label\n2,cat\n"}
IMAGES = {
    "train/1.png": b"one",
    "train/10.PNG": b"ten",
    "train/deep/2.jpg": b"two",
    "test/2.jpeg": b"other two",
}
ENTRIES = TABLES | IMAGES
# What is stored of them.
PACKED = {"train.zip": ["1.png", "10.PNG", "2.jpg"], "test.zip": ["2.jpeg"]}


def zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def in_folder(tmp_path: Path, entries: dict[str, bytes]) -> Path:
    folder = tmp_path / "given"
    for name, content in entries.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def in_zip(tmp_path: Path, entries: dict[str, bytes]) -> Path:
    path = tmp_path / "given.zip"
    path.write_bytes(zipped(entries))
    return path


def nested() -> dict[str, bytes]:
    parts = {
        f"{part}.zip": zipped({n: content for n, content in IMAGES.items() if n.startswith(part)})
        for part in ("train", "test")
    }
    return TABLES | parts


def below(folder: str, entries: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in entries.items()}


def backslashes(entries: dict[str, bytes]) -> dict[str, bytes]:
    return {name.replace("/", "\\"): content for name, content in entries.items()}


def raw_files(tmp_path: Path, given: Path, files: Files) -> Path:
    raw = tmp_path / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir()
    (from_folder if given.is_dir() else from_zip)(given, raw, files)
    return raw


SHAPES: dict[str, tuple[Callable[[Path], Path], Files]] = {
    "folders in a folder": (lambda tmp: in_folder(tmp, ENTRIES), IN_FOLDERS),
    "zips in a folder": (lambda tmp: in_folder(tmp, nested()), IN_ZIPS),
    "folders in a zip": (lambda tmp: in_zip(tmp, ENTRIES), IN_FOLDERS),
    "zips in a zip": (lambda tmp: in_zip(tmp, nested()), IN_ZIPS),
    "folders deeper in a zip": (lambda tmp: in_zip(tmp, below("data", ENTRIES)), IN_FOLDERS),
    "folders from here in a zip": (lambda tmp: in_zip(tmp, below(".", ENTRIES)), IN_FOLDERS),
    "zips deeper in a zip": (lambda tmp: in_zip(tmp, below("data", nested())), IN_ZIPS),
    "packed on Windows": (lambda tmp: in_zip(tmp, backslashes(ENTRIES)), IN_FOLDERS),
    "a folder twice": (
        lambda tmp: in_zip(tmp, TABLES | below("train", IMAGES) | below("test", IMAGES)),
        Files(train="train/train", test="test/test", labels="labels.csv"),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_raw_files(shape, tmp_path):
    make, files = SHAPES[shape]
    raw = raw_files(tmp_path, make(tmp_path), files)
    plain = tmp_path / "plain"
    plain.mkdir()
    from_folder(in_folder(plain, ENTRIES), plain, IN_FOLDERS)
    assert {path.name for path in raw.iterdir()} == {*TABLES, *PACKED}
    for path in raw.iterdir():
        assert path.read_bytes() == (plain / path.name).read_bytes()


def test_what_is_stored(tmp_path):
    raw = raw_files(tmp_path, in_zip(tmp_path, ENTRIES), IN_FOLDERS)
    for name, images in PACKED.items():
        with zipfile.ZipFile(raw / name) as archive:
            assert archive.namelist() == images
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    with zipfile.ZipFile(raw / "train.zip") as archive:
        assert [archive.read(name) for name in PACKED["train.zip"]] == [b"one", b"ten", b"two"]


@pytest.mark.parametrize("make", [in_folder, in_zip])
def test_what_systems_leave_and_readmes_are_no_images(make, tmp_path):
    clutter = dict.fromkeys(
        ["train/.DS_Store", "train/__MACOSX/1.png", "train/._1.png", "train/Thumbs.db",
         "train/readme.txt", "train/.hidden/3.png", "test/list.csv"],
        b"clutter",
    )  # fmt: skip
    raw = raw_files(tmp_path, make(tmp_path, clutter | ENTRIES), IN_FOLDERS)
    for name, images in PACKED.items():
        with zipfile.ZipFile(raw / name) as archive:
            assert archive.namelist() == images


def test_names_that_point_elsewhere_are_names_alone(tmp_path):
    entries = TABLES | {
        "../../train/1.png": b"x",
        "/etc/train/2.png": b"y",
        "train/../3.png": b"z",
        "test/1.png": b"t",
    }
    work = tmp_path / "a/b"
    work.mkdir(parents=True)
    raw = raw_files(work, in_zip(work, entries), IN_FOLDERS)
    assert {path.name for path in (tmp_path / "a").rglob("*") if path.is_file()} == {
        "given.zip", "train.zip", "test.zip", *TABLES,
    }  # fmt: skip
    with zipfile.ZipFile(raw / "train.zip") as archive:
        assert archive.namelist() == ["1.png", "2.png", "3.png"]


SPOILT: dict[str, tuple[dict[str, bytes], Files, str]] = {
    "no such folder": (TABLES, IN_FOLDERS, r"no folder or zip 'train' of images; found: "),
    "7z in its place": (
        TABLES | {"train.7z": b"7z"},
        IN_FOLDERS,
        "train.7z is an archive that Podium doesn't read: unpack it, set source.provider to local",
    ),
    "7z": (
        TABLES | {"train.7z": b"7z"},
        Files(train="train.7z", test="test.7z", labels="labels.csv"),
        r"train\.7z is an archive .* set source\.files\.train to the folder",
    ),
    "the same name twice": (
        ENTRIES | {"train/other/1.png": b"another"},
        IN_FOLDERS,
        r"two images have the name 1\.png: .*1\.png and .*1\.png; names must be unique",
    ),
    "nothing inside": (
        TABLES | {"train/readme.txt": b"x"},
        IN_FOLDERS,
        r"none of the 1 files is an image \(\.png, \.jpg, \.jpeg\)",
    ),
    "another format": (
        ENTRIES | {"train/3.bmp": b"x"},
        IN_FOLDERS,
        r"3\.bmp is neither PNG nor JPEG; convert such files",
    ),
    "a spoilt zip": (TABLES | {"train.zip": b"PK?"}, IN_ZIPS, r"train\.zip: not a whole zip"),
    "a zip cut off": (
        nested() | {"train.zip": nested()["train.zip"][:-30]},
        IN_ZIPS,
        r"train\.zip: not a whole zip",
    ),
}


@pytest.mark.parametrize("make", [in_folder, in_zip])
@pytest.mark.parametrize("case", SPOILT)
def test_one_line_for_what_is_wrong(case, make, tmp_path):
    entries, files, says = SPOILT[case]
    given = make(tmp_path, entries)
    with pytest.raises(PodiumError, match=says) as caught:
        raw_files(tmp_path, given, files)
    assert "\n" not in str(caught.value)
    assert "given" in str(caught.value)


def test_a_link_is_refused(tmp_path):
    entry = zipfile.ZipInfo("train/3.png")
    entry.external_attr = 0o120777 << 16
    given = in_zip(tmp_path, ENTRIES)
    with zipfile.ZipFile(given, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(PodiumError, match="3.png: is a link; pack the file itself"):
        raw_files(tmp_path, given, IN_FOLDERS)


@pytest.mark.parametrize("name", ["train/1.png", "labels.csv"])
def test_an_encrypted_entry_is_refused(name, tmp_path):
    given = in_zip(tmp_path, ENTRIES)
    content = bytearray(given.read_bytes())
    with zipfile.ZipFile(given) as archive:
        offset = archive.getinfo(name).header_offset
        directory = content.index(b"PK\x01\x02", archive.start_dir)
    while content[directory + 46 :].find(name.encode()) != 0:
        directory = content.index(b"PK\x01\x02", directory + 1)
    for flags in (offset + 6, directory + 8):
        struct.pack_into("<H", content, flags, 1)
    given.write_bytes(content)
    with pytest.raises(PodiumError, match=f"{name}: is encrypted; unpack it with its password"):
        raw_files(tmp_path, given, IN_FOLDERS)


def test_an_image_too_large_to_be_one(tmp_path, monkeypatch):
    monkeypatch.setattr("podium.data.sources.pictures.MAX_IMAGE_BYTES", 4)
    with pytest.raises(PodiumError, match="test/2.jpeg: unpacks to 9 bytes, which is too big"):
        raw_files(tmp_path, in_zip(tmp_path, ENTRIES), IN_FOLDERS)


def test_a_damaged_entry_is_no_whole_zip(tmp_path):
    given = in_zip(tmp_path, ENTRIES)
    content = given.read_bytes()
    with zipfile.ZipFile(given) as archive:
        offset = archive.getinfo("train/1.png").header_offset
    start = offset + 30 + len("train/1.png")
    given.write_bytes(content[:start] + b"\xff" + content[start + 1 :])
    with pytest.raises(PodiumError, match=r"given\.zip: not a whole zip"):
        raw_files(tmp_path, given, IN_FOLDERS)


def test_a_csv_that_is_missing(tmp_path):
    entries = {name: content for name, content in ENTRIES.items() if name != "labels.csv"}
    with pytest.raises(
        PodiumError, match=r"labels\.csv: file is missing; put it there or set its name"
    ):
        raw_files(tmp_path, in_folder(tmp_path, entries), IN_FOLDERS)


@pytest.mark.parametrize("shape", ["folders in a zip", "zips in a zip", "zips in a folder"])
def test_a_bomb_of_images(shape, tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "HARMLESS_BYTES", 1024**2)
    monkeypatch.setitem(ENTRIES, "train/3.png", bytes(2 * 1024**2))
    monkeypatch.setitem(IMAGES, "train/3.png", bytes(2 * 1024**2))
    make, files = SHAPES[shape]
    given = make(tmp_path)
    with pytest.raises(PodiumError, match="unpack to 2.0 MiB: this is a zip bomb"):
        raw_files(tmp_path, given, files)
    assert not (tmp_path / "raw/train.zip").exists()


@pytest.mark.parametrize("make", [in_folder, in_zip])
def test_no_more_than_the_disk_holds(make, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=8))
    given = make(tmp_path, nested())
    with pytest.raises(PodiumError, match=r"unpacks to \d+ bytes, but the disk of .* 8 bytes free"):
        raw_files(tmp_path, given, IN_ZIPS)


def test_what_is_no_file_in_a_folder(tmp_path):
    given = in_folder(tmp_path, ENTRIES)
    os.mkfifo(given / "train/99.png")
    with pytest.raises(PodiumError, match=r"99\.png: is not a regular file; remove it"):
        raw_files(tmp_path, given, IN_FOLDERS)


def test_a_file_too_large_to_be_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr("podium.data.sources.pictures.MAX_IMAGE_BYTES", 8)
    with pytest.raises(PodiumError, match=r"2\.jpeg: has 9 bytes, which is too large for an image"):
        raw_files(tmp_path, in_folder(tmp_path, ENTRIES), IN_FOLDERS)
