"""Preprocessed images on disk and in memory: written by the preprocess stage, read by models."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.dataset import (
    FOLDS,
    Dataset,
    Mask,
    Rows,
    Schema,
    Split,
    fold_splits,
    folds_frame,
    read_folds,
)
from podium.data.images.raw import Pixels
from podium.data.images.spool import blocks, save
from podium.io import files

Array = NDArray[np.float64]

TARGET = "__target__"
TRAIN, TEST, MOMENTS = "train.npy", "test.npy", "moments.json"
WHITE = 255


@dataclass(frozen=True)
class ImageSchema(Schema):
    """Facts about images, including their size in pixels; ``channels`` is 1 (grey) or 3 (RGB)."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation per channel, shape (channels,); black is 0, white is 1.

    The standard deviation of a constant channel is set to 1, to avoid dividing by zero.
    """

    mean: Array
    std: Array


@dataclass(frozen=True)
class ImageSplit(Split):
    """One fold with the ``Moments`` of its training rows."""

    mean: Array
    std: Array


@dataclass(frozen=True)
class ImageDataset(Dataset):
    """A competition's images, shape (n, height, width, channels); ``moments`` by split name."""

    schema: ImageSchema
    train: Pixels
    test: Pixels
    moments: dict[str, Moments]

    @property
    def kind(self) -> str:
        """``image``."""
        return "image"

    @property
    def columns(self) -> int:
        """How many numbers an image has."""
        return int(np.prod(self.train.shape[1:]))

    @property
    def splits(self) -> list[ImageSplit]:
        """Every fold of every repeat with its moments, in order."""
        return [
            ImageSplit(**vars(split), **vars(self.moments[split.name]))
            for split in self.plain_splits()
        ]

    def whole(self) -> Self:
        """As of every dataset, with the moments of these rows."""
        found = super().whole()
        (split,) = found.plain_splits()
        sums, squares = (of_each[split.train_rows] for of_each in _sums(self.train))
        moments = _moments_of(sums, squares, _pixels(self.train))
        return replace(found, moments={**self.moments, split.name: moments})

    def dense(self, split: Split) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Standardized pixels, shape (n, height * width * channels)."""
        moments = self.moments[split.name]
        return _standardized(self.train, moments), _standardized(self.test, moments)

    def trees(self, split: Split) -> tuple[Pixels, Pixels]:
        """Raw pixels, shape (n, height * width * channels)."""
        return _flat(self.train), _flat(self.test)


def _flat(images: Pixels) -> Pixels:
    return images.reshape(len(images), -1)


def _standardized(images: Pixels, moments: Moments) -> NDArray[np.float32]:
    numbers = images.astype(np.float32)
    numbers *= (1 / (WHITE * moments.std)).astype(np.float32)
    numbers -= (moments.mean / moments.std).astype(np.float32)
    return numbers.reshape(len(images), -1)


def fold_moments(images: Pixels, folds: Rows, trained: Mask | None = None) -> dict[str, Moments]:
    """The moments of every split's training rows, by split name.

    Sums are integers, so that the result doesn't depend on the order of rows or on the machine.
    """
    sums, squares = _sums(images)
    return {
        split.name: _moments_of(sums[split.train_rows], squares[split.train_rows], _pixels(images))
        for split in fold_splits(folds, trained)
    }


def _pixels(images: Pixels) -> int:
    return int(images.shape[1] * images.shape[2])


def _moments_of(sums: Rows, squares: Rows, pixels: int) -> Moments:
    """The moments of images of so many pixels, by their ``_sums``."""
    count = len(sums) * pixels
    mean = sums.sum(axis=0) / count
    variance = squares.sum(axis=0) / count - mean**2
    # Through rounding, the variance of a constant channel may be slightly above 0.
    std = np.where(variance > 1e-6, np.sqrt(variance.clip(0)), WHITE)
    return Moments(mean / WHITE, std / WHITE)


def _sums(images: Pixels) -> tuple[Rows, Rows]:
    """Each image's sums of pixels and of squared pixels, shape (n, channels)."""
    sums, squares = [], []
    for part in blocks(images):
        block = part.astype(np.int64)
        sums.append(block.sum(axis=(1, 2)))
        squares.append(np.square(block).sum(axis=(1, 2)))
    return np.concatenate(sums), np.concatenate(squares)


def write_dataset(folder: Path, data: ImageDataset) -> None:
    """Write images, ids, target, folds, moments and schema into ``folder``."""
    save(folder / TRAIN, data.train)
    save(folder / TEST, data.test)
    train = pd.DataFrame({data.schema.id: data.train_ids.to_numpy(), TARGET: data.y})
    test = pd.DataFrame({data.schema.id: data.test_ids.to_numpy()})
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)
    folds = folds_frame(data.train_ids, data.folds, trained=data.trained)
    folds.to_parquet(folder / FOLDS, index=False)
    files.write_json(folder / MOMENTS, {name: _plain(one) for name, one in data.moments.items()})
    data.schema.write(folder)


def read_dataset(folder: Path) -> ImageDataset:
    """Read what ``write_dataset`` wrote; images are memory-mapped.

    Raises:
        PodiumError: the preprocess stage has not run.
    """
    schema = ImageSchema.read(folder)
    train = pd.read_parquet(folder / "train.parquet")
    moments = files.read_json(folder / MOMENTS)
    return ImageDataset(
        train=np.load(folder / TRAIN, mmap_mode="c"),
        test=np.load(folder / TEST, mmap_mode="c"),
        y=train[TARGET].to_numpy(dtype=np.float64),
        train_ids=train[schema.id],
        test_ids=pd.read_parquet(folder / "test.parquet")[schema.id],
        moments={name: _moments(plain) for name, plain in moments.items()},
        schema=schema,
        **read_folds(pd.read_parquet(folder / FOLDS)),
    )


def _plain(moments: Moments) -> dict[str, list[float]]:
    return {name: array.tolist() for name, array in vars(moments).items()}


def _moments(plain: dict[str, Any]) -> Moments:
    return Moments(**{name: np.array(values, dtype=np.float64) for name, values in plain.items()})
