"""Podium's engine: all members in one call."""

import numpy as np

from peers.task import BATCH, DECAY, RATE, Predict, Task


def fit(task: Task) -> Predict:
    """Set-up and training; both count."""
    from podium.config import MLPParams
    from podium.nn import fit_members

    params = MLPParams.model_validate(
        {
            "hidden": task.hidden,
            "activation": "silu",
            "dropout": task.dropout,
            "epochs": task.epochs,
            "batch_size": BATCH,
            "learning_rate": RATE,
            "weight_decay": DECAY,
            "schedule": "constant",
            "loss": "squared",
            "numeric_embedding": "none",
            "device": "cpu",
        }
    )
    fitted = fit_members(task.x, task.y, task.rows, params, seeds=list(range(len(task.rows))))
    return lambda x: np.asarray(fitted.predict(x)[:, :, 0], dtype=np.float32)
