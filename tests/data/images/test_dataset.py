"""Images on disk are images in memory; moments come from a fold's training rows alone."""

import numpy as np
import pandas as pd
import pytest

from podium.data.dataset import fold_splits
from podium.data.images.dataset import (
    ImageDataset,
    ImageSchema,
    fold_moments,
    read_dataset,
    write_dataset,
)

FACTS = {
    "id": "id", "target": "label", "task": "multiclass", "classes": ["a", "b"], "fit_on": "fold",
    "provider": "local", "synthetic": False, "data_sha256": "0", "folds_sha256": "1",
}  # fmt: skip


def make(channels: int = 3, repeats: int = 2) -> ImageDataset:
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (9, 4, 3, channels), dtype=np.uint8)
    folds = np.stack([np.arange(9) % 3, np.arange(9) // 3], axis=1)[:, :repeats]
    return ImageDataset(
        train=train,
        test=rng.integers(0, 256, (5, 4, 3, channels), dtype=np.uint8),
        y=np.array([0.0, 1, 1, 0, 1, 0, 0, 1, 1]),
        train_ids=pd.Series([f"t{row}" for row in range(9)], name="id"),
        test_ids=pd.Series(list("abcde"), name="id"),
        folds=folds,
        moments=fold_moments(train, folds),
        schema=ImageSchema(**FACTS, height=4, width=3, channels=channels),
    )


def test_written_and_read_back(tmp_path):
    data = make()
    write_dataset(tmp_path, data)
    again = read_dataset(tmp_path)
    assert isinstance(again.train, np.memmap)
    assert (again.train == data.train).all()
    assert (again.test == data.test).all()
    assert (again.y == data.y).all()
    assert (again.folds == data.folds).all()
    assert again.train_ids.equals(data.train_ids.astype(again.train_ids.dtype))
    assert list(again.test_ids) == list("abcde")
    assert again.schema == data.schema
    for one, other in zip(again.splits, data.splits, strict=True):
        assert one.name == other.name
        assert (one.mean == other.mean).all()
        assert (one.std == other.std).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_moments_are_those_of_the_training_rows(channels):
    data = make(channels)
    assert len(data.splits) == 6
    for split in data.splits:
        rows = data.train[split.train_rows] / 255
        assert split.mean.shape == split.std.shape == (channels,)
        np.testing.assert_allclose(split.mean, rows.mean(axis=(0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(split.std, rows.std(axis=(0, 1, 2)), rtol=1e-9)


def test_validation_rows_leave_no_trace():
    data = make()
    split = data.splits[1]
    train = data.train.copy()
    train[split.valid_rows] = 255
    after = fold_moments(train, data.folds)
    assert (after[split.name].mean == split.mean).all()
    assert (after[split.name].std == split.std).all()
    assert (after[data.splits[0].name].mean != data.splits[0].mean).all()


def test_moments_by_blocks(monkeypatch):
    data = make()
    monkeypatch.setattr("podium.data.images.spool.BLOCK", 2)
    for name, moments in fold_moments(data.train, data.folds).items():
        assert (moments.mean == data.moments[name].mean).all()


def test_dense_rows_are_standardized_by_the_split():
    data = make()
    for split in data.splits:
        train, test = data.dense(split)
        assert train.dtype == test.dtype == np.float32
        assert train.shape == (9, 36)
        assert test.shape == (5, 36)
        own = train[split.train_rows].reshape(-1, 3)
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(own.std(axis=0), 1, rtol=1e-5)
        by_hand = (data.test / 255 - split.mean) / split.std
        np.testing.assert_allclose(test, by_hand.reshape(5, -1), atol=1e-5)


@pytest.mark.parametrize("value", [0, 93, 255])
def test_a_channel_that_never_changes(value):
    train = make().train.copy()
    train[..., 1] = value
    data = make()
    moments = fold_moments(train, data.folds)
    assert all(one.std[1] == 1 for one in moments.values())
    assert all(one.mean[1] == pytest.approx(value / 255) for one in moments.values())
    constant = ImageDataset(**{**vars(data), "train": train, "moments": moments})
    dense, _ = constant.dense(data.splits[0])
    assert np.isfinite(dense).all()
    np.testing.assert_allclose(dense.reshape(-1, 3)[:, 1], 0, atol=1e-6)


def test_trees_read_the_bytes():
    data = make()
    train, test = data.trees(data.splits[0])
    assert train.dtype == np.uint8
    assert (train == data.train.reshape(9, 36)).all()
    assert (test == data.test.reshape(5, 36)).all()


def test_splits_are_the_folds():
    data = make()
    for split, plain in zip(data.splits, fold_splits(data.folds), strict=True):
        assert (split.valid_rows == plain.valid_rows).all()
