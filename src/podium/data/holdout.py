"""Holds out some of a fold's training rows, for tuning a model."""

import math

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def hold_out(
    rows: Rows, share: float, seed: int, classes: NDArray[np.float64] | None = None
) -> tuple[Rows, Rows]:
    """A random split into rows to keep and a share to hold out.

    With the rows' ``classes`` the split is stratified, unless there are too few rows.
    """
    from sklearn.model_selection import train_test_split

    stratify = classes if classes is not None and _divisible(classes, share) else None
    kept, held = train_test_split(rows, test_size=share, random_state=seed, stratify=stratify)
    return kept, held


def _divisible(classes: NDArray[np.float64], share: float) -> bool:
    """Whether stratification is possible: both parts can have a row of each class."""
    counts = np.unique(classes, return_counts=True)[1]
    held = math.ceil(share * len(classes))
    return bool(counts.min() > 1 and min(held, len(classes) - held) >= len(counts))
