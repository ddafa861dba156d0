"""The kinds of competition: how raw files of each become a dataset that models read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.data.dataset import Dataset


@dataclass(frozen=True)
class Kind:
    """What differs between tables and images before a model sees them.

    ``check_raw`` reads and checks the raw files and says what they hold; ``prepare`` writes the
    dataset from raw folder, competition and manifest into a folder and says what was done;
    ``read`` reads it back. All raise ``PodiumError`` for what is not as it should be.
    """

    # A kind's functions take its own class of competition.
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
