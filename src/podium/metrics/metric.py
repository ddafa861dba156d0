"""A metric: name, direction, domain, tasks, and the kind of predictions it needs.

Arrays are row-aligned. ``y`` is the true target, shape (n,): numbers for regression, class codes
0..k-1 for classification. ``p`` is the prediction: shape (n,) for regression, class probabilities
of shape (n, k) for binary and multiclass; the predicted label is the most probable class.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The least prediction of metrics that take only positive ones: at 0 their value is infinite.
POSITIVE = 1e-9
# The least positive number: the minimum of targets that may not be 0.
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Metric:
    """A scoring rule.

    ``needs`` is what a submission contains: ``values`` (numbers), ``labels``, ``probabilities``, or
    ``ranking`` (the ``parameter`` most probable labels).
    ``minimum`` is the smallest target and prediction that the metric allows; None for any number.
    ``positive``: predictions must be above 0, whatever targets may be.
    ``stepwise``: a small change of a prediction mostly changes nothing, or makes a jump (labels,
    ranks), so that a smooth loss is the better guide where something is fitted.
    ``of_counts`` has the score of confusion matrices, shape (..., k, k), true by predicted class,
    where other labels than the most probable ones may score higher: labels are then decided by
    thresholds. ``cut_points``: labels are ordered, and cut points decide. ``decisions.py`` tunes
    both. ``parameter`` is the number in the metric's name, e.g. 0.9 of ``pinball_0.9``.
    """

    name: str
    title: str
    function: Callable[[Array, Array], float]
    tasks: tuple[str, ...]
    needs: str
    greater_is_better: bool = False
    minimum: float | None = None
    stepwise: bool = False
    positive: bool = False
    of_counts: Callable[[Array], Array] | None = None
    cut_points: bool = False
    parameter: float | None = None

    def __call__(self, y: Array, p: Array) -> float:
        """The score of predictions ``p`` for targets ``y``; NaN where the metric is undefined.

        That is ROC AUC of rows of one class, and R² of equal targets.
        """
        return float(self.function(y, p))

    def loss(self, y: Array, p: Array) -> float:
        """The score with a sign such that lower is better."""
        return self.as_loss(self(y, p))

    def as_loss(self, score: float) -> float:
        """A score with a sign such that lower is better."""
        return -score if self.greater_is_better else score

    @property
    def family(self) -> str:
        """The name without the number: ``pinball`` of ``pinball_0.9``."""
        return self.name if self.parameter is None else re.split("[_@]", self.name)[0]

    @property
    def is_tuned(self) -> bool:
        """Whether labels are decided by tuned thresholds or cut points."""
        return self.of_counts is not None or self.cut_points

    @property
    def least_prediction(self) -> float:
        """The least prediction that the metric allows; minus infinity for any."""
        if self.positive:
            return POSITIVE
        return -np.inf if self.minimum is None else self.minimum

    def below(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values are below the metric's domain; the shape is kept."""
        return values < (-np.inf if self.minimum is None else self.minimum)

    @property
    def below_in_words(self) -> str:
        """The word for such a value in error messages, e.g. ``negative``."""
        if self.minimum == TINY:
            return "not positive"
        return "negative" if self.minimum == 0 else f"below {self.minimum}"
