"""Folds: assigned once per competition; complete and fixed."""

from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Folds
from podium.config.folds import SCHEMES
from podium.io.errors import PodiumError


def assign_folds(
    spec: Folds, y: NDArray[np.float64], groups: "pd.Series[Any] | None" = None
) -> NDArray[np.int64]:
    """The fold in which each training row is validated, shape (n, repeats), values 0..count-1.

    ``kfold`` and ``stratified`` shuffle with ``seed + repeat`` exactly as scikit-learn's
    ``KFold`` and ``StratifiedKFold`` do; ``contiguous`` splits the rows in file order (the
    textbook's folds, D2L 5.7); ``group`` keeps rows of a group together. No row is dropped.

    Raises:
        PodiumError: there are fewer rows, groups or members of a class than folds.
    """
    _check_enough(spec, y, groups)
    columns = [_one_repeat(spec, y, groups, repeat) for repeat in range(spec.repeats)]
    return np.stack(columns, axis=1)


def _one_repeat(
    spec: Folds, y: NDArray[np.float64], groups: "pd.Series[Any] | None", repeat: int
) -> NDArray[np.int64]:
    scheme = SCHEMES[spec.scheme]
    shuffling = {"shuffle": True, "random_state": spec.seed + repeat} if scheme.shuffles else {}
    splitter = resolve_name(scheme.splitter)(spec.count, **shuffling)
    fold_of_row = np.full(len(y), -1, dtype=np.int64)
    splits = splitter.split(np.zeros(len(y)), y, groups)
    for fold, (_, validation_rows) in enumerate(splits):
        fold_of_row[validation_rows] = fold
    assert (fold_of_row >= 0).all()
    return fold_of_row


def _check_enough(spec: Folds, y: NDArray[np.float64], groups: "pd.Series[Any] | None") -> None:
    scheme, counts = SCHEMES[spec.scheme], {}
    if scheme.needs_classes:
        counts["rows in the smallest class"] = int(np.unique(y, return_counts=True)[1].min())
    if scheme.needs_group and groups is not None:
        counts[f"groups in column '{spec.group}'"] = int(groups.nunique())
    counts["training rows"] = len(y)
    for what, found in counts.items():
        if found < spec.count:
            raise PodiumError(
                f"params.yaml: folds.count is {spec.count}, but there are only {found} {what}; "
                "use fewer folds"
            )
