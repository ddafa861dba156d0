"""What a user's own code says of training rows: their folds, and their weights."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.io.usercode.load import UserCode


def own_weights(code: UserCode, train: pd.DataFrame) -> NDArray[np.float64]:
    """The weights that ``sample_weight`` gives to training rows, shape (n,).

    Raises:
        PodiumError: it fails, or doesn't return a number of at least 0 for each row, some above.
    """
    weights = _array(code, "sample_weight", train).astype(np.float64)
    if (weights < 0).any():
        row = int((weights < 0).argmax()) + 2
        code.fail("sample_weight", f"is negative in row {row} of the training rows")
    if not weights.any():
        code.fail("sample_weight", "is always 0")
    return weights


def own_folds(code: UserCode, train: pd.DataFrame) -> NDArray[np.int64]:
    """The fold numbers that ``folds`` gives to training rows, shape (n, 1); -1: never validated.

    Raises:
        PodiumError: it fails, or doesn't return whole numbers from -1 on, all of them up to the
            largest; or leaves no row to train on.
    """
    found = _array(code, "folds", train)
    odd = (found != np.round(found)) | (found < -1)
    if odd.any():
        row = int(odd.argmax())
        what = f"expected fold numbers 0, 1, 2 ... (-1: never validated), found {found[row]}"
        code.fail("folds", f"{what} in line {row + 2} of the training rows")
    folds = found.astype(np.int64)
    numbers = np.unique(folds[folds >= 0])
    if not len(numbers) or (numbers != np.arange(len(numbers))).any():
        code.fail("folds", f"expected folds 0, 1, 2 ..., found {numbers[:20].tolist()}")
    if len(numbers) == 1 and (folds >= 0).all():
        code.fail("folds", "returned one fold of all rows, and none to train on")
    return folds[:, None]


def _array(code: UserCode, name: str, train: pd.DataFrame) -> NDArray[Any]:
    """What a function returns for the training rows: a finite number for each, in their order.

    Raises:
        PodiumError: it fails, or doesn't.
    """
    function = code.function(name, 1)
    if function is None:
        code.fail(name, f"the file defines no function {name}(train)")
    with code.blamed(name, known=train.columns):
        found = function(train.copy())
    if isinstance(found, pd.Series) and not found.index.equals(train.index):
        code.fail(name, "the rows have another order or index; keep both")
    values = np.asarray(found)
    if values.shape != (len(train),):
        expected = f"expected an array of {len(train)} numbers, one for each training row"
        code.fail(name, f"{expected}, found {type(found).__name__} of shape {values.shape}")
    if values.dtype == np.bool_:
        values = values.astype(np.int64)
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        code.fail(name, f"expected numbers, found {values.dtype}")
    odd = ~np.isfinite(values)
    if odd.any():
        code.fail(name, f"is {values[odd][0]} in line {int(odd.argmax()) + 2} of the training rows")
    return values
