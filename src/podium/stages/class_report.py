"""What stages show of predicted classes: which are mistaken for which, how sure, the worst."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition
from podium.data import kinds
from podium.data.dataset import Dataset
from podium.io import paths
from podium.reporting import class_plots, classes

if TYPE_CHECKING:
    from podium.data.images.dataset import ImageDataset

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClassReport:
    """The numbers of one model's or the blend's OOF predictions.

    ``predictions`` has one row a training row: actual and predicted class.
    """

    predictions: pd.DataFrame
    confusion: pd.DataFrame
    scores: pd.DataFrame
    reliability: pd.DataFrame
    worst: pd.DataFrame

    @property
    def ece(self) -> float:
        """The expected calibration error."""
        return classes.ece(self.reliability)

    def write(self, folder: Path) -> None:
        """Write the numbers as csv files, ``predictions.csv`` and so on, into a folder."""
        folder.mkdir(exist_ok=True)
        for name, table in vars(self).items():
            table.to_csv(
                folder / f"{name}.csv",
                index=name == "confusion",
                float_format="%.6g",
                lineterminator="\n",
            )

    def draw(self, folder: Path, model: str, prefix: str = "") -> None:
        """Draw the numbers as PNG files, their names beginning with ``prefix``."""
        for name, (draw, table) in class_plots.CLASS_PLOTS.items():
            draw(getattr(self, table), folder / f"{prefix}{name}.png", model)

    def draw_worst(self, dataset: Dataset, path: Path, model: str) -> None:
        """The worst-predicted images on one sheet; nothing where rows are no images."""
        if dataset.kind == "image":
            pixels = cast("ImageDataset", dataset).train
            images = np.asarray(pixels[self.worst["row"].to_numpy()])
            title = f"{model}: the {len(self.worst)} worst-predicted images"
            class_plots.contact_sheet(images, self.worst, path, title)


def draw_worst_of(competition: Competition, found: ClassReport, path: Path, model: str) -> None:
    """The worst-predicted images of a competition on one sheet; a table is not even read."""
    if competition.kind == "image":
        dataset = kinds.of(competition).read(paths.processed(competition.name))
        found.draw_worst(dataset, path, model)


def class_report(
    y: Array,
    probabilities: Array,
    ids: "pd.Series[Any]",
    names: tuple[str, ...],
    decided: Array | None = None,
) -> ClassReport:
    """The numbers of OOF probabilities, shape (n, classes), for class codes ``y``, shape (n,).

    ``decided``, of the same shape, is 1 for the predicted class, where thresholds decided it. Rows
    without probabilities, which no fold validates, are left out.
    """
    seen = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    labels = (probabilities if decided is None else decided)[seen]
    y, probabilities = y[seen], probabilities[seen]
    worst = classes.worst(y, probabilities, ids.iloc[seen], names)
    worst["row"] = seen[worst["row"]]
    scores = classes.class_scores(y, labels, names)
    scores["mean_probability"] = classes.mean_probability(y, probabilities)
    return ClassReport(
        predictions=classes.labels(y, labels, names),
        confusion=classes.confusion(y, labels, names),
        scores=scores,
        reliability=classes.reliability(y, probabilities),
        worst=worst,
    )
