"""What a model is to the pipeline: a function from a dataset to predictions of every fold."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import ModelParams
from podium.metrics import Metric
from podium.progress import SILENT, Reporter
from podium.tabular.dataset import Dataset, Split
from podium.targets import Target

Array = NDArray[np.float64]

HISTORY = ["repeat", "fold", "seed", "step", "train_loss", "valid_loss"]


@dataclass(frozen=True)
class SplitFit:
    """What fitting one fold gives, on the model scale.

    ``valid`` has shape (validation rows, outputs), ``test`` (test rows, outputs). ``history`` has
    one dict a step (epoch, boosting round, alpha); ``details`` small facts (the chosen alpha);
    ``weights`` file names and the bytes of each, in formats that run no code when read.
    """

    valid: Array
    test: Array
    history: list[dict[str, float]] = field(default_factory=list)
    details: dict[str, float] = field(default_factory=dict)
    weights: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Fit:
    """All a model function gets: the data, the target's kind, its knobs, and whom to tell."""

    dataset: Dataset
    target: Target
    params: Any
    reporter: Reporter = SILENT

    @property
    def y(self) -> Array:
        """The training target on the model scale, shape (n,); class codes for classification."""
        return self.target.encode(self.dataset.y)

    def each_split(
        self, fit_one: Callable[[Split], SplitFit], what: str, workers: int = 1
    ) -> list[SplitFit]:
        """Fit every fold, so many at once, telling the reporter."""
        splits = self.dataset.splits
        self.reporter.start(len(splits))
        self.reporter.update(0, f"fold 1/{len(splits)}  {what}")
        fits = []
        # Threads are enough: what takes the time (LightGBM, linear algebra) runs outside the GIL.
        with ThreadPoolExecutor(workers) as pool:
            for done, fitted in enumerate(pool.map(fit_one, splits), start=1):
                fits.append(fitted)
                self.reporter.update(done, f"fold {done}/{len(splits)}  {what}")
        return fits


class ModelFunction(Protocol):
    """Fits one model on every split of the dataset, in the order of ``dataset.splits``."""

    def __call__(self, fit: Fit) -> list[SplitFit]:
        """Fit every split."""
        ...


@dataclass(frozen=True)
class ModelResult:
    """A fitted model's predictions (decoded) and scores.

    ``oof`` has shape (n, outputs): each training row predicted by the fold that did not train on
    it, averaged over repeats. ``test`` has shape (test rows, outputs): the mean over folds, taken
    on the model scale. ``fold_scores`` has one score per split.
    """

    oof: Array
    test: Array
    score: float
    fold_scores: list[float]
    fit_seconds: float
    history: pd.DataFrame
    details: list[dict[str, float]]
    weights: dict[str, bytes]


def fit_model(
    params: ModelParams,
    dataset: Dataset,
    target: Target,
    metric: Metric,
    reporter: Reporter = SILENT,
) -> ModelResult:
    """Fit the model that ``params`` describes on every fold and score its OOF predictions."""
    from podium.models.registry import model_function

    fit = Fit(dataset, target, params, reporter)
    started = time.perf_counter()
    splits = model_function(params.model)(fit)
    seconds = time.perf_counter() - started
    oof = target.decode(_out_of_fold(dataset, splits, target.outputs))
    return ModelResult(
        oof=oof,
        test=target.decode(np.mean([split.test for split in splits], axis=0)),
        score=metric(dataset.y, target.scorable(oof)),
        fold_scores=_fold_scores(dataset, splits, target, metric),
        fit_seconds=seconds,
        history=_history(dataset, splits),
        details=[split.details for split in splits],
        weights={
            f"{split.name}.{name}": content
            for split, fitted in zip(dataset.splits, splits, strict=True)
            for name, content in fitted.weights.items()
        },
    )


def _out_of_fold(dataset: Dataset, fits: list[SplitFit], outputs: int) -> Array:
    total = np.zeros((len(dataset.y), outputs))
    for split, fitted in zip(dataset.splits, fits, strict=True):
        total[split.valid_rows] += fitted.valid
    return total / dataset.folds.shape[1]


def _fold_scores(
    dataset: Dataset, fits: list[SplitFit], target: Target, metric: Metric
) -> list[float]:
    return [
        metric(dataset.y[split.valid_rows], target.scorable(target.decode(fitted.valid)))
        for split, fitted in zip(dataset.splits, fits, strict=True)
    ]


def _history(dataset: Dataset, fits: list[SplitFit]) -> pd.DataFrame:
    rows = [
        {"repeat": split.repeat, "fold": split.fold, "seed": 0, **row}
        for split, fitted in zip(dataset.splits, fits, strict=True)
        for row in fitted.history
    ]
    table = pd.DataFrame(rows, columns=None if rows else HISTORY)
    return table[[*HISTORY, *(name for name in table if name not in HISTORY)]]
