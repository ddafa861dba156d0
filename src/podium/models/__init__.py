"""Models: each fits all folds of a dataset and produces the same set of results."""

from podium.models.fit import ModelResult, fit_model, fit_without_each_fold

__all__ = ["ModelResult", "fit_model", "fit_without_each_fold"]
