"""Rows set aside of a fold's training rows, by which a model is tuned."""

import math

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def hold_out(
    rows: Rows, share: float, seed: int, classes: NDArray[np.float64] | None = None
) -> tuple[Rows, Rows]:
    """Rows to keep and a share of them to hold out, at random.

    With the rows' ``classes`` each class is in both parts alike, unless there are too few rows.
    """
    from sklearn.model_selection import train_test_split

    alike = classes if classes is not None and _divisible(classes, share) else None
    kept, held = train_test_split(rows, test_size=share, random_state=seed, stratify=alike)
    return kept, held


def _divisible(classes: NDArray[np.float64], share: float) -> bool:
    """Whether both parts have room for a row of each class, and each class a row for both."""
    counts = np.unique(classes, return_counts=True)[1]
    held = math.ceil(share * len(classes))
    return bool(counts.min() > 1 and min(held, len(classes) - held) >= len(counts))
