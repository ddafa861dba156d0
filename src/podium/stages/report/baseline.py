"""The best constant prediction: what a model has to beat to have learnt anything."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from podium.data.dataset import Split, fold_splits
from podium.data.several_targets import OneTarget, each_target
from podium.data.targets import Target
from podium.metrics import Array, Metric
from podium.stages.report.results import Results, has_model_scale

# By name, what is predicted for a fold from the targets of its training rows, shape (outputs,).
NUMBERS = ("mean", "median", "mean on the model's scale")
CLASSES = ("class shares", "most frequent class")


def baseline(results: Results) -> tuple[float, str]:
    """The score of the best constant, and what that is; NaN where the metric has none.

    Each fold is predicted by a constant of its training rows, as models are. Of several targets
    the mean over them, each with its own best.
    """
    found = [_of_target(results, own) for own in each_target(results.target)]
    names = list(dict.fromkeys(name for _, name in found))
    return float(np.mean([score for score, _ in found])), " or ".join(filter(None, names))


def _of_target(results: Results, own: OneTarget) -> tuple[float, str]:
    metric, target = results.competition.scoring, own.target
    y = own.y(results.y)
    splits = [split for split in fold_splits(*_folds(results)) if split.repeat == 0]
    scored = {
        name: _score(metric, y, predictions, splits)
        for name, predictions in _constants(target, y, splits)
    }
    defined = {name: score for name, score in scored.items() if np.isfinite(score)}
    if not defined:
        return float("nan"), ""
    best = min(defined, key=lambda name: metric.as_loss(defined[name]))
    return defined[best], best


def _folds(results: Results) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    return results.dataset.folds, results.dataset.trained


def _constants(target: Target, y: Array, splits: list[Split]) -> Iterator[tuple[str, Array]]:
    """What each constant predicts, shape (n,) of numbers, else (n, classes); NaN: not validated."""
    for name in NUMBERS if target.is_regression else CLASSES:
        if name == NUMBERS[2] and not has_model_scale(target):
            continue
        outputs = () if target.is_regression else (target.outputs,)
        predictions = np.full((len(y), *outputs), np.nan)
        for split in splits:
            predictions[split.valid_rows] = _constant(name, target, y[split.train_rows])
        yield name, predictions


def _constant(name: str, target: Target, y: Array) -> Array:
    if target.is_regression:
        if name == "median":
            return np.asarray(np.median(y))
        if name == "mean":
            return np.asarray(y.mean())
        return np.asarray(target.decode(target.encode(y).mean()))
    shares = np.bincount(y.astype(np.int64), minlength=target.outputs) / len(y)
    return shares if name == "class shares" else np.eye(target.outputs)[shares.argmax()]


def _score(metric: Metric, y: Array, predictions: Array, splits: list[Split]) -> float:
    """NaN where the metric takes no such predictions."""
    rows = np.sort(np.concatenate([split.valid_rows for split in splits]))
    try:
        with np.errstate(all="ignore"):
            return metric(y[rows], predictions[rows])
    except (ValueError, ZeroDivisionError, FloatingPointError):
        return float("nan")
