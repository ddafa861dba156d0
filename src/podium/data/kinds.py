"""The kinds of competition: how the raw files of each become a dataset."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.data.dataset import Dataset


@dataclass(frozen=True)
class Kind:
    """The functions that differ between tables and images.

    ``check_raw`` reads and checks the raw files and returns a short description; ``prepare`` writes
    the dataset from raw folder, competition and manifest into a folder and returns a short summary;
    ``read`` reads it back. All raise ``PodiumError`` for invalid data.
    """

    # The functions take the competition class of their kind.
    check_raw: Callable[[Path, Any], str]
    prepare: Callable[[Path, Any, dict[str, object], Path], str]
    read: Callable[[Path], Dataset]


def of(competition: Competition) -> Kind:
    """The kind of a competition."""
    if competition.kind == "image":
        from podium.data.images import dataset as images
        from podium.data.images import prepare as image_prepare

        return Kind(image_prepare.check_raw, image_prepare.prepare, images.read_dataset)
    from podium.data.tabular import dataset, prepare

    return Kind(prepare.check_raw, prepare.prepare, dataset.read_dataset)
