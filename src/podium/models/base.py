"""What a model is to the pipeline: a function from a dataset to predictions of every fold."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.config import ModelParams
from podium.data.dataset import Dataset, Split
from podium.data.targets import Target
from podium.metrics import Metric
from podium.runtime.progress import SILENT, Reporter

Array = NDArray[np.float64]
# The class of the model's hyperparameters. Covariant: what fits a lasso can fit a subclass of it.
P_co = TypeVar("P_co", bound=ModelParams, covariant=True)


@dataclass(frozen=True)
class SplitFit:
    """What fitting one fold gives, on the model scale.

    ``valid`` has shape (validation rows, outputs), ``test`` (test rows, outputs); the
    stds, where a model knows how unsure it is, have the same shapes. ``history`` has one dict
    a step (epoch, boosting round, alpha); ``details`` small facts (the chosen alpha);
    ``weights`` file names and the bytes of each, in formats that run no code when read.
    """

    valid: Array
    test: Array
    valid_std: Array | None = None
    test_std: Array | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    details: dict[str, float] = field(default_factory=dict)
    weights: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Fit(Generic[P_co]):
    """All a model function gets: the data, the target's kind, its knobs, and whom to tell.

    ``scratch`` is a folder where unfinished work may be kept for the next try.
    """

    dataset: Dataset
    target: Target
    params: P_co
    metric: Metric
    reporter: Reporter = SILENT
    scratch: Path | None = None

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


# Fits one model on every split of the dataset, in the order of ``dataset.splits``. Each function
# names the class of its own hyperparameters, ``Fit[RidgeParams]`` for one; the table of models
# (``config/models.py``) says which function belongs to which class.
ModelFunction = Callable[[Fit[Any]], list[SplitFit]]
