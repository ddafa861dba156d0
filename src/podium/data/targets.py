"""Converts between the competition's target and the numbers that models are trained on."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.target_scales import SCALES, Scale, fit_scale
from podium.metrics import Metric

Array = NDArray[np.float64]
# The least values of targets by their transforms; the logarithm takes nothing below.
LEAST = {"log": float(np.finfo(np.float64).tiny), "log1p": 0.0, "sqrt": 0.0}
_ABOVE_MINUS_1 = float(np.nextafter(-1.0, 0.0))


@dataclass(frozen=True)
class Target:
    """The kind of target of a competition.

    ``classes`` are the class names in code order, empty for regression. Predictions are arrays of
    shape (n, outputs): one column of values for regression, one of probabilities per class
    otherwise. The *model scale* is the transformed one (e.g. the log of the price); probabilities
    are the same on both scales.

    A transform that learns something does so from a fold's training rows alone: ``fitted`` has its
    ``scale``, on which that fold's model is trained. Without one, what all folds have in common
    (means over folds and seeds, blends) is on the target's own scale.

    ``name`` is the column's where there are several (``several_targets.py``).
    """

    task: str
    transform: str
    classes: tuple[str, ...] = ()
    scale: Scale | None = None
    name: str = ""

    @property
    def is_regression(self) -> bool:
        """Whether the target is a number."""
        return self.task == "regression"

    @property
    def outputs(self) -> int:
        """Columns of a prediction."""
        return 1 if self.is_regression else len(self.classes)

    @property
    def columns(self) -> list[str]:
        """The names of a prediction's columns in ``oof.parquet`` and ``test.parquet``."""
        return self._named("prediction", "prob")

    @property
    def decided_columns(self) -> list[str]:
        """The columns of the blend's ``oof.parquet`` with what thresholds or cut points decided."""
        return self._named("decided", "decided")

    @property
    def nested_columns(self) -> list[str]:
        """The columns of the blend's ``oof.parquet`` with its own predictions.

        It has them where a model is submitted in the blend's place: ``columns`` are that model's.
        """
        return [f"nested_{name}" for name in self.columns]

    @property
    def nested_decided_columns(self) -> list[str]:
        """The same for ``decided_columns``."""
        return [f"nested_{name}" for name in self.decided_columns]

    def _named(self, number: str, of_class: str) -> list[str]:
        own = f"_{self.name}" if self.name else ""
        if self.is_regression:
            return [f"{number}{own}"]
        return [f"{of_class}{own}_{name}" for name in self.classes]

    def columns_without(self, fold: int) -> list[str]:
        """Their names in ``oof.parquet`` for models that were fitted without a fold's rows."""
        return [f"{name}_without_fold{fold}" for name in self.columns]

    @property
    def is_learnt(self) -> bool:
        """Whether the transform learns something of the target."""
        return self.transform in SCALES

    def fitted(self, y: Array) -> "Target":
        """The same with a scale learnt from the targets of training rows, shape (n,)."""
        return replace(self, scale=fit_scale(self.transform, y))

    def encode(self, values: Array) -> Array:
        """Values to the model scale; shapes are kept.

        A prediction can be decoded to less than what the logarithm takes (0, -1), by rounding.
        """
        if self.scale is not None:
            return self.scale.encode(values)
        if self.transform == "sqrt":
            return np.sqrt(np.maximum(values, 0.0))
        if self.transform == "log":
            return np.log(np.maximum(values, LEAST["log"]))
        return np.log1p(np.maximum(values, _ABOVE_MINUS_1)) if self.transform == "log1p" else values

    def decode(self, values: Array) -> Array:
        """Values from the model scale; shapes are kept."""
        if self.scale is not None:
            return self.scale.decode(values)
        if self.transform == "sqrt":
            return np.square(np.maximum(values, 0.0))
        if self.transform == "log":
            return np.exp(values)
        return np.expm1(values) if self.transform == "log1p" else values

    def least(self, metric: Metric) -> float:
        """The least value that a prediction can have, by the transform and the metric."""
        if not self.is_regression:
            return -np.inf
        return max(LEAST.get(self.transform, -np.inf), metric.least_prediction)

    def scorable(self, prediction: Array) -> Array:
        """A decoded prediction in the shape for metrics: (n,) for regression, else (n, k)."""
        return prediction[:, 0] if self.is_regression else prediction

    def frame(
        self, ids: "pd.Series[object]", prediction: Array, std: Array | None = None
    ) -> pd.DataFrame:
        """A table of ids and predictions, the format of ``oof.parquet`` and ``test.parquet``.

        A std, if given, adds one column for each column of the prediction.
        """
        table = pd.DataFrame(prediction, columns=self.columns)
        table.insert(0, str(ids.name), ids.to_numpy())
        if std is not None:
            table[[f"std_{name}" for name in self.columns]] = std
        return table
