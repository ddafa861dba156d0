"""scikit-learn's MLPRegressor: ReLU and Adam, for it has neither SiLU, AdamW nor dropout."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from peers.task import BATCH, RATE, Predict, Task


def fit(task: Task) -> Predict:
    """One estimator after the other, every epoch of each."""
    with warnings.catch_warnings():
        # It takes the last epoch that was asked for as a failure to converge.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = [
            _estimator(task, seed).fit(task.x[rows], task.y[rows])
            for seed, rows in enumerate(task.rows)
        ]
    return lambda x: np.stack([estimator.predict(x) for estimator in fitted])


def _estimator(task: Task, seed: int) -> Any:
    return MLPRegressor(
        hidden_layer_sizes=task.hidden,
        activation="relu",
        solver="adam",
        batch_size=BATCH,
        learning_rate_init=RATE,
        max_iter=task.epochs,
        tol=0.0,
        n_iter_no_change=task.epochs,
        early_stopping=False,
        random_state=seed,
    )
