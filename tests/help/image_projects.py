"""Small image competitions of both shapes, in files that a test may spoil."""

from pathlib import Path
from typing import Any

import numpy as np

from podium.config import ImageCompetition, load_config
from projects import Project

NAME = "digit-recognizer"
CLASSES = ["bird", "cat", "frog"]
FILES = {
    "train": "train",
    "test": "test",
    "labels": "trainLabels.csv",
    "sample_submission": "sampleSubmission.csv",
}
HEIGHT, WIDTH = 6, 5


class ImageProject:
    """The shipped image competition with files of the test's."""

    def __init__(self, project: Project) -> None:
        self.project, self.root = project, project.root

    @property
    def competition(self) -> ImageCompetition:
        competition = load_config(only=NAME)[NAME]
        assert isinstance(competition, ImageCompetition)
        return competition

    def edit(self, **keys: Any) -> None:
        self.project.edit(lambda params: params[NAME].update(keys))

    def preprocess(self, **keys: Any) -> None:
        self.project.edit(lambda params: params[NAME]["preprocess"].update(keys))

    def use(self, path: Path, files: dict[str, str] | None = None) -> None:
        """Take the raw files from a folder or a zip."""
        source: dict[str, Any] = {"provider": "local", "path": str(path)}

        def change(params: Any) -> None:
            params[NAME]["source"].update(source | ({"files": files} if files else {}))
            params[NAME]["folds"]["count"] = 2
            if files:
                params[NAME]["id"] = "id"

        self.project.edit(change)


def pixels_of(seed: int, channels: int = 3) -> np.ndarray:
    """Pixels of a picture that is like no other."""
    shape = (HEIGHT, WIDTH, channels)[: 2 if channels == 1 else 3]
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
