"""Ridge regression on class indicators: the linear baseline for images, in closed form.

One eigendecomposition per fold gives the fits for all alphas. The scores aren't probabilities: a
softmax turns them into some, with a scale fitted on held-out rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from podium.config import RidgeClassifierParams
from podium.data.dataset import Split
from podium.models.base import Fit, SplitFit, timed

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
# Candidate scales of the scores.
SCALES = np.geomspace(0.5, 50.0, 60)


@dataclass(frozen=True)
class Ridge:
    """A linear map of pixels, shape (pixels, classes), and its intercept, shape (classes,)."""

    weight: Array
    intercept: Array

    def scores(self, x: Floats) -> Array:
        """Scores, shape (rows, classes): near 1 for the likely class, near 0 for the others."""
        return np.asarray(x @ self.weight.astype(np.float32), dtype=np.float64) + self.intercept


def fit_ridge_classifier(fit: Fit[RidgeClassifierParams]) -> list[SplitFit]:
    """Ridge classification; alpha and scale are chosen on held-out training rows of each fold."""
    return fit.each_split(lambda split: _fit_split(fit, split), "alpha by held-out rows")


def _fit_split(fit: Fit[RidgeClassifierParams], split: Split) -> SplitFit:
    params = fit.params
    x, test = fit.dataset.dense(split)
    y = np.eye(fit.target.outputs)[fit.y.astype(np.int64)]
    rows = split.train_rows
    kept, held = (rows[part] for part in fit.inner(split).hold_out(params.holdout))
    candidates = ridges(x[kept], y[kept], params.alphas)
    tried = [_calibrated(ridge.scores(x[held]), y[held]) for ridge in candidates]
    best = int(np.argmin([loss for _, loss in tried]))
    scale, alpha = tried[best][0], sorted(params.alphas)[best]
    ridge = ridges(x[rows], y[rows], [alpha])[0]
    valid = _softmax(scale * ridge.scores(x[split.valid_rows]))
    of_test, spent = timed(lambda: _softmax(scale * ridge.scores(test)))
    history = [
        {"step": step, "alpha": own, "train_loss": float("nan"), "valid_loss": tried[step][1]}
        for step, own in enumerate(sorted(params.alphas))
    ]
    return SplitFit(
        valid=valid,
        test=of_test,
        history=history,
        details={"alpha": float(alpha), "scale": float(scale), "features": float(x.shape[1])},
        weights={"safetensors": save({"weight": ridge.weight, "intercept": ridge.intercept})},
        predict_seconds=spent,
    )


def ridges(x: Floats, y: Array, alphas: list[float]) -> list[Ridge]:
    """A ridge fit for each alpha in ascending order, for all columns of ``y`` at once.

    ``x`` has shape (rows, pixels), ``y`` (rows, classes). The intercept is not penalised.
    """
    mean, target_mean = x.mean(axis=0, dtype=np.float64), y.mean(axis=0)
    rows = len(x)
    # Float32 products are summed in float64 block by block, so x is not copied as float64.
    gram = _summed(x, x) - rows * np.outer(mean, mean)
    both = _summed(x, y.astype(np.float32)) - rows * np.outer(mean, target_mean)
    values, vectors = np.linalg.eigh(gram)
    turned = vectors.T @ both
    fits = []
    for alpha in sorted(alphas):
        weight = vectors @ (turned / (np.maximum(values, 0.0) + alpha)[:, None])
        fits.append(Ridge(weight, target_mean - mean @ weight))
    return fits


def _summed(x: Floats, y: Floats, block: int = 4096) -> Array:
    """``x.T @ y``, computed in blocks of rows."""
    total = np.zeros((x.shape[1], y.shape[1]))
    for start in range(0, len(x), block):
        total += x[start : start + block].T @ y[start : start + block]
    return total


def _calibrated(scores: Array, y: Array) -> tuple[float, float]:
    """The scale of scores that minimizes the softmax's log loss, and that loss.

    This is temperature scaling (Guo et al. 2017).
    """
    losses = [
        float(-np.mean(np.log(np.maximum((_softmax(scale * scores) * y).sum(axis=1), 1e-15))))
        for scale in SCALES
    ]
    best = int(np.argmin(losses))
    return float(SCALES[best]), losses[best]


def _softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
