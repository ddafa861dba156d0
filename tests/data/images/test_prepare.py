"""The preprocess stage on images: what it writes, says, and finds."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from bad_input import snapshot
from image_projects import FILES, NAME, ImageProject
from podium.data import kinds
from podium.data.images.dataset import read_dataset
from projects import write_csv


def facts(images: ImageProject) -> dict[str, str]:
    path = images.root / f"data/processed/{NAME}/summary.csv"
    return pd.read_csv(path, index_col="fact", dtype=str)["value"].to_dict()


def duplicates(images: ImageProject) -> pd.DataFrame:
    return pd.read_csv(images.root / f"data/processed/{NAME}/duplicates.csv", dtype=str)


def test_the_sample_of_digits(images: ImageProject, stages):
    out = stages("download", "preprocess")[-1].out
    assert "8 x 8 grey, 10 classes, 5 folds of 288 images" in out
    data = kinds.of(images.competition).read(images.root / "data/processed" / NAME)
    assert data.train.shape == (1437, 8, 8, 1)
    assert data.test.shape == (360, 8, 8, 1)
    assert data.schema.classes == [str(digit) for digit in range(10)]
    assert list(data.test_ids) == [str(number) for number in range(1, 361)]
    raw = pd.read_csv(images.root / f"data/raw/{NAME}/train.csv")
    assert (data.y == raw["label"]).all()
    for split in data.splits:
        counts = np.bincount(data.y[split.valid_rows].astype(int))
        assert counts.min() >= 27
        assert counts.max() - counts.min() <= 3


def test_images_in_time_and_by_a_file_of_folds(images, picture_files, stages):
    """A fold's mean and deviation are of the images that it trains on, and of no others."""
    images.use(picture_files, FILES)
    images.edit(folds={"scheme": "time", "count": 2, "gap": 1})
    out = stages("download", "preprocess")[-1].out
    assert "2 folds of 4 images, 4 rows are never validated" in out
    data = read_dataset(images.root / "data/processed" / NAME)
    first, second = data.splits
    assert first.train_rows.tolist() == [0, 1, 2]
    assert second.train_rows.tolist() == [*range(7)]
    assert first.mean == pytest.approx(data.train[:3].mean(axis=(0, 1, 2)) / 255)
    path = images.root / "own.csv"
    path.write_text("id,fold\n" + "".join(f"{id_},{id_ % 3}\n" for id_ in range(1, 13)))
    images.edit(folds={"scheme": "file", "path": "own.csv"})
    stages("preprocess")
    data = read_dataset(images.root / "data/processed" / NAME)
    assert data.folds[:, 0].tolist() == [int(id_) % 3 for id_ in data.train_ids]


def test_classes_are_sorted_as_numbers(images, digit_files, stages):
    images.use(digit_files)
    stages("download", "preprocess")
    data = read_dataset(images.root / "data/processed" / NAME)
    assert data.schema.classes == ["0", "2", "10"]
    assert data.y.tolist() == [2, 0, 1] * 4


def test_files_and_pixels_of_the_same_images_give_the_same_dataset(images, picture_files, stages):
    images.use(picture_files, FILES)
    stages("download", "preprocess")
    first = read_dataset(images.root / "data/processed" / NAME)
    folder = picture_files / "as-pixels"
    folder.mkdir()
    names = [f"p{index}" for index in range(first.train[0].size)]
    train, test = (
        pd.DataFrame(part.reshape(len(part), -1), columns=names)
        for part in (first.train, first.test)
    )
    train.insert(0, "label", [first.schema.classes[int(code)] for code in first.y])
    write_csv(train, folder / "train.csv")
    write_csv(test.assign(id=first.test_ids), folder / "test.csv")
    shutil.copyfile(picture_files / "sampleSubmission.csv", folder / "sample_submission.csv")
    images.project.edit(lambda params: params[NAME]["source"].pop("files"))
    images.edit(id="id")
    images.use(folder)
    images.preprocess(channels="rgb", size=list(first.train.shape[1:3]))
    stages("download", "preprocess")
    second = read_dataset(images.root / "data/processed" / NAME)
    assert (second.train == first.train).all()
    assert (second.test == first.test).all()
    assert (second.y == first.y).all()
    assert (second.folds == first.folds).all()


def test_a_second_run_is_byte_identical(images, picture_files, stages):
    images.use(picture_files, FILES)
    runs = []
    for _ in range(2):
        stages("download", "preprocess")
        runs.append(snapshot(images.root / "data"))
    assert runs[0] == runs[1]


def test_the_summary(images, picture_files, stages):
    images.use(picture_files, FILES)
    stages("download", "preprocess")
    found = facts(images)
    assert found["training images"] == "12"
    assert found["test images"] == "4"
    assert found["size (height x width)"] == "6 x 5"
    assert found["channels"] == "RGB"
    assert found["class frog"] == "4 training images"
    moments = json.loads((images.root / f"data/processed/{NAME}/moments.json").read_text())
    mean = [float(number) for number in found["mean of fold0"].split(", ")]
    assert mean == pytest.approx(moments["fold0"]["mean"], abs=1e-4)
    assert len(duplicates(images)) == 0


def test_duplicates_are_reported(images, picture_files, stages):
    train, test = picture_files / "train", picture_files / "test"
    shutil.copyfile(train / "5.png", test / "2.png")  # 5 and 2 are cats
    shutil.copyfile(train / "1.png", train / "3.png")  # a bird, and a frog
    shutil.copyfile(train / "7.png", train / "10.png")  # both birds: no harm
    images.use(picture_files, FILES)
    out = stages("download", "preprocess")[-1].out
    assert "1 test images are also in train (duplicates.csv)" in out
    table = duplicates(images)
    rows = {(row.group, row.where, row.id, row.why) for row in table.itertuples()}
    clash, leak = "differing labels", "in train and test"
    assert rows == {
        ("1", "train", "1", clash),
        ("1", "train", "3", clash),
        ("2", "train", "5", leak),
        ("2", "test", "2", leak),
    }
    assert list(table["label"].fillna("")) == ["bird", "frog", "cat", ""]
    assert facts(images)["test images that are also in train"] == "1"
    assert facts(images)["training images with differing labels"] == "2"
