"""Method ``lightgbm_stack``: small trees on the models' predictions, from their mean on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from podium.ensemble.methods.base import FitMixer, Problem
from podium.ensemble.methods.linear_stack import LEAST_PROBABILITY
from podium.metrics import Array
from podium.runtime.resources import cores

ROUNDS = 60
# Few leaves of many rows: that models are wrong in some places is a small effect in much noise.
KNOBS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 6,
    "min_data_in_leaf": 30,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "seed": 0,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


def ways(problem: Problem) -> Sequence[FitMixer]:
    """Of numbers, or of classes."""
    return [_Trees(problem)]


@dataclass(frozen=True)
class _Trees:
    problem: Problem

    def __call__(self, predictions: Array, y: Array) -> "TreeMix":
        import lightgbm

        classes = 0 if self.problem.target.is_regression else predictions.shape[2]
        # Of two classes one margin says all.
        margins = 1 if classes == 2 else max(classes, 1)
        start = _start(predictions, classes)
        data = lightgbm.Dataset(
            _inputs(predictions, classes),
            label=y if classes else self.problem.coded(y)[:, 0],
            init_score=start,
        )
        objective = {0: "l2", 1: "binary"}.get(classes and margins, "multiclass")
        knobs = KNOBS | {"objective": objective, "num_threads": cores()}
        knobs |= {"num_class": classes} if objective == "multiclass" else {}
        model = lightgbm.train(knobs, data, ROUNDS)
        gain = model.feature_importance("gain").reshape(len(predictions), -1).sum(axis=1)
        shares = gain / gain.sum() if gain.sum() > 0 else np.full(len(gain), 1 / len(gain))
        return TreeMix(model, classes, shares)


@dataclass(frozen=True)
class TreeMix:
    """The models' mean and what trees add to it; ``weights`` are shares of the trees' gain."""

    model: Any
    classes: int
    weights: Array

    def mix(self, predictions: Array) -> Array:
        """As of every mixer."""
        inputs = _inputs(predictions, self.classes)
        added = self.model.predict(inputs, raw_score=True)
        margins = _start(predictions, self.classes) + added
        if not self.classes:
            return np.asarray(margins[:, None])
        if self.classes == 2:
            margins = np.stack([np.zeros(len(margins)), margins], axis=1)
        return np.asarray(softmax(margins, axis=1))


def _logs(predictions: Array) -> Array:
    return np.log(np.maximum(predictions, LEAST_PROBABILITY))


def _inputs(predictions: Array, classes: int) -> Array:
    """What trees split by, shape (rows, models x margins)."""
    shown = predictions if classes != 2 else predictions[:, :, 1:]
    return np.concatenate(list(shown), axis=1)


def _start(predictions: Array, classes: int) -> Array:
    """The mean of the models, as margins: shape (rows,), of more than two classes with them."""
    mean = predictions.mean(axis=0)
    if not classes:
        return np.asarray(mean[:, 0])
    logs = _logs(mean)
    return np.asarray(logs[:, 1] - logs[:, 0] if classes == 2 else logs)
