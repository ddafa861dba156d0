"""Models: every one fits all folds of a dataset and leaves the same artefacts."""

from podium.models.base import Fit, ModelResult, fit_model

__all__ = ["Fit", "ModelResult", "fit_model"]
