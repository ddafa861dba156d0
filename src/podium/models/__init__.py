"""Models: each fits all folds of a dataset and produces the same set of results."""

from podium.models.auto import resolve_params
from podium.models.base import Fit
from podium.models.fit import ModelResult, fit_model, fit_without_each_fold
from podium.models.several_targets import fit_targets, fit_targets_without_each_fold

__all__ = [
    "Fit",
    "ModelResult",
    "fit_model",
    "fit_targets",
    "fit_targets_without_each_fold",
    "fit_without_each_fold",
    "resolve_params",
]
