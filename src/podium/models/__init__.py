"""Models: each fits all folds of a dataset and produces the same set of results."""

from podium.models.fit import ModelResult, fit_model

__all__ = ["ModelResult", "fit_model"]
