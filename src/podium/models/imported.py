"""Any estimator with scikit-learn's interface, named by its import path."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from podium.config import ImportedParams
from podium.config.imported import class_path
from podium.data.dataset import Split
from podium.data.inner import Inner
from podium.io.errors import EstimatorError, PodiumError
from podium.models.base import Array, Fit, SplitFit, timed
from podium.models.classes import is_calibrated, make_estimator, own_code, said
from podium.models.imported_data import (
    Classes,
    Labels,
    OddPredictionsError,
    Table,
    Tables,
    labels_of,
    rows_of,
    tables,
)
from podium.models.stored import dump_estimator
from podium.runtime.compute import in_task
from podium.runtime.library_warnings import gathered
from podium.runtime.resources import cores, is_out_of_memory

# Inner folds by whose scores a classifier without probabilities gets some.
CALIBRATION_FOLDS = 5


def fit_imported(fit: Fit[ImportedParams]) -> list[SplitFit]:
    """Fit the estimator on each fold's training rows."""

    def fit_one(split: Split, threads: int) -> SplitFit:
        return _fit_split(fit, split, threads)

    return fit_folds(fit, fit_one, workers=min(len(fit.dataset.splits), cores()))


def fit_folds(
    fit: Fit[ImportedParams], fit_one: Callable[[Split, int], SplitFit], workers: int
) -> list[SplitFit]:
    """Fit the folds side by side, each by its share of the cores.

    ``fit_one`` takes a fold and a number of threads. Each warning of a library is one line of ours.
    """
    from threadpoolctl import threadpool_limits

    if (
        not _takes_weights(make_estimator(fit.params, fit.target.task))
        and fit.dataset.weights is not None
    ):
        fit.reporter.warn(f"{fit.params.model} takes no sample weights: it is fitted without them")
    threads = max(1, cores() // workers)

    def limited(split: Split) -> SplitFit:
        # Of OpenMP, the number of threads is that of the calling thread.
        here = gathered(fit.reporter.warn) if in_task() else nullcontext()
        with here, threadpool_limits(threads, "openmp"), blamed(fit, split):
            return fit_one(split, min(threads, cores()))

    with gathered(fit.reporter.warn), threadpool_limits(threads, "blas"):
        return fit.each_split(limited, fit.params.model.rpartition(".")[2], workers)


def _fit_split(fit: Fit[ImportedParams], split: Split, threads: int) -> SplitFit:
    given = tables(fit, split)
    rows = split.train_rows
    labels = labels_of(fit, fit.y[rows], fit.weights(rows))
    x = rows_of(given.train, rows)
    estimators = [_fitted(fit, split, labels, x, seed, threads) for seed in range(fit.params.seeds)]
    # An estimator of ours tells of each epoch. Others' ``history_`` may be anything.
    history = [
        {"seed": seed, **step}
        for seed, estimator in enumerate(estimators)
        for step in getattr(estimator, "podium_history_", ())
    ]
    return split_fit(fit, split, estimators, labels, given, store=_stored, history=history)


def _fitted(
    fit: Fit[ImportedParams], split: Split, labels: Labels, x: Table, seed: int, threads: int
) -> Any:
    """An estimator fitted on training rows; None where these have one class only."""
    if is_constant(labels):
        return None
    estimator = make_estimator(fit.params, fit.target.task, fit.params.seed + seed, threads)
    weight = fit.weights(split.train_rows)
    given = {} if weight is None or not _takes_weights(estimator) else {"sample_weight": weight}
    if not fit.target.is_regression and not is_calibrated(estimator):
        estimator = _with_probabilities(estimator, fit.inner(split))
    return estimator.fit(x, labels.encode(fit.y[split.train_rows]), **given)


def _takes_weights(estimator: Any) -> bool:
    return "sample_weight" in signature(estimator.fit).parameters


def is_constant(labels: Labels) -> bool:
    """Whether there is but one class, which no estimator can learn."""
    return isinstance(labels, Classes) and len(labels.present) == 1


def _with_probabilities(estimator: Any, inner: Inner) -> Any:
    """The classifier with a sigmoid of its scores (Platt 1999), fitted on inner folds' rows.

    It is fitted on all rows then. Where inner folds train on the past alone, and so the first rows
    are never scored, it is the mean of the inner folds' classifiers.
    """
    from sklearn.calibration import CalibratedClassifierCV

    folds = inner.folds(CALIBRATION_FOLDS)
    scores_all = sum(len(held) for _, held in folds) == inner.rows
    return CalibratedClassifierCV(estimator, method="sigmoid", cv=folds, ensemble=not scores_all)


def split_fit(
    fit: Fit[ImportedParams],
    split: Split,
    estimators: list[Any],
    labels: Labels,
    given: Tables,
    store: Callable[[Any], dict[str, bytes]],
    history: list[dict[str, float]] | None = None,
    details: dict[str, float] | None = None,
) -> SplitFit:
    """Predictions, the mean over seeds, curves and stored estimators of a fold.

    ``given`` are the training and the test table; ``store`` gives an estimator's files by their
    endings. Without a ``history`` there is one step a seed, its validation loss.
    """

    def mean(table: Table) -> Array:
        return np.mean([labels.predict(estimator, table) for estimator in estimators], axis=0)

    def predict(table: pd.DataFrame) -> Array:
        return labels.predict(estimators[0], given.further(table))

    valid = rows_of(given.train, split.valid_rows)
    each = [labels.predict(estimator, valid) for estimator in estimators]
    test, spent = timed(lambda: mean(given.test))
    y = fit.y[split.valid_rows]
    steps = [
        {"seed": seed, "step": 0, "train_loss": float("nan"), "valid_loss": labels.loss(y, one)}
        for seed, one in enumerate(each)
    ]
    return SplitFit(
        valid=np.mean(each, axis=0),
        test=test,
        history=history or steps,
        details={"features": float(given.train.shape[1]), **(details or {})},
        weights=_weights(fit, split, estimators, labels, store),
        predict_seconds=spent,
        predict=predict,
    )


def _weights(
    fit: Fit[ImportedParams],
    split: Split,
    estimators: list[Any],
    labels: Labels,
    store: Callable[[Any], dict[str, bytes]],
) -> dict[str, bytes]:
    """The files of a fold's estimators; none, and a warning, where one can't be stored."""
    found = {"target.json": json.dumps(labels.facts).encode()}
    for seed, estimator in enumerate(one for one in estimators if one is not None):
        try:
            found |= {f"seed{seed}.{end}": content for end, content in store(estimator).items()}
        except PodiumError as error:
            fit.reporter.warn(f"{split.name}: {fit.params.model} is not stored: {error}")
            return {}
    return found


def _stored(estimator: Any) -> dict[str, bytes]:
    return {"skops": dump_estimator(estimator)}


@contextmanager
def blamed(fit: Fit[ImportedParams], split: Split) -> Iterator[None]:
    """Report what an estimator's own code raises as one line; a user's with its file and line.

    Raises:
        PodiumError: it raised anything but for want of memory.
    """
    own, name = own_code(class_path(fit.params.model, fit.target.task)), fit.params.model
    try:
        with own.blamed(name.rpartition(".")[2]) if own else nullcontext():
            yield
    except OddPredictionsError as error:
        if own:
            own.fail(name.rpartition(".")[2], str(error))
        raise EstimatorError(f"{split.name}: {name}: {error}") from error
    except PodiumError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        advice = _advice(fit, str(error))
        raise EstimatorError(f"{split.name}: {name}: {said(error)}{advice}") from error


def _advice(fit: Fit[ImportedParams], message: str) -> str:
    if fit.params.inputs == "native" and "could not convert" in message:
        return "; it takes numbers only: inputs: dense"
    is_below = any(word in message for word in ("range", "negative", "positive"))
    if fit.target.is_regression and fit.params.scale_target and is_below:
        return "; scale_target: false leaves the target as it is"
    return ""
