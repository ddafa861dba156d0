"""Folds: assigned once per competition; complete and fixed."""

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Folds
from podium.config.folds import SCHEMES
from podium.data.dataset import NEVER_VALIDATED, Mask, Rows
from podium.io.errors import KeyedError

Array = NDArray[np.float64]
# Numbers to predict are stratified by so many bins of equal size, fewer where rows are few.
BINS = 10


def assign_folds(
    spec: Folds, y: Array, groups: "pd.Series[Any] | None" = None, times: Rows | None = None
) -> Rows:
    """The fold in which each training row is validated, shape (n, repeats), values 0..count-1.

    ``y`` has the classes of schemes that stratify, shape (n,): of numbers, their ``target_bins``.

    ``kfold`` and ``stratified`` shuffle with ``seed + repeat`` exactly as scikit-learn's
    ``KFold`` and ``StratifiedKFold`` do; ``contiguous`` splits the rows in file order (the
    textbook's folds, D2L 5.7); ``group`` keeps rows of a group together. No row is dropped; the
    first rows of ``time`` are ``NEVER_VALIDATED``. Schemes in time deal ``times``, the place of
    each row's time among all, shape (n,): rows of one time stay together.

    Raises:
        KeyedError: there are fewer rows, groups, times or members of a class than folds.
    """
    check_enough(spec, y, groups, times)
    columns = []
    for repeat in range(spec.repeats):
        fold_of_row = np.full(len(y), NEVER_VALIDATED, dtype=np.int64)
        for fold, (_, validation_rows) in enumerate(_splits(spec, y, groups, times, repeat)):
            fold_of_row[validation_rows] = fold
        _check_filled(spec, fold_of_row)
        columns.append(fold_of_row)
    assert SCHEMES[spec.scheme].past_only or min(map(np.min, columns)) >= 0
    return np.stack(columns, axis=1)


def trained_rows(spec: Folds, rows: int, times: Rows | None = None) -> Mask | None:
    """Whether each fold trains on each row, shape (n, folds); None: on all but those it validates.

    It is not on all for schemes in time with a gap, and those that train on the past alone.

    Raises:
        KeyedError: a fold has no rows to train on.
    """
    scheme = SCHEMES[spec.scheme]
    if not scheme.in_order or not (spec.gap or scheme.past_only):
        return None
    trained = np.zeros((rows, spec.count), dtype=np.bool_)
    for fold, (training, _) in enumerate(_splits(spec, np.zeros(rows), None, times, 0)):
        trained[training, fold] = True
    empty = np.flatnonzero(~trained.any(axis=0))
    if empty.size:
        raise _no_rows(spec, int(empty[0]))
    return trained


def _no_rows(spec: Folds, fold: int) -> KeyedError:
    return KeyedError(
        ("folds", "gap"), f"is {spec.gap}, which leaves fold {fold} no rows to train on; use less"
    )


def target_bins(y: Array, least: int) -> Array:
    """Codes of bins of numbers, of equal size and with at least ``least`` rows each, shape (n,)."""
    for count in range(min(BINS, len(y) // max(least, 1)), 1, -1):
        bins = pd.qcut(pd.Series(y), count, labels=False, duplicates="drop").to_numpy()
        if np.unique(bins, return_counts=True)[1].min() >= least:
            return np.asarray(bins, dtype=np.float64)
    return np.zeros(len(y))


def _splits(
    spec: Folds, y: Array, groups: "pd.Series[Any] | None", times: Rows | None, repeat: int
) -> Iterator[tuple[Rows, Rows]]:
    """The rows that each fold trains on and validates, by scikit-learn's splitter."""
    scheme = SCHEMES[spec.scheme]
    options: dict[str, Any] = {}
    if scheme.shuffles:
        options = {"shuffle": True, "random_state": spec.seed + repeat}
    if scheme.past_only:
        options = {"gap": spec.gap, "max_train_size": spec.window}
    splitter = resolve_name(scheme.splitter)(spec.count, **options)
    if not scheme.in_order:
        yield from splitter.split(np.zeros(len(y)), y, groups)
        return
    times = np.arange(len(y)) if times is None else times
    for training, validation in splitter.split(np.arange(times.max() + 1)):
        # TimeSeriesSplit leaves out its gap itself.
        near = np.arange(validation[0] - spec.gap, validation[-1] + spec.gap + 1)
        far = training if scheme.past_only else np.setdiff1d(training, near)
        yield np.flatnonzero(np.isin(times, far)), np.flatnonzero(np.isin(times, validation))


def check_enough(
    spec: Folds, y: Array, groups: "pd.Series[Any] | None", times: Rows | None
) -> None:
    """Check that there is enough for so many folds; the arguments are ``assign_folds``'s.

    Raises:
        KeyedError: there are fewer rows, groups, times or members of a class than folds.
    """
    scheme, counts = SCHEMES[spec.scheme], {}
    if scheme.stratifies:
        counts["rows in the smallest class"] = int(np.unique(y, return_counts=True)[1].min())
    if scheme.needs_group and groups is not None:
        counts[f"groups in column '{spec.group}'"] = int(groups.nunique())
    if times is not None:
        counts[f"values in column '{spec.by}'"] = int(times.max()) + 1
    counts["training rows"] = len(y)
    # The first block is only trained on.
    least = spec.count + scheme.past_only
    for what, found in counts.items():
        if found < least:
            why = ", and the first part is only trained on" if scheme.past_only else ""
            raise KeyedError(
                ("folds", "count"),
                f"is {spec.count}, but there are only {found} {what}{why}; use fewer folds",
            )
    if scheme.in_order:
        _check_gap(spec, len(y) if times is None else int(times.max()) + 1)


def _check_gap(spec: Folds, times: int) -> None:
    """The gap before the first fold of ``time``, or around each, leaves rows to train on."""
    if not SCHEMES[spec.scheme].past_only:
        for fold, block in enumerate(np.array_split(np.arange(times), spec.count)):
            if block[0] <= spec.gap and block[-1] + spec.gap >= times - 1:
                raise _no_rows(spec, fold)
        return
    before = times - spec.count * (times // (spec.count + 1))
    if spec.gap >= before:
        raise KeyedError(
            ("folds", "gap"),
            f"is {spec.gap}, but there are only {before} {'rows' if spec.by is None else 'values'} "
            "before the first fold; use less, or more folds",
        )


def _check_filled(spec: Folds, folds: Rows) -> None:
    """Groups of very different sizes can leave a fold empty."""
    if len(np.unique(folds[folds >= 0])) < spec.count:
        raise KeyedError(
            ("folds", "count"),
            f"is {spec.count}, but the groups in column '{spec.group}' fill fewer; use fewer folds",
        )
