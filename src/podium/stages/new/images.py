"""Competitions of images: pixels in a csv, or files with a csv of labels."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from podium.io.csv_files import column_names, few, read_header
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.stages.new.columns import Column, read_head
from podium.stages.new.draft import Draft
from podium.stages.new.listing import Listing
from podium.stages.new.roles import picture_places, sample_of

# Of columns that aren't named like pixels, so many are needed.
LEAST_PIXELS, LEAST_UNNAMED = 64, 256
PIXEL_NAME = re.compile(r"(?i)(pix(el)?|px|p|x)?[ _-]?\d+([x_-]\d+)?")
# Columns whose values are looked at.
LOOKED_AT = 50
# Of an image's ids, so many have a file of that name.
MATCHED = 0.9
# A labels csv that has more columns in common with test.csv describes rows, not images.
FEATURES = 3
MODELS = ("softmax", "mlp", "cnn")


def are_pixels(columns: Sequence[Column]) -> bool:
    """Whether the features are the pixels of square images."""
    names = [column.name for column in columns]
    named = all(PIXEL_NAME.fullmatch(name) for name in names)
    if len(names) < (LEAST_PIXELS if named else LEAST_UNNAMED) or not _channels(len(names)):
        return False
    if not named and len({re.sub(r"\d+", "", name) for name in names}) > 1:
        return False
    step = max(1, len(columns) // LOOKED_AT)
    return all(_are_bytes(column) for column in columns[::step])


def _are_bytes(column: Column) -> bool:
    return column.is_whole and bool(column.numbers.between(0, 255).all())


def _channels(count: int) -> int:
    """1 or 3 for a square image of so many numbers, else 0."""
    for channels in (1, 3):
        if count % channels == 0 and math.isqrt(count // channels) ** 2 == count // channels:
            return channels
    return 0


def guess_pixels(draft: Draft, pixels: int) -> None:
    """Set what an image competition of pixels in a csv has."""
    channels = _channels(pixels)
    side = math.isqrt(pixels // channels)
    why = f"{pixels} columns of whole numbers from 0 to 255: {side} x {side} pixels"
    _set_images(draft, why, "grey" if channels == 1 else "rgb")
    # Images are of classes, never of amounts.
    draft.look = [line for line in draft.look if not line.startswith("task:")]


def guess_files(draft: Draft, listing: Listing, scratch: Path) -> pd.DataFrame | None:
    """Set kind, files, id and target of a competition of image files; returns its labels.

    None if there are no images, or tables beside them have features of their own.

    Raises:
        PodiumError: there are images and no table with their labels.
    """
    places = picture_places(listing)
    if places is None:
        return None
    sample = sample_of(listing)
    names = [name for name in listing.tables if name != sample]
    paths = {name: listing.open_table(name, scratch) for name in names}
    stems = {PurePosixPath(name).stem for name in listing.pictures[places["train"]]}
    stems |= set(listing.pictures[places["train"]])
    for name, path in paths.items():
        labels = read_head(path)
        column = next((one for one in labels if _names_images(labels[one], stems)), None)
        if column is None or _has_features(labels, [paths[one] for one in names if one != name]):
            continue
        files = {**places, "labels": name, "sample_submission": sample}
        _set_files(draft, files, listing, column)
        return labels
    if listing.tables and any("train" in name.lower() for name in names):
        return None
    raise PodiumError(
        f"{printable(str(listing.where))}: there are images in {few(places.values())} and no csv "
        "with the name and the class of each; make one (id,label) and put it there"
    )


def _names_images(column: "pd.Series[str]", stems: set[str]) -> bool:
    texts = column.dropna()
    return len(texts) > 0 and bool(texts.isin(stems).mean() >= MATCHED)


def _has_features(labels: pd.DataFrame, others: Sequence[Path]) -> bool:
    """Whether another table has the same columns: then they are features."""
    return any(
        len(set(labels) & set(column_names(read_header(other)))) > FEATURES for other in others
    )


def _set_files(
    draft: Draft, files: Mapping[str, str | None], listing: Listing, column: str
) -> None:
    place = str(files["train"])
    count = len(listing.pictures[place])
    _set_images(draft, f"{count} image files in {place}", "auto")
    draft.set("files", files)
    draft.set("id", column, f"names the images in {place}")


def _set_images(draft: Draft, why: str, channels: str) -> None:
    draft.set("kind", "image", why)
    draft.set("preprocess.size", None)
    draft.set("preprocess.channels", channels)
    draft.set("preprocess.damaged", "stop")
    draft.set("models", MODELS)
