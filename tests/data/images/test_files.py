"""Images as files: what is read of each kind, and every way files and lists can be wrong."""

import shutil
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bad_input import assert_one_line, change, drop, put, snapshot
from image_projects import CLASSES, FILES, HEIGHT, NAME, WIDTH, ImageProject, pixels_of
from podium.data.images.decode import DamagedImageError, bombs_are_errors, decode, read_header
from podium.data.images.prepare import read_raw
from podium.data.images.raw import RawImages
from projects import write_csv

SIZE = (HEIGHT, WIDTH)


@pytest.fixture
def read(images: ImageProject, picture_files, stages) -> Callable[..., RawImages]:
    """Download the files as they are now, and read them."""

    def run(**keys: Any) -> RawImages:
        images.use(picture_files, FILES)
        images.preprocess(**keys)
        stages("download")
        return read_raw(images.root / "data/raw" / NAME, images.competition)

    return run


def save(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of 60 bytes that says it is so many pixels wide and high."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def test_rows_are_those_of_the_csv_files(read):
    raw = read()
    assert raw.train.dtype == raw.test.dtype == np.uint8
    assert raw.train.shape == (12, HEIGHT, WIDTH, 3)
    assert list(raw.train_ids) == [str(key) for key in range(1, 13)]
    assert list(raw.labels) == CLASSES * 4
    assert list(raw.test_ids) == ["3", "1", "4", "2"]
    for row, key in enumerate(raw.train_ids):
        assert (raw.train[row] == pixels_of(int(key))).all()
    for row, key in enumerate(raw.test_ids):
        assert (raw.test[row] == pixels_of(100 + int(key))).all()


def test_rows_of_the_csv_in_another_order(read, picture_files):
    change(picture_files, "trainLabels.csv", lambda table: table[::-1])
    raw = read()
    assert list(raw.train_ids) == [str(key) for key in range(12, 0, -1)]
    assert (raw.train[0] == pixels_of(12)).all()


def test_ids_may_be_whole_file_names(read, picture_files):
    for name in ("trainLabels.csv", "sampleSubmission.csv"):
        change(picture_files, name, lambda table: table.assign(id=table["id"] + ".png"))
    raw = read()
    assert list(raw.test_ids) == ["3.png", "1.png", "4.png", "2.png"]
    assert (raw.test[1] == pixels_of(101)).all()


def test_jpeg_and_png_side_by_side(read, picture_files):
    smooth = np.full((HEIGHT, WIDTH, 3), (200, 100, 50), dtype=np.uint8)
    (picture_files / "train/2.png").unlink()
    Image.fromarray(smooth).save(picture_files / "train/2.JPG", "JPEG", quality=95)
    raw = read()
    assert np.abs(raw.train[1].astype(int) - smooth).max() < 4
    assert (raw.train[2] == pixels_of(3)).all()


def grey_files(folder: Path) -> None:
    for part in ("train", "test"):
        for path in (folder / part).iterdir():
            Image.open(path).convert("L").save(path)


@pytest.mark.parametrize(
    ("one_colour", "channels", "found"),
    [(False, "auto", 1), (True, "auto", 3), (True, "grey", 1), (False, "rgb", 3)],
)
def test_channels(one_colour, channels, found, read, picture_files):
    grey_files(picture_files)
    if one_colour:
        Image.fromarray(pixels_of(5)).save(picture_files / "train/5.png")
    raw = read(channels=channels)
    assert raw.train.shape[-1] == raw.test.shape[-1] == found
    as_grey = np.asarray(Image.fromarray(pixels_of(1)).convert("L"))
    assert (raw.train[0] == as_grey[:, :, None]).all()


def test_resized_on_request(read, picture_files):
    Image.fromarray(np.full((40, 9, 3), 77, dtype=np.uint8)).save(picture_files / "train/4.png")
    raw = read(size=[8, 7])
    assert raw.train.shape == (12, 8, 7, 3)
    assert raw.test.shape == (4, 8, 7, 3)
    assert (raw.train[3] == 77).all()


GREY = pixels_of(1, channels=1)
KEY = int(GREY[0, 0])
COLOUR = pixels_of(1)
LUMINANCE = np.rint(COLOUR @ np.array([0.299, 0.587, 0.114]))
ALPHA = np.array([[255, 0, 255, 0, 255]] * HEIGHT, dtype=np.uint8)


@pytest.mark.parametrize(
    ("content", "channels", "expected"),
    [
        (save(Image.fromarray(GREY)), 1, GREY),
        (save(Image.fromarray(GREY)), 3, np.stack([GREY] * 3, axis=-1)),
        (save(Image.fromarray(COLOUR)), 3, COLOUR),
        (save(Image.fromarray(COLOUR)), 1, LUMINANCE),
        (save(Image.fromarray(GREY.astype(np.uint16) * 257)), 1, GREY),
        (save(Image.fromarray(GREY > 127)), 1, (GREY > 127) * 255),
        (save(Image.fromarray(np.dstack([COLOUR, ALPHA]))), 3, COLOUR * (ALPHA > 0)[:, :, None]),
        (save(Image.fromarray(np.dstack([GREY, ALPHA]), "LA")), 1, GREY * (ALPHA > 0)),
        (save(Image.fromarray(GREY).convert("P")), 3, np.stack([GREY] * 3, axis=-1)),
        (save(Image.fromarray(GREY), transparency=KEY), 1, GREY * (GREY != KEY)),
        (save(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=100), 3, None),
    ],
    ids=[
        "grey", "grey to RGB", "RGB", "RGB to grey", "16 bits", "1 bit", "RGBA", "grey and alpha",
        "palette", "one transparent grey", "CMYK",
    ],
)  # fmt: skip
def test_every_mode(content, channels, expected):
    found = decode(content, channels, SIZE)
    assert found.shape == (*SIZE, channels)
    assert found.dtype == np.uint8
    if expected is not None:
        assert np.abs(found.astype(int) - np.reshape(expected, found.shape)).max() <= 1


def test_the_note_that_a_picture_lies_on_its_side_is_not_followed():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = save(Image.fromarray(COLOUR), exif=exif)
    assert (decode(content, 3, SIZE) == COLOUR).all()
    header = read_header(content)
    assert (header.height, header.width) == SIZE


def many_scans(count: int) -> bytes:
    """A progressive JPEG that is drawn over and over without anything new."""
    whole = save(Image.fromarray(COLOUR), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    scan = whole[last : last + 2 + int.from_bytes(whole[last + 2 : last + 4], "big")]
    return whole[:last] + scan * count + whole[last:]


PNG = save(Image.fromarray(COLOUR))
DAMAGED = {
    "cut off": (PNG[:-40], "1.png is damaged: "),
    "text": (b"not an image", "1.png is damaged: not a PNG or JPEG"),
    "empty": (b"", "1.png is damaged: not a PNG or JPEG"),
    "another format": (save(Image.fromarray(COLOUR), "GIF"), "not a PNG or JPEG"),
    "a cut JPEG": (save(Image.fromarray(COLOUR), "JPEG")[:-30], "1.png is damaged: "),
    "a bomb": (bomb(100_000), "1.png is damaged: claims more pixels than any real image"),
    "a small bomb": (bomb(10_000), "1.png is damaged: claims more pixels than any real image"),
    "header alone": (PNG[:33], "1.png is damaged: "),
    "a web page": (b"<!doctype html><title>Sign in</title>", "not a PNG or JPEG"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG or JPEG"),
    "too many scans": (many_scans(1000), "has more scans than any real image"),
}


@pytest.mark.deep
@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_damaged_file_is_named(part, case, images: ImageProject, podium, picture_files, stages):
    content, says = DAMAGED[case]
    images.use(picture_files, FILES)
    stages("download", "preprocess")
    before = snapshot(images.root / "data/processed")
    (picture_files / part / "1.png").write_bytes(content)
    stages("download")
    outcome = podium("preprocess", NAME)
    assert_one_line(outcome, f"{part}.zip: ")
    assert_one_line(outcome, says)
    again = f"fix it at the source and run 'dvc repro -f download@{NAME}'"
    assert_one_line(outcome, f"(1 such files found); {again}, or set preprocess.damaged to skip")
    assert snapshot(images.root / "data/processed") == before


@pytest.mark.deep
@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_skipped_on_request(case, read, picture_files):
    for path in ("train/5.png", "train/2.png", "test/1.png"):
        (picture_files / path).write_bytes(DAMAGED[case][0])
    raw = read(damaged="skip")
    assert raw.skipped == ["2.png", "5.png"]
    assert raw.blank == ["1.png"]
    kept = [key for key in range(1, 13) if key not in (2, 5)]
    assert list(raw.train_ids) == [str(key) for key in kept]
    assert list(raw.labels) == [(CLASSES * 4)[key - 1] for key in kept]
    for row, key in enumerate(kept):
        assert (raw.train[row] == pixels_of(key)).all()
    assert raw.test[1].max() == 0
    assert (raw.test[2] == pixels_of(104)).all()


def test_skipped_files_are_reported(images, picture_files, stages):
    images.use(picture_files, FILES)
    images.preprocess(damaged="skip")
    for path in ("train/5.png", "test/1.png"):
        (picture_files / path).write_bytes(b"x")
    out = stages("download", "preprocess")[-1].out
    assert "1 damaged training files left out" in out
    assert "1 damaged test files predicted from a black image" in out
    summary = pd.read_csv(images.root / f"data/processed/{NAME}/summary.csv", index_col="fact")
    assert summary["value"]["damaged training files, left out"] == "1: 5.png"
    assert summary["value"]["damaged test files, predicted from a black image"] == "1: 1.png"


def test_nothing_is_left_to_skip_to(images, podium, picture_files, stages):
    images.use(picture_files, FILES)
    images.preprocess(damaged="skip")
    for path in (picture_files / "train").iterdir():
        path.write_bytes(b"x")
    stages("download")
    says = "train.zip: 1.png is damaged: not a PNG or JPEG (12 such files found); no other is"
    assert_one_line(podium("preprocess", NAME), says)


def test_a_damaged_file_is_an_error_of_decoding():
    with pytest.raises(DamagedImageError):
        decode(PNG[:-40], 3, SIZE)


def test_a_file_is_what_its_bytes_say_and_not_its_name():
    assert (decode(save(Image.fromarray(GREY), "JPEG", quality=100), 1, SIZE)[..., 0] != 0).any()


def test_a_picture_in_some_scans_is_read():
    assert decode(many_scans(20), 3, SIZE).shape == (*SIZE, 3)


def test_of_an_animation_the_first_picture_counts():
    first, second = Image.fromarray(COLOUR), Image.fromarray(pixels_of(2))
    moving = save(first, save_all=True, append_images=[second])
    assert moving.count(b"fdAT") == 1
    assert (decode(moving, 3, SIZE) == COLOUR).all()


def test_nothing_is_warned_of(recwarn):
    """A broken animation, and bombs."""
    first = Image.fromarray(COLOUR)
    moving = save(first, save_all=True, append_images=[Image.fromarray(pixels_of(2))])
    at = moving.index(b"acTL")
    chunk = b"acTL" + bytes(8)
    broken = moving[:at] + chunk + struct.pack(">I", zlib.crc32(chunk)) + moving[at + 16 :]
    with pytest.warns(UserWarning, match="Invalid APNG"):
        read_header(broken)
    recwarn.clear()
    with bombs_are_errors():
        assert (decode(broken, 3, SIZE) == COLOUR).all()
    for side in (10_000, 100_000):
        with bombs_are_errors(), pytest.raises(DamagedImageError, match="more pixels than any"):
            read_header(bomb(side))
    assert not recwarn.list


PIXELS = st.integers(0, 255)


@pytest.mark.deep
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    base=st.sampled_from([PNG, save(Image.fromarray(COLOUR), "JPEG"), bomb(9), b""]),
    cut=st.integers(0, 300),
    changes=st.lists(st.tuples(st.integers(0, 10**4), PIXELS), max_size=6),
)
def test_any_bytes_are_an_image_or_damaged(base, cut, changes):
    content = bytearray(base[: len(base) - cut] if cut < len(base) else b"")
    for at, value in changes:
        if content:
            content[at % len(content)] = value
    try:
        with bombs_are_errors():
            found = decode(bytes(content), 3, SIZE)
    except DamagedImageError as error:
        line = str(error)
    else:
        line = f"{found.shape}"
        assert found.shape == (*SIZE, 3)
    assert line
    assert "\n" not in line


def resized(folder: Path, name: str) -> None:
    Image.open(folder / name).resize((WIDTH, HEIGHT + 1)).save(folder / name)


@pytest.mark.parametrize("name", ["train/1.png", "train/7.png", "test/4.png"])
def test_images_of_two_sizes(name, images, podium, picture_files, stages):
    images.use(picture_files, FILES)
    resized(picture_files, name)
    stages("download")
    part, file = name.split("/")
    outcome = podium("preprocess", NAME)
    assert_one_line(outcome, f"{part}.zip: {file} is 7 x 5 pixels (height x width), others are 6 x")
    assert_one_line(outcome, "set preprocess.size to [height, width]")


def test_more_images_than_memory(images, podium, picture_files, stages, monkeypatch):
    images.use(picture_files, FILES)
    images.preprocess(size=[4096, 4096])
    stages("download")
    monkeypatch.setattr("podium.data.images.resize.MAX_BYTES", 500 * 1024**2)
    assert_one_line(podium("preprocess", NAME), "16 images of 4096 x 4096 pixels take 1 GiB of mem")


LABELS, SAMPLE = "trainLabels.csv", "sampleSubmission.csv"


def two_suffixes(folder: Path) -> None:
    shutil.copyfile(folder / "train/3.png", folder / "train/3.jpg")


# What is done to the files, and what the line must say.
ERRORS = {
    "image missing": (
        lambda f: (f / "train/6.png").unlink(),
        "labels.csv:7: id '6' has no image in train.zip (1 such rows)",
    ),
    "test image missing": (
        lambda f: (f / "test/4.png").unlink(),
        "sample_submission.csv:4: id '4' has no image in test.zip",
    ),
    "extra image": (
        lambda f: [(f / f"train/{key}.png").write_bytes(PNG) for key in (98, 99)],
        "train.zip: image 98.png has no row in labels.csv (2 such images)",
    ),
    "extra test image": (
        lambda f: (f / "test/99.png").write_bytes(PNG),
        "test.zip: image 99.png has no row in sample_submission.csv (1 such images)",
    ),
    "either of two files": (two_suffixes, "train.zip: id '3' matches both 3."),
    "two ids of one file": (
        put(LABELS, 5, "id", "1.png"),
        "labels.csv:7: id '1.png' names the image of another row in train.zip",
    ),
    "doubled id": (put(LABELS, 5, "id", "1"), "labels.csv:7: duplicate id 1"),
    "missing id": (put(LABELS, 5, "id", ""), "labels.csv:7: id is missing"),
    "missing label": (put(LABELS, 1, "label", ""), "labels.csv:3: label is missing"),
    "no id column": (drop(LABELS, "id"), "labels.csv: not a csv: the first line holds no comma"),
    "no label column": (
        lambda f: change(f, LABELS, lambda table: table.rename(columns={"label": "labels"})),
        "labels.csv: no target column 'label'; did you mean 'labels'?; set digit-recognizer.target",
    ),
    "sample of other columns": (
        lambda f: change(f, SAMPLE, lambda table: table[["label", "id"]]),
        "sample_submission.csv: the first column is 'label', expected the id 'id'",
    ),
    "labels missing": (lambda f: (f / LABELS).unlink(), "trainLabels.csv: file is missing"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_download_refuses(case, images, podium, picture_files, stages):
    spoil, says = ERRORS[case]
    images.use(picture_files, FILES)
    stages("download")
    before = snapshot(images.root / "data")
    spoil(picture_files)
    assert_one_line(podium("download", NAME), says)
    assert snapshot(images.root / "data") == before


def test_labels_that_the_sample_submission_does_not_ask_for(images, podium, picture_files):
    sample = pd.DataFrame({"id": [1, 2, 3, 4], "bird": 0.5, "cat": 0.5})
    write_csv(sample, picture_files / SAMPLE)
    images.edit(metric="logloss")
    images.use(picture_files, FILES)
    says = "no column is class 'frog' of label; each class needs one of its columns (bird, cat)"
    assert_one_line(podium("download", NAME), says)


def test_the_raw_zip_is_spoilt(images, podium, picture_files, stages):
    images.use(picture_files, FILES)
    stages("download")
    archive = images.root / f"data/raw/{NAME}/train.zip"
    archive.write_bytes(archive.read_bytes()[:-100])
    assert_one_line(podium("preprocess", NAME), "train.zip: not a whole zip")
