"""Models: every one fits all folds of a dataset and leaves the same artefacts."""

from podium.models.fit import ModelResult, fit_model

__all__ = ["ModelResult", "fit_model"]
