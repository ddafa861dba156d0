"""Small image competitions of both shapes, in files that a test may spoil."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from image_projects import CLASSES, NAME, ImageProject, pixels_of
from projects import Project, write_csv


@pytest.fixture
def images(project: Project) -> ImageProject:
    return ImageProject(project)


@pytest.fixture
def digit_files(tmp_path: Path) -> Path:
    """Pixels in csv files: 12 training and 5 test images of 4 x 4, labels 0, 2 and 10."""
    folder = tmp_path / "digits"
    folder.mkdir()
    rng = np.random.default_rng(0)
    names = [f"pixel{index}" for index in range(16)]
    train = pd.DataFrame(rng.integers(0, 256, (12, 16)), columns=names)
    train.insert(0, "label", [10, 0, 2] * 4)
    write_csv(train, folder / "train.csv")
    write_csv(pd.DataFrame(rng.integers(0, 256, (5, 16)), columns=names), folder / "test.csv")
    sample = pd.DataFrame({"ImageId": range(1, 6), "Label": 0})
    write_csv(sample, folder / "sample_submission.csv")
    return folder


@pytest.fixture
def picture_files(tmp_path: Path) -> Path:
    """PNG files of 6 x 5 pixels, RGB: 12 for training, 4 for test, and the two csv files."""
    folder = tmp_path / "pictures"
    for part, count, first in (("train", 12, 0), ("test", 4, 100)):
        (folder / part).mkdir(parents=True)
        for key in range(1, count + 1):
            Image.fromarray(pixels_of(first + key)).save(folder / part / f"{key}.png")
    labels = pd.DataFrame({"id": range(1, 13), "label": CLASSES * 4})
    write_csv(labels, folder / "trainLabels.csv")
    sample = pd.DataFrame({"id": [3, 1, 4, 2], "label": "cat"})
    write_csv(sample, folder / "sampleSubmission.csv")
    return folder


@pytest.fixture
def stages(podium: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Run stages of the image competition, all of which must end well."""

    def run(*names: str) -> list[Any]:
        outcomes = [podium(name, NAME) for name in names]
        assert [outcome.code for outcome in outcomes] == [0] * len(names), outcomes
        return outcomes

    return run
