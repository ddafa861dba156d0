"""Predictions from elsewhere as a model: read from two files, scored on Podium's folds."""

from pathlib import Path

import numpy as np
import pandas as pd

from podium.config import ExternalParams
from podium.config.external import CHECKED
from podium.data.external import (
    Mask,
    in_order,
    prediction_columns,
    predictions,
    read_table,
    rows_on_other_folds,
)
from podium.data.given_folds import FOLD
from podium.io.errors import EstimatorError, PodiumError
from podium.models.base import Array, Fit, SplitFit
from podium.models.imported_data import Classes, Numbers


def fit_external(fit: Fit[ExternalParams]) -> list[SplitFit]:
    """Read the predictions of each fold's validation rows, and of the test rows.

    Raises:
        EstimatorError: a file is missing or can't be read, its rows are not those of the
            competition, its values are no predictions, or they were made by other folds.
    """
    needed = fit.dataset.validated
    table = _read(fit, "oof", needed)
    oof = _predictions(fit, "oof", table, needed)
    checked = _check_folds(fit, table, needed)
    _check_scale(fit, oof, needed)
    every = np.ones(len(fit.dataset.test_ids), dtype=np.bool_)
    test = _predictions(fit, "test", _read(fit, "test", every), every)
    target = fit.target
    known = Numbers(0.0, 1.0) if target.is_regression else Classes.learnt(fit.y, target.outputs)
    oof, test = target.encode(oof), target.encode(test)
    fits = []
    for split in fit.dataset.splits:
        valid = oof[split.valid_rows]
        loss = known.loss(fit.y[split.valid_rows], valid)
        step = {"seed": 0, "step": 0, "train_loss": float("nan"), "valid_loss": loss}
        fits.append(SplitFit(valid, test, history=[step], details={CHECKED: float(checked)}))
    return fits


def _path(fit: Fit[ExternalParams], key: str) -> Path:
    return Path(fit.params.files[key])


def _read(fit: Fit[ExternalParams], key: str, needed: Mask) -> pd.DataFrame:
    """A file's rows in the order of the dataset's."""
    path, dataset = _path(fit, key), fit.dataset
    ids, rows = (dataset.train_ids, "training") if key == "oof" else (dataset.test_ids, "test")
    others = dataset.test_ids if key == "oof" else dataset.train_ids
    try:
        return in_order(read_table(path, str(ids.name)), ids, needed, path.name, rows, others)
    except PodiumError as error:
        raise EstimatorError(f"{key}: {error}") from None


def _predictions(fit: Fit[ExternalParams], key: str, table: pd.DataFrame, needed: Mask) -> Array:
    """A file's predictions, on the target's own scale."""
    alone = fit.dataset.place is None
    try:
        columns = prediction_columns(
            list(table), fit.target, fit.params.columns, fit.dataset.schema.target, alone
        )
        return predictions(table, columns, needed, fit.target)
    except PodiumError as error:
        raise EstimatorError(f"{key}: {_path(fit, key).name}: {error}") from None


def _check_folds(fit: Fit[ExternalParams], table: pd.DataFrame, needed: Mask) -> bool:
    """Compare the file's folds with the dataset's; returns whether it has some.

    Raises:
        EstimatorError: they differ.
    """
    name = _path(fit, "oof").name
    if FOLD not in table:
        fit.reporter.warn(
            f"folds: not checked: {name} has no column '{FOLD}', so nobody knows whether its "
            "predictions were made by these folds; made by others, its CV and the blend's weights "
            "are too good"
        )
        return False
    other = rows_on_other_folds(table[FOLD], fit.dataset.folds[:, 0], needed)
    if other:
        raise EstimatorError(
            f"oof: {name}: {other} of {int(needed.sum())} rows are in another fold than here, so "
            "the OOF predictions were made on other folds; make them on those of "
            "folds.parquet in the competition's folder of data/processed"
        )
    return True


def _check_scale(fit: Fit[ExternalParams], oof: Array, needed: Mask) -> None:
    """Stop where the file has something else in the place of a number's predictions.

    That is the target itself, or numbers on another scale, such as its logarithm.
    """
    if not fit.target.is_regression:
        return
    name, own, true = _path(fit, "oof").name, oof[needed, 0], fit.dataset.y[needed]
    if np.array_equal(own, true):
        raise EstimatorError(
            f"oof: {name}: its predictions are the true targets in every row; give out-of-fold "
            "predictions"
        )
    if own.max() < true.min() or own.min() > true.max():
        raise EstimatorError(
            f"oof: {name}: its predictions, {own.min():.4g} to {own.max():.4g}, have nothing in "
            f"common with the targets, {true.min():.4g} to {true.max():.4g}; give them on the "
            "target's own scale"
        )
