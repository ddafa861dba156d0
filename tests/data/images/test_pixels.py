"""Images as rows of a csv: what is read, and every way the rows can be wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bad_input import assert_one_line, change, drop, put, rewrite, snapshot
from image_projects import NAME, ImageProject
from podium.config import ImagePreprocess
from podium.data.images.pixels import image_shape, read_images, read_rows
from podium.io.errors import PodiumError
from projects import write_csv


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / name)


def test_rows_become_images_in_order(images: ImageProject, digit_files):
    raw = read_images(digit_files, images.competition)
    train = table(digit_files, "train.csv")
    assert raw.train.dtype == raw.test.dtype == np.uint8
    assert raw.train.shape == (12, 4, 4, 1)
    assert (raw.train.reshape(12, 16) == train.drop(columns="label")).all(axis=None)
    assert (raw.test.reshape(5, 16) == table(digit_files, "test.csv")).all(axis=None)
    assert list(raw.labels) == [str(label) for label in train["label"]]
    assert list(raw.train_ids) == [str(number) for number in range(1, 13)]
    assert list(raw.test_ids) == ["1", "2", "3", "4", "5"]


def test_a_column_of_ids_is_no_pixel(images, digit_files):
    change(digit_files, "train.csv", lambda t: t.assign(ImageId=range(50, 62)))
    change(digit_files, "test.csv", lambda t: t.assign(ImageId=["c", "a", "b", "e", "d"]))
    change(digit_files, "sample_submission.csv", lambda t: t.assign(ImageId=list("abcde")))
    raw = read_images(digit_files, images.competition)
    assert raw.train.shape == (12, 4, 4, 1)
    assert list(raw.train_ids) == [str(number) for number in range(50, 62)]
    assert list(raw.test_ids) == ["c", "a", "b", "e", "d"]


def test_row_numbers_may_start_at_0(images, digit_files):
    change(digit_files, "sample_submission.csv", lambda t: t.assign(ImageId=range(5)))
    assert list(read_rows(digit_files, images.competition).test_ids) == ["0", "1", "2", "3", "4"]


def test_the_order_of_columns_in_test_does_not_matter(images, digit_files):
    before = read_images(digit_files, images.competition).test
    change(digit_files, "test.csv", lambda t: t[t.columns[::-1]])
    assert (read_images(digit_files, images.competition).test == before).all()


def test_many_rows_in_many_blocks(images, digit_files, monkeypatch):
    whole = read_images(digit_files, images.competition)
    monkeypatch.setattr("podium.io.csv_files.MAX_LINE", 200)
    parts = read_images(digit_files, images.competition)
    assert (parts.train == whole.train).all()
    assert list(parts.labels) == list(whole.labels)


def test_quotes_a_byte_order_mark_and_windows_lines(images, digit_files):
    before = read_images(digit_files, images.competition)
    path = digit_files / "train.csv"
    quoted = path.read_text().replace("\n10,", '\n"10",').replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + quoted.encode())
    after = read_images(digit_files, images.competition)
    assert (after.train == before.train).all()
    assert list(after.labels) == list(before.labels)


@pytest.mark.parametrize(
    ("pixels", "keys", "shape"),
    [
        (784, {}, (28, 28, 1)),
        (784, {"size": [14, 14]}, (28, 28, 1)),
        (600, {"size": [20, 30]}, (20, 30, 1)),
        (36, {"size": [4, 9]}, (4, 9, 1)),
        (3072, {"channels": "rgb"}, (32, 32, 3)),
        (1800, {"channels": "rgb", "size": [20, 30]}, (20, 30, 3)),
    ],
)
def test_shapes(pixels, keys, shape):
    assert image_shape(pixels, ImagePreprocess(**keys)) == shape


@pytest.mark.parametrize(
    ("pixels", "keys", "says"),
    [
        (783, {}, r"783 pixel columns are not a square image \(27 x 27 is 729, 28 x 28 is 784\)"),
        (785, {}, "remove columns that aren't pixels, or set preprocess.size"),
        (3072, {}, "if the images have colours, set preprocess.channels to rgb"),
        (600, {"size": [20, 31]}, r"nor one of preprocess.size 20 x 31 \(620\)"),
        (784, {"channels": "rgb"}, "784 pixel columns are not a multiple of 3 channels"),
    ],
)
def test_no_shape(pixels, keys, says):
    with pytest.raises(PodiumError, match=says):
        image_shape(pixels, ImagePreprocess(**keys))


def test_colours_run_by_row_column_channel(images, digit_files):
    for name in ("train.csv", "test.csv"):
        keep = ["label", *(f"pixel{n}" for n in range(12))]
        change(digit_files, name, lambda t, keep=keep: t[[c for c in t.columns if c in keep]])
    images.preprocess(channels="rgb")
    first = read_images(digit_files, images.competition).train[0]
    row = table(digit_files, "train.csv").drop(columns="label").iloc[0].to_numpy()
    assert first.shape == (2, 2, 3)
    assert first[0, 1].tolist() == row[3:6].tolist()


def test_resized_on_request(images, digit_files):
    before = read_images(digit_files, images.competition)
    images.preprocess(size=[2, 2])
    after = read_images(digit_files, images.competition)
    assert after.train.shape == (12, 2, 2, 1)
    assert after.test.shape == (5, 2, 2, 1)
    means = [raw.train.mean(axis=(1, 2, 3)) for raw in (before, after)]
    assert np.abs(means[0] - means[1]).max() < 15


def test_more_images_than_memory(images, digit_files):
    images.preprocess(size=[4096, 4096])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("podium.data.images.resize.MAX_BYTES", 200 * 1024**2)
        with pytest.raises(PodiumError, match="17 images of 4096 x 4096 pixels take"):
            read_images(digit_files, images.competition)


def not_utf8(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"\n10,", b"\n1\xe9,", 1))


def ragged(folder: Path) -> None:
    with (folder / "train.csv").open("a") as file:
        file.write("1,2,3\n")


def header_alone(folder: Path) -> None:
    path = folder / "test.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")


def doubled(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"pixel7", b"pixel8", 1))


# What is done to the files, and what the line must say.
ERRORS = {
    "missing file": (lambda f: (f / "test.csv").unlink(), "test.csv: file is missing"),
    "empty file": (rewrite("train.csv", b""), "train.csv: file is empty"),
    "header alone": (header_alone, "test.csv: has a header and no rows"),
    "Excel": (rewrite("train.csv", b"PK\x03\x04xl"), "this is an Excel file or a zip"),
    "too bright": (
        put("train.csv", 3, "pixel2", "256"),
        "train.csv:5: pixel2 '256' is not a whole",
    ),
    "negative": (put("test.csv", 0, "pixel0", "-1"), "test.csv:2: pixel0 '-1' is not a whole"),
    "a fraction": (
        put("train.csv", 0, "pixel9", "0.5"),
        "pixel9 '0.5' is not a whole number from 0",
    ),
    "no number": (
        put("train.csv", 0, "pixel9", "dark"),
        "'dark' is not a whole number from 0 to 2",
    ),
    "missing pixel": (put("train.csv", 11, "pixel15", ""), "train.csv:13: pixel15 is missing"),
    "missing label": (put("train.csv", 1, "label", ""), "train.csv:3: label is missing"),
    "pixels differ": (
        drop("test.csv", "pixel3"),
        "test.csv: lacks columns that train.csv has: pix",
    ),
    "more pixels in test": (
        drop("train.csv", "pixel3"),
        "test.csv: has columns that train.csv lac",
    ),
    "ragged rows": (ragged, "train.csv:14: not a csv: 3 values under 17"),
    "doubled column": (doubled, "train.csv:1: duplicate column 'pixel8'"),
    "not UTF-8": (not_utf8, "train.csv:2: not a csv: byte 0xe9 is not UTF-8"),
    "no target": (drop("train.csv", "label"), "train.csv: no target column 'label'"),
    "one class": (
        lambda f: change(f, "train.csv", lambda t: t.assign(label="1")),
        "label has 1 classes (1), which does not fit task 'multiclass'",
    ),
    "no pixels": (
        lambda f: [change(f, n, lambda t: t.iloc[:, :1].assign(ImageId="1")) for n in TABLES],
        "train.csv: has no pixel columns",
    ),
    "sample of other rows": (
        put("sample_submission.csv", 0, "ImageId", "9"),
        "its ids are not the row numbers of test.csv (5 rows, 5 ids), for example 1",
    ),
    "sample of other ids": (
        lambda f: change(f, "test.csv", lambda t: t.assign(ImageId=list("abcde"))),
        "its ids are not those of test.csv",
    ),
    "sample without id": (
        lambda f: change(f, "sample_submission.csv", lambda t: t[["Label", "ImageId"]]),
        "the first column is 'Label', expected the id 'ImageId'",
    ),
    "doubled ids": (
        lambda f: change(f, "train.csv", lambda t: t.assign(ImageId="7")),
        "train.csv:3: duplicate ImageId 7",
    ),
}
TABLES = ("train.csv", "test.csv")


@pytest.mark.parametrize("case", ERRORS)
def test_download_refuses(case, images: ImageProject, podium, digit_files: Path, stages):
    spoil, says = ERRORS[case]
    images.use(digit_files)
    stages("download")
    before = snapshot(images.root / "data")
    spoil(digit_files)
    assert_one_line(podium("download", NAME), says)
    assert snapshot(images.root / "data") == before


def test_preprocess_refuses_a_wrong_pixel_count(images, podium, digit_files, stages):
    images.use(digit_files)
    stages("download", "preprocess")
    before = snapshot(images.root / "data/processed")
    for name in TABLES:
        drop(name, "pixel3")(digit_files)
    stages("download")
    assert_one_line(podium("preprocess", NAME), "15 pixel columns are not a square image")
    assert snapshot(images.root / "data/processed") == before


def test_labels_that_the_sample_submission_does_not_ask_for(images, podium, digit_files):
    sample = pd.DataFrame({"ImageId": range(1, 6), "0": 0.5, "2": 0.5})
    write_csv(sample, digit_files / "sample_submission.csv")
    images.edit(metric="logloss")
    images.use(digit_files)
    outcome = podium("download", NAME)
    says = "no column is class '10' of label; each class needs one of its columns (0, 2)"
    assert_one_line(outcome, says)


def test_a_class_without_an_image(images, podium, digit_files):
    sample = pd.DataFrame({"ImageId": range(1, 6), **dict.fromkeys(["0", "2", "10", "11"], 0.25)})
    write_csv(sample, digit_files / "sample_submission.csv")
    images.edit(metric="logloss")
    images.use(digit_files)
    outcome = podium("download", NAME)
    assert_one_line(outcome, "sample_submission.csv: column '11' is not a class of label")


def test_more_folds_than_images_of_a_class(images, podium, digit_files, stages):
    images.use(digit_files)
    images.project.edit(lambda params: params[NAME]["folds"].update(count=5))
    stages("download")
    assert_one_line(podium("preprocess", NAME), "only 4 rows in the smallest class")
