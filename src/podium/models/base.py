"""The interface of models: a function from a dataset to predictions for every fold."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import ModelParams
from podium.config.folds import SCHEMES, FoldScheme
from podium.data.dataset import Dataset, Rows, Split
from podium.data.folds import target_bins
from podium.data.inner import Inner
from podium.data.targets import Target
from podium.metrics import Metric
from podium.runtime import compute
from podium.runtime.progress import SILENT, Reporter
from podium.runtime.resources import cores

Array = NDArray[np.float64]
T = TypeVar("T")
# A fold's model: from rows of its table to predictions on the model scale, shape (rows, outputs).
Predict = Callable[[pd.DataFrame], Array]
# The rows of a bin of numbers, at least: enough for any number of inner folds.
STRATUM = 10
# The class of the model's hyperparameters. Covariant: what fits a lasso can fit a subclass of it.
P_co = TypeVar("P_co", bound=ModelParams, covariant=True)


@dataclass(frozen=True)
class Curve:
    """The mean prediction, (values, outputs), when a feature has each of some values."""

    values: list[float] | list[str]
    mean: Array


@dataclass(frozen=True)
class Probed:
    """What a fold's model made of probes, by feature.

    ``importance``: the loss that is added when the feature is permuted; ``curves`` are there for
    the most important ones. ``problem`` says why there is neither.
    """

    importance: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    problem: str = ""


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work returns, and the seconds that it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


@dataclass(frozen=True)
class SplitFit:
    """The result of fitting one fold, on the model scale.

    ``valid`` has shape (validation rows, outputs), ``test`` (test rows, outputs); the stds, if a
    model estimates its uncertainty, have the same shapes. ``history`` has one dict per step (epoch,
    boosting round, alpha); ``details`` small facts (e.g. the chosen alpha); ``weights`` the content
    of each file by name, in formats that run no code when read. ``configurations``, of a model that
    tries several: one dict each, with its ``weight`` in the fold and its ``knobs``.

    ``found`` is what early stopping found: with it the model can be fitted on all rows, of which
    none is held out. ``predict_seconds`` is how long the test rows took. ``predict`` is the fold's
    model itself, of several seeds the first; ``Fit.finished`` asks it for ``probed``, which adds
    ``probe_seconds`` to the time of all folds, and lets it go.
    """

    valid: Array
    test: Array
    valid_std: Array | None = None
    test_std: Array | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    details: dict[str, float] = field(default_factory=dict)
    weights: dict[str, bytes] = field(default_factory=dict)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    predict_seconds: float = 0.0
    predict: Predict | None = None
    probed: Probed | None = None
    probe_seconds: float = 0.0
    found: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fit(Generic[P_co]):
    """The input of a model function: data, target, hyperparameters, metric, progress reporter.

    ``scratch`` is a folder for checkpoints of unfinished work; ``probe`` looks at a fold's model
    while it is there. ``found`` is what the folds found (``SplitFit.found``), their mean, where the
    model is fitted on all rows: it takes the place of early stopping.
    """

    dataset: Dataset
    target: Target
    params: P_co
    metric: Metric
    reporter: Reporter = SILENT
    scratch: Path | None = None
    probe: "Callable[[Fit[Any], Split, SplitFit], Probed] | None" = None
    found: Mapping[str, float] = field(default_factory=dict)

    def score(self, rows: Rows, predicted: Array) -> float:
        """The metric of predictions (model scale) for some rows; NaN if they are not finite."""
        with np.errstate(over="ignore"):
            decoded = self.target.decode(predicted)
            if not np.isfinite(decoded).all():
                return float("nan")
            return self.metric(self.dataset.y[rows], self.target.scorable(decoded))

    @property
    def y(self) -> Array:
        """The training target on the model scale, shape (n,); class codes for classification."""
        return self.target.encode(self.dataset.y)

    def weights(self, rows: Rows) -> Array | None:
        """The weights of some rows, their mean 1; None if the user's code gives none.

        They are for fitting alone: scores are unweighted.
        """
        weights = self.dataset.weights
        return None if weights is None else weights[rows] / weights[rows].mean()

    def inner(self, split: Split) -> Inner:
        """How a fold's training rows are split again, to tune a model."""
        dataset, rows = self.dataset, split.train_rows
        scheme = SCHEMES[dataset.schema.scheme]
        return Inner.of(
            dataset,
            scheme,
            rows,
            split.repeat,
            where=split.name,
            seed=self.params.seed,
            warn=self.reporter.warn,
            classes=self._strata(scheme, rows),
            gap=dataset.schema.gap,
        )

    def _strata(self, scheme: FoldScheme, rows: Rows) -> Array | None:
        """The rows' classes; bins of numbers where folds are stratified by them."""
        y = self.dataset.y[rows]
        if not self.target.is_regression:
            return y
        return target_bins(y, least=STRATUM) if scheme.stratifies else None

    def each_split(
        self, fit_one: Callable[[Split], SplitFit], what: str, workers: int = 1
    ) -> list[SplitFit]:
        """Fit every fold, ``workers`` at a time on one machine, and report progress.

        On a cluster each has as many threads as here, on which last digits may depend.
        """
        splits, pool = self.dataset.splits, compute.current()
        at_once = min(len(splits), pool.slots if pool.is_remote else min(workers, pool.slots))

        def finished(split: Split) -> SplitFit:
            return self.finished(split, fit_one(split), at_once)

        def place(number: int) -> str:
            return (
                f"{splits[0].name} rows" if splits[0].is_whole else f"fold {number}/{len(splits)}"
            )

        self.reporter.start(len(splits))
        self.reporter.update(0, f"{_place(splits, 1)}  {what}")
        fits = {}
        for number, fitted in pool.each(
            finished,
            splits,
            threads=max(1, cores() // workers),
            at_once=workers,
            names=[split.name for split in splits],
            on_event=lambda _, warning: self.reporter.warn(warning),
        ):
            fits[number] = fitted
            self.reporter.update(len(fits), f"{_place(splits, len(fits))}  {what}")
        return [fits[number] for number in range(len(splits))]

    def finished(self, split: Split, fitted: SplitFit, at_once: int = 1) -> SplitFit:
        """A fold's result without its model, which was asked for what is wanted of it.

        Args:
            split: the fold.
            fitted: the result with the model.
            at_once: how many folds are fitted at a time.
        """
        if self.probe is None or fitted.predict is None:
            return replace(fitted, predict=None)
        started = time.perf_counter()
        probed = self.probe(self, split, fitted)
        spent = (time.perf_counter() - started) / at_once
        return replace(fitted, predict=None, probed=probed, probe_seconds=spent)


def _place(splits: Sequence[Split], number: int) -> str:
    """Which of the splits it is, in words."""
    return "all rows" if splits[0].is_whole else f"fold {number}/{len(splits)}"


# Fits one model on every split of the dataset, in the order of ``dataset.splits``. Each function
# names the class of its own hyperparameters, ``Fit[RidgeParams]`` for one; the table of models
# (``config/models.py``) says which function belongs to which class.
ModelFunction = Callable[[Fit[Any]], list[SplitFit]]
