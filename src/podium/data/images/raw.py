"""The content of an image competition's raw files, independent of their format."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class RawImages:
    """All images at one size, with their ids and labels as text.

    ``train`` and ``test`` have shape (n, height, width, channels), 0 is black. ``labels_file`` is
    the file with the labels. ``skipped`` names the damaged training files that were left out,
    ``blank`` the damaged test files that were replaced by a black image.
    """

    train: Pixels
    labels: "pd.Series[Any]"
    train_ids: "pd.Series[Any]"
    test: Pixels
    test_ids: "pd.Series[Any]"
    labels_file: str
    skipped: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
