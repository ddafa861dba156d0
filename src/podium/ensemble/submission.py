"""The submission: made in the shape of the sample submission, and checked against it."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.errors import PodiumError
from podium.metrics import Metric
from podium.targets import Target


def make_submission(
    sample: pd.DataFrame,
    test_ids: "pd.Series[Any]",
    prediction: NDArray[np.float64],
    target: Target,
    metric: Metric,
) -> pd.DataFrame:
    """A submission with the sample's ids, order and columns.

    Args:
        sample: the sample submission, its first column the id.
        test_ids: the id of each row of ``prediction``.
        prediction: decoded predictions, shape (test rows, outputs).
        target: the kind of target.
        metric: says whether labels or probabilities are asked for.
    """
    values = _values(prediction, target, metric, columns=list(sample.columns[1:]))
    position = pd.Series(np.arange(len(test_ids)), index=test_ids.to_numpy())
    order = position.loc[sample.iloc[:, 0]].to_numpy()
    submission = pd.DataFrame({sample.columns[0]: sample.iloc[:, 0].to_numpy()})
    for column, numbers in values.items():
        submission[column] = numbers[order]
    return submission


def _values(
    prediction: NDArray[np.float64], target: Target, metric: Metric, columns: list[str]
) -> dict[str, NDArray[Any]]:
    if target.is_regression:
        return {columns[0]: prediction[:, 0]}
    if metric.needs == "labels":
        return {columns[0]: np.array(target.classes)[prediction.argmax(axis=1)]}
    if len(columns) == 1:
        return {columns[0]: prediction[:, -1]}
    unknown = [column for column in columns if column not in target.classes]
    if unknown:
        raise PodiumError(
            f"sample_submission.csv: column '{unknown[0]}' is no class of the target; "
            f"classes: {', '.join(target.classes)}"
        )
    return {column: prediction[:, target.classes.index(column)] for column in columns}


def check_submission(
    submission: pd.DataFrame, sample: pd.DataFrame, target: Target, metric: Metric
) -> None:
    """Refuse what Kaggle would refuse, and what can't be meant.

    Raises:
        PodiumError: columns, ids or their order differ from the sample; a value is NaN or
            infinite; or a price is not positive.
    """
    if list(submission.columns) != list(sample.columns):
        raise PodiumError(
            f"submission: columns are {', '.join(submission.columns)}, and the sample has "
            f"{', '.join(sample.columns)}"
        )
    ids, wanted = submission.iloc[:, 0].astype(str), sample.iloc[:, 0].astype(str)
    if len(ids) != len(wanted) or (ids.to_numpy() != wanted.to_numpy()).any():
        raise PodiumError("submission: ids are not those of the sample submission, in its order")
    if metric.needs == "labels":
        return
    values = submission.iloc[:, 1:].to_numpy(dtype=np.float64)
    _refuse(submission, ~np.isfinite(values), "not a finite number")
    if target.transform != "none" or metric.name == "rmsle":
        lowest_is_wrong = values <= 0 if target.transform == "log" else values < 0
        _refuse(submission, lowest_is_wrong, "not positive")


def _refuse(submission: pd.DataFrame, bad: NDArray[np.bool_], what: str) -> None:
    rows = bad.any(axis=1)
    if rows.any():
        first = submission.iloc[int(rows.argmax()), 0]
        raise PodiumError(
            f"submission: {int(rows.sum())} predictions are {what} (first: id {first}); nothing "
            "was written; look at the models' test.parquet"
        )
