"""Images as rows of pixels in a CSV, the format of the digit recognizer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from podium.config import ImageCompetition, ImagePreprocess
from podium.data.classes import check_labels, check_named_columns
from podium.data.images.raw import Pixels, RawImages
from podium.data.images.resize import check_memory, resize
from podium.io.csv_files import (
    SAMPLE,
    TEST,
    TRAIN,
    check_ids,
    check_same_columns,
    check_sample_ids,
    few,
    read_blocks,
    read_csv,
    read_header,
)
from podium.io.errors import PodiumError
from podium.io.text import printable

# The usual spellings of pixel values.
BYTES = frozenset(map(str, range(256)))


@dataclass(frozen=True)
class PixelRows:
    """Rows of pixels, shape (n, pixels), with ids and labels as text."""

    train: Pixels
    labels: "pd.Series[Any]"
    train_ids: "pd.Series[Any]"
    test: Pixels
    test_ids: "pd.Series[Any]"


def read_rows(folder: Path, competition: ImageCompetition) -> PixelRows:
    """Read and check train, test and sample submission.

    Every column except id and target is a pixel, in the order of train.csv. Without an id column
    rows are numbered from 1, and the sample submission's ids must be these numbers.

    Raises:
        PodiumError: a file is missing, empty, not UTF-8 or not a CSV; a column is missing,
            duplicated or in one table only; a pixel is not a whole number from 0 to 255; labels are
            missing or don't fit the task; or the ids differ from the sample submission's.
    """
    names = _pixel_columns(folder, competition)
    train, texts = _read_table(folder / TRAIN, names, [competition.id, competition.target])
    test, test_texts = _read_table(folder / TEST, names, [competition.id])
    labels = texts[competition.target]
    sample = read_csv(folder / SAMPLE, [""])
    check_sample_ids(sample, competition.id)
    check_labels(TRAIN, labels, sample, competition)
    return PixelRows(
        train=train,
        labels=labels,
        train_ids=_ids(TRAIN, texts, len(train), competition.id),
        test=test,
        test_ids=_test_ids(test_texts, len(test), sample, competition.id),
    )


def read_images(folder: Path, competition: ImageCompetition) -> RawImages:
    """The rows as images, resized to ``preprocess.size`` if that is set.

    Raises:
        PodiumError: as ``read_rows``; or the number of pixels fits no image, or all images together
            are too large for memory.
    """
    rows, spec = read_rows(folder, competition), competition.preprocess
    shape = image_shape(rows.train.shape[1], spec)
    check_memory(len(rows.train) + len(rows.test), spec.size or shape[:2], shape[2])
    return RawImages(
        train=resize(rows.train.reshape(-1, *shape), spec.size),
        labels=rows.labels,
        train_ids=rows.train_ids,
        test=resize(rows.test.reshape(-1, *shape), spec.size),
        test_ids=rows.test_ids,
        labels_file=TRAIN,
    )


def image_shape(pixels: int, spec: ImagePreprocess) -> tuple[int, int, int]:
    """(height, width, channels) of a row with ``pixels`` numbers, ordered by row, column, channel.

    A CSV doesn't contain the shape of its images: it is ``preprocess.size`` if the number of pixels
    fits, else a square. ``auto`` means one channel.

    Raises:
        PodiumError: neither fits.
    """
    channels = 3 if spec.channels == "rgb" else 1
    if pixels % channels:
        raise PodiumError(
            f"{TRAIN}: {pixels} pixel columns are not a multiple of 3 channels; set "
            "preprocess.channels to grey, or remove columns that aren't pixels"
        )
    places = pixels // channels
    if spec.size is not None and math.prod(spec.size) == places:
        return spec.size[0], spec.size[1], channels
    side = math.isqrt(places)
    if side * side != places:
        raise PodiumError(f"{TRAIN}: {_no_image(pixels, places, spec)}")
    return side, side, channels


def _no_image(pixels: int, places: int, spec: ImagePreprocess) -> str:
    side = math.isqrt(places)
    near = f"{side} x {side} is {side**2}, {side + 1} x {side + 1} is {(side + 1) ** 2}"
    what = f"{pixels} pixel columns are not a square image ({near})"
    if spec.size is not None:
        height, width = spec.size
        what += f" nor one of preprocess.size {height} x {width} ({height * width})"
    if _may_be_colours(places) and spec.channels == "auto":
        return f"{what}; if the images have colours, set preprocess.channels to rgb"
    return (
        f"{what}; remove columns that aren't pixels, or set preprocess.size to the images' "
        "[height, width]"
    )


def _may_be_colours(pixels: int) -> bool:
    """Whether this number of values fits a square image with three channels."""
    return pixels % 3 == 0 and math.isqrt(pixels // 3) ** 2 == pixels // 3


def _pixel_columns(folder: Path, competition: ImageCompetition) -> list[str]:
    """The names of the pixel columns, in the order of train.csv."""
    header, test = read_header(folder / TRAIN), read_header(folder / TEST)
    check_named_columns(TRAIN, header, competition, ["target"])
    names = [name for name in header if name not in (competition.id, competition.target)]
    if not names:
        raise PodiumError(f"{TRAIN}: has no pixel columns, only {few(header)}")
    check_same_columns(set(names), set(test) - {competition.id})
    return names


def _read_table(
    path: Path, pixels: list[str], texts: Sequence[str]
) -> tuple[Pixels, "dict[str, pd.Series[Any]]"]:
    """Pixels, shape (n, columns), and the columns of ``texts`` that the file has."""
    header = read_header(path)
    wanted = [name for name in texts if name in header]
    batches = list(_batches(path, header, pixels, wanted))
    rows = np.concatenate([block for block, _ in batches])
    columns = {
        name: pd.concat([table[name] for _, table in batches], ignore_index=True) for name in wanted
    }
    return rows, columns


def _batches(path: Path, header: list[str], pixels: list[str], texts: list[str]) -> Any:
    """Blocks of rows, each as an array of pixels and a table of texts.

    Arrow parses pixels directly to uint8, so memory is needed only for the images and one block.
    """
    types = dict.fromkeys(pixels, pa.uint8()) | dict.fromkeys(texts, pa.string())
    row_error = partial(_row_error, path.name, header, set(pixels))
    for batch in read_blocks(path, header, types, row_error=row_error):
        if batch.num_rows:
            block = np.empty((batch.num_rows, len(pixels)), dtype=np.uint8)
            for index in range(len(pixels)):
                block[:, index] = batch.column(index)
            yield block, batch.select(texts).to_pandas().replace("", None)


def _row_error(
    file: str, header: list[str], pixels: set[str], line: int, row: list[str]
) -> PodiumError | None:
    # Check the whole row at once first: checking every value takes minutes instead of seconds.
    if BYTES.issuperset(row):
        return None
    for name, value in zip(header, row, strict=True):
        if name in pixels and not _is_byte(value):
            return _bad_pixel(file, line, name, value)
    return None


def _is_byte(text: str) -> bool:
    digits = text.strip().lstrip("0") or text.strip()[-1:]
    return digits in BYTES


def _bad_pixel(file: str, line: int, name: str, value: str) -> PodiumError:
    if not value.strip():
        return PodiumError(
            f"{file}:{line}: {name} is missing; every image needs a value for each pixel"
        )
    shown = printable(value[:40])
    return PodiumError(
        f"{file}:{line}: {name} '{shown}' is not a whole number from 0 to 255; fix or remove "
        "the row"
    )


def _ids(name: str, texts: "dict[str, pd.Series[Any]]", rows: int, column: str) -> "pd.Series[Any]":
    if column not in texts:
        return _row_numbers(rows, 1, column)
    check_ids(name, pd.DataFrame(texts), column)
    return texts[column]


def _row_numbers(rows: int, start: int, column: str) -> "pd.Series[Any]":
    return pd.Series(np.arange(start, rows + start).astype(str), name=column, dtype=str)


def _test_ids(
    texts: "dict[str, pd.Series[Any]]", rows: int, sample: pd.DataFrame, column: str
) -> "pd.Series[Any]":
    """The ids of test.csv, or its row numbers if it has no id column; checked with the sample."""
    expected = set(sample[column])
    if column in texts:
        ids, whose = _ids(TEST, texts, rows, column), f"those of {TEST}"
    else:
        ids = _row_numbers(rows, 0 if "0" in expected else 1, column)
        whose = f"the row numbers of {TEST}"
    if expected != set(ids):
        odd = sorted(expected ^ set(ids))
        raise PodiumError(
            f"{SAMPLE}: its ids are not {whose} ({rows} rows, {len(expected)} ids), for example "
            f"{printable(odd[0])}; use files from the same download"
        )
    return ids
