"""Checking the raw files of an image competition, before any image is decoded."""

from pathlib import Path

from podium.config import ImageCompetition
from podium.data.images.listing import Listing, read_listing
from podium.data.images.pixels import PixelRows, read_rows


def check_raw(raw: Path, competition: ImageCompetition) -> str:
    """Read and check the raw files; returns what they hold.

    Image files are checked by name here, and decoded when they are preprocessed.

    Raises:
        PodiumError: they are not what they should be.
    """
    found: Listing | PixelRows
    found = (read_listing if has_files(competition) else read_rows)(raw, competition)
    return f"{len(found.train_ids)} training images, {len(found.test_ids)} test images"


def has_files(competition: ImageCompetition) -> bool:
    """Whether images are files, and not rows of a csv."""
    return competition.source.files.labels is not None
