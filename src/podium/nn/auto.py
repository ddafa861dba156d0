"""What ``auto`` means for networks on tables, chosen on eight of them (docs/results.md)."""

from collections.abc import Mapping
from typing import Any

from podium.config import MLPParams
from podium.config.auto import Shape
from podium.metrics import Metric

# Below so many rows, wide layers learn no more and stop earlier.
FEW_ROWS = 1_000
# From so many rows on, larger batches are as good, and faster.
MANY_ROWS = 5_000
# From so many rows on, networks differ less from seed to seed, and take long.
FEW_SEEDS_FROM = 10_000
# Rows that a network is trained on in all epochs, at most, and numbers (rows times columns): what
# bounds the time on large tables, and on wide ones.
MOST_ROWS, MOST_NUMBERS = 5_000_000, 200_000_000
# Epochs, where early stopping ends the training and where nothing does.
STOPPED, NOT_STOPPED = 300, 40
FEWEST_EPOCHS = 4
# From so many rows on, one network a fold is enough for the time it takes.
ONE_SEED_FROM = 300_000
# What RealMLP smooths labels by (Holzmueller et al. 2024).
SMOOTHING = 0.1
# By metric, the loss where it isn't huber: a quantile is one on any monotone scale.
LOSSES = {"pinball": "quantile"}


def rules(params: MLPParams, shape: Shape) -> Mapping[str, Any]:
    """The value of each hyperparameter that may be ``auto``.

    With early stopping the learning rate is constant, since nobody knows where training ends;
    without, it falls to 0 by a cosine.
    """
    epochs = STOPPED if params.early_stopping else NOT_STOPPED
    rows = min(MOST_ROWS, MOST_NUMBERS // max(1, shape.columns))
    return {
        **_loss(shape.metric),
        "hidden": [128, 64] if shape.rows < FEW_ROWS else [256, 128],
        "batch_size": 128 if shape.rows < MANY_ROWS else 256,
        "epochs": max(FEWEST_EPOCHS, min(epochs, rows // shape.rows)),
        "seeds": 4 if shape.rows < FEW_SEEDS_FROM else 2 if shape.rows < ONE_SEED_FROM else 1,
        "label_smoothing": _smoothing(shape.metric),
        "schedule": "constant" if params.early_stopping else "cosine",
    }


def _smoothing(metric: Metric | None) -> float:
    """Labels are smoothed where they are scored, not where probabilities or ranks are."""
    return SMOOTHING if metric is not None and metric.needs == "labels" else 0.0


def _loss(metric: Metric | None) -> Mapping[str, Any]:
    """A quantile's loss with its quantile."""
    loss = LOSSES.get(metric.family, "huber") if metric else "huber"
    return {"loss": loss} | (
        {"quantile": metric.parameter} if loss == "quantile" and metric else {}
    )


def without_auto(params: MLPParams, shape: Shape) -> MLPParams:
    """The same with values in place of ``auto``, where no pipeline has set them."""
    return params.resolved(rules(params, shape))
