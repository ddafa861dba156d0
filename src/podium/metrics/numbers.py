"""Metrics of predicted numbers; ``y`` and ``p`` have shape (n,)."""

import numpy as np

from podium.metrics.metric import POSITIVE, Array


def rmse(y: Array, p: Array) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(np.mean((y - p) ** 2)))


def mae(y: Array, p: Array) -> float:
    """The mean absolute error."""
    return float(np.mean(np.abs(y - p)))


def medae(y: Array, p: Array) -> float:
    """The median absolute error."""
    return float(np.median(np.abs(y - p)))


def mape(y: Array, p: Array) -> float:
    """The mean absolute error in shares of the true value; 0.1 is ten percent."""
    from sklearn.metrics import mean_absolute_percentage_error

    return float(mean_absolute_percentage_error(y, p))


def smape(y: Array, p: Array) -> float:
    """The mean absolute error in shares of the mean of both sizes, 0 to 2; 0 where both are 0."""
    size = (np.abs(y) + np.abs(p)) / 2
    return float(np.mean(np.abs(y - p) / np.where(size > 0, size, 1.0)))


def rmsle(y: Array, p: Array) -> float:
    """The RMSE of log(1 + value)."""
    return rmse(np.log1p(y), np.log1p(np.maximum(p, 0.0)))


def r2(y: Array, p: Array) -> float:
    """The share of the variance that is explained; NaN for equal targets."""
    variation = float(np.sum((y - y.mean()) ** 2))
    return 1.0 - float(np.sum((y - p) ** 2)) / variation if variation > 0 else np.nan


def tweedie(power: float, y: Array, p: Array) -> float:
    """The mean Tweedie deviance: 1 is Poisson's, 2 gamma's."""
    from sklearn.metrics import mean_tweedie_deviance

    return float(mean_tweedie_deviance(y, np.maximum(p, POSITIVE), power=power))


def pinball(alpha: float, y: Array, p: Array) -> float:
    """The loss of the quantile ``alpha`` (Koenker and Bassett 1978); 0.5 is half the MAE."""
    error = y - p
    return float(np.mean(np.maximum(alpha * error, (alpha - 1) * error)))
