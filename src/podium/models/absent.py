"""Classes that no training row of a fold has: their probability is 0, whatever the model."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.config import ModelParams
from podium.data.dataset import Split
from podium.io.csv_files import few
from podium.models.base import Array, Fit, SplitFit

Codes = NDArray[np.int64]


def present_classes(fit: Fit[ModelParams], split: Split) -> Codes:
    """The codes of the classes that a fold's training rows have."""
    return np.unique(fit.dataset.y[split.train_rows]).astype(np.int64)


def without_absent_classes(fit: Fit[ModelParams], fits: list[SplitFit]) -> list[SplitFit]:
    """The same predictions with 0 for classes that the fold's model can't know; warns of them."""
    if fit.target.is_regression:
        return fits
    return [_cleared(fit, *pair) for pair in zip(fit.dataset.splits, fits, strict=True)]


def _cleared(fit: Fit[ModelParams], split: Split, fitted: SplitFit) -> SplitFit:
    present = present_classes(fit, split)
    absent = np.setdiff1d(np.arange(fit.target.outputs), present)
    if not absent.size:
        return fitted
    names = few([fit.target.classes[code] for code in absent])
    fit.reporter.warn(
        f"{split.name}: no training row has class {names}, so its probability is 0 there; "
        "fewer or stratified folds keep rare classes in all of them"
    )
    return replace(fitted, valid=_shares(fitted.valid, present), test=_shares(fitted.test, present))


def without_absent(fit: Fit[ModelParams], split: Split, predicted: Array) -> Array:
    """A fold's predictions with 0 for classes that its model can't know, without a warning."""
    if fit.target.is_regression:
        return predicted
    present = present_classes(fit, split)
    return predicted if len(present) == fit.target.outputs else _shares(predicted, present)


def _shares(probabilities: Array, present: Codes) -> Array:
    """Probabilities of the present classes, with a sum of 1; all alike where they are all 0."""
    shares = np.zeros_like(probabilities)
    shares[:, present] = np.maximum(probabilities[:, present], np.finfo(np.float64).tiny)
    return shares / shares.sum(axis=1, keepdims=True)
