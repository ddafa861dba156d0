"""From raw images to the dataset: pixel arrays, labels, folds, and each fold's moments."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import ImageCompetition
from podium.data.classes import encode_classes
from podium.data.dataset import Rows, never_validated
from podium.data.folds import assign_folds, trained_rows
from podium.data.given_folds import file_folds
from podium.data.images import files, pixels
from podium.data.images.check import has_files
from podium.data.images.dataset import ImageDataset, ImageSchema, fold_moments, write_dataset
from podium.data.images.duplicates import CLASH, LEAK, count_images, find_duplicates
from podium.data.images.raw import RawImages
from podium.io.files import digest
from podium.io.usercode import load
from podium.io.usercode.load import OWN
from podium.io.usercode.rows import own_folds


def prepare(
    raw: Path,
    competition: ImageCompetition,
    manifest: dict[str, object],
    folder: Path,
    whole: Path | None = None,
) -> str:
    """Write the dataset and a summary of what was done into ``folder``; returns a short summary.

    Nothing goes into ``whole``: the moments of all images are computed when a model needs them.

    Raises:
        PodiumError: the raw files don't fit params.yaml.
    """
    images = read_raw(raw, competition)
    data = make_dataset(images, competition, manifest)
    write_dataset(folder, data)
    duplicates = find_duplicates(images)
    summary = summarize(data, images, duplicates, competition)
    for name, table in (("duplicates", duplicates), ("summary", summary)):
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return _in_short(data, images, duplicates)


def read_raw(raw: Path, competition: ImageCompetition) -> RawImages:
    """All images, from image files or from rows of a CSV.

    Raises:
        PodiumError: the raw files don't fit params.yaml.
    """
    return (files if has_files(competition) else pixels).read_images(raw, competition)


def make_dataset(
    raw: RawImages, competition: ImageCompetition, manifest: dict[str, object]
) -> ImageDataset:
    """Everything that models read, from the raw images."""
    y, classes = encode_classes(raw.labels_file, raw.labels, competition)
    spec = competition.folds
    if spec.scheme == OWN:
        folds, trained = _own_folds(raw, competition), None
    elif spec.path is not None:
        folds, trained = file_folds(Path(spec.path), raw.train_ids), None
    else:
        folds, trained = assign_folds(spec, y), trained_rows(spec, len(y))
    _, height, width, channels = raw.train.shape
    schema = ImageSchema(
        id=competition.id,
        target=competition.target,
        task=competition.task,
        classes=classes,
        fit_on="fold",
        provider=str(manifest["provider"]),
        synthetic=bool(manifest["synthetic"]),
        data_sha256=digest(repr(manifest["files"]).encode()),
        folds_sha256=digest(folds.tobytes()),
        scheme=spec.scheme,
        gap=spec.gap,
        height=height,
        width=width,
        channels=channels,
    )
    return ImageDataset(
        train=raw.train,
        test=raw.test,
        y=y,
        train_ids=raw.train_ids,
        test_ids=raw.test_ids,
        folds=folds,
        trained=trained,
        moments=fold_moments(raw.train, folds, trained),
        schema=schema,
    )


def _own_folds(raw: RawImages, competition: ImageCompetition) -> Rows:
    """The folds that the user's code gives by ids and labels of the training images.

    Raises:
        PodiumError: it fails, or doesn't return a fold for each.
    """
    code = load(competition.name)
    assert code is not None
    labels = raw.labels.to_numpy()
    train = pd.DataFrame({competition.id: raw.train_ids, competition.target: labels})
    return own_folds(code, train)


def summarize(
    data: ImageDataset, raw: RawImages, duplicates: pd.DataFrame, competition: ImageCompetition
) -> pd.DataFrame:
    """Facts about the images and what was done to them, one row per fact."""
    schema, split, spec = data.schema, data.splits[0], competition.preprocess
    counts = np.bincount(data.y.astype(int), minlength=len(schema.classes))
    rows = {
        "training images": len(data.train),
        "test images": len(data.test),
        "size (height x width)": _size(schema) + (" (preprocess.size)" if spec.size else ""),
        "channels": "grey" if schema.channels == 1 else "RGB",
        f"mean of {split.name}": _numbers(split.mean),
        f"standard deviation of {split.name}": _numbers(split.std),
        "damaged training files, left out": _named(raw.skipped),
        "damaged test files, predicted from a black image": _named(raw.blank),
        "test images that are also in train": count_images(duplicates, "test", LEAK),
        "training images with differing labels": count_images(duplicates, "train", CLASH),
    }
    rows |= {
        f"class {name}": f"{count} training images"
        for name, count in zip(schema.classes, counts, strict=True)
    }
    return pd.DataFrame({"fact": list(rows), "value": [str(value) for value in rows.values()]})


def _in_short(data: ImageDataset, raw: RawImages, duplicates: pd.DataFrame) -> str:
    leaked = count_images(duplicates, "test", LEAK)
    notes = [
        (len(raw.skipped), "damaged training files left out"),
        (len(raw.blank), "damaged test files predicted from a black image"),
        (leaked, "test images are also in train (duplicates.csv)"),
    ]
    return ", ".join(
        [
            f"{_size(data.schema)} {'grey' if data.schema.channels == 1 else 'RGB'}",
            f"{len(data.schema.classes)} classes",
            f"{int(data.folds.max()) + 1} folds of {len(data.splits[0].valid_rows)} images"
            + never_validated(data.folds),
            *(f"{count} {what}" for count, what in notes if count),
        ]
    )


def _size(schema: ImageSchema) -> str:
    return f"{schema.height} x {schema.width}"


def _numbers(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{len(names)}: {', '.join(names[:20])}{more}" if names else "0"
