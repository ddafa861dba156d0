"""Predictions of made-up models, to be blended: of each task, as noisy as asked for."""

import numpy as np

from podium.config import Ensemble
from podium.data.targets import Target
from podium.ensemble.blend import Blend, blend
from podium.metrics import METRICS

ROWS = 240
FOLDS = np.arange(ROWS) % 4
# A target and a metric of each task; ranks are for two classes.
KINDS = {
    "regression": (Target("regression", "log"), "rmsle"),
    "binary": (Target("binary", "none", ("no", "yes")), "logloss"),
    "ranks": (Target("binary", "none", ("no", "yes")), "auc"),
    "labels": (Target("binary", "none", ("no", "yes")), "f1"),
    "multiclass": (Target("multiclass", "none", ("a", "b", "c")), "logloss"),
}


def probabilities(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True)


def make(kind: str, noise: tuple[float, ...], seed: int = 0, rows: int = ROWS):
    """The target, and models' predictions by how noisy they are: infinitely is pure noise."""
    generator = np.random.default_rng(seed)
    target, _ = KINDS[kind]
    sizes = np.array(noise)[:, None, None]
    shape = (len(noise), rows, target.outputs)
    known, strength = (0.0, 1.0) if np.isinf(sizes).any() else (1.0, sizes)
    if target.is_regression:
        logs = generator.normal(0, 0.5, (rows, 1))
        predicted = np.exp(known * logs + 0.5 * strength * generator.normal(size=shape))
        return np.exp(logs[:, 0]), predicted
    truth = 2 * generator.normal(size=(rows, target.outputs))
    y = (truth + generator.gumbel(size=truth.shape)).argmax(axis=1).astype(float)
    return y, probabilities(known * truth + strength * generator.normal(size=shape))


def blended(method: str, kind: str, y: np.ndarray, oof: np.ndarray, **spec: object) -> Blend:
    target, metric = KINDS[kind]
    chosen = Ensemble(method=method, rounds=20, submit="blend", **spec)
    folds = np.arange(len(y)) % 4
    return blend(chosen, oof, oof, y, folds, target, METRICS[metric])
