"""Several targets: models see one at a time, all else sees their predictions joined.

Predictions of several targets have the columns of each beside each other, in the targets' order;
``y`` has shape (n, targets). What is done for each target is done in a loop over ``each_target``,
which a single target goes through once.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.data.dataset import Dataset
from podium.data.targets import Target
from podium.metrics import Metric

Array = NDArray[np.float64]
# Of more targets the others have no pictures and no curves of their own.
MOST_SHOWN = 4


@dataclass(frozen=True)
class SeveralTargets(Target):
    """Several targets as one: ``parts`` has each. Scores of it are means over the targets."""

    parts: tuple[Target, ...] = ()

    @property
    def outputs(self) -> int:
        """Columns of a prediction: of all targets."""
        return sum(part.outputs for part in self.parts)

    @property
    def columns(self) -> list[str]:
        """The names of a prediction's columns, each with its target's."""
        return [name for part in self.parts for name in part.columns]

    @property
    def decided_columns(self) -> list[str]:
        """The same of what thresholds or cut points decided."""
        return [name for part in self.parts for name in part.decided_columns]

    def fitted(self, y: Array) -> Target:
        """There is no scale of several targets: each is fitted alone."""
        raise NotImplementedError

    def scorable(self, prediction: Array) -> Array:
        """All columns: the metric is that of ``scored_by``."""
        return prediction


@dataclass(frozen=True)
class OneTarget:
    """One of the targets, and where it is among all; ``label`` is a name for files and runs.

    Name and label are empty, and ``place`` is None, where there is no other.
    """

    target: Target
    columns: slice
    name: str = ""
    label: str = ""
    place: int | None = None

    def y(self, y: Array) -> Array:
        """Its true values, shape (n,), of those of all."""
        return y if self.place is None else y[:, self.place]

    def of(self, prediction: Array) -> Array:
        """Its columns of a prediction, whose last axis are the columns of all."""
        return prediction[..., self.columns]

    def dataset(self, dataset: Dataset) -> Dataset:
        """What its models see."""
        return dataset if self.place is None else dataset.of_target(self.place)

    def file(self, stem: str) -> str:
        """A file's name without suffix: ``worst``, or ``worst-height`` of several targets."""
        return f"{stem}-{self.label}" if self.label else stem

    def key(self, name: str) -> str:
        """A metric's name: ``cv``, or ``cv.height`` of several targets."""
        return f"{name}.{self.label}" if self.label else name


def make_target(task: str, transform: str, names: Sequence[str], classes_of: Any) -> Target:
    """The kind of target of a competition.

    Args:
        task: the competition's.
        transform: its ``target_transform``, the same for all targets.
        names: the columns to predict.
        classes_of: the class names of each in code order; none for regression.
    """
    parts = [Target(task, transform, tuple(classes)) for classes in classes_of]
    if len(parts) == 1:
        return parts[0]
    named = [replace(part, name=name) for part, name in zip(parts, names, strict=True)]
    return SeveralTargets(task, transform, parts=tuple(named))


def each_target(target: Target) -> Iterator[OneTarget]:
    """Each of several targets, in order; or the only one."""
    if not isinstance(target, SeveralTargets):
        yield OneTarget(target, slice(None))
        return
    start = 0
    labels = _labels([part.name for part in target.parts])
    for place, (part, label) in enumerate(zip(target.parts, labels, strict=True)):
        end = start + part.outputs
        yield OneTarget(part, slice(start, end), part.name, label, place)
        start = end


def shown_targets(target: Target) -> list[OneTarget]:
    """The first targets, which have pictures and curves of their own."""
    return list(each_target(target))[:MOST_SHOWN]


def _labels(names: Sequence[str]) -> list[str]:
    """Names of letters, digits, '_', '-' and '.', all different."""
    plain = [re.sub(r"[^A-Za-z0-9_.-]+", "_", name) for name in names]
    lower = [name.lower() for name in plain]
    return [
        name if lower.count(name.lower()) == 1 else f"{name}-{place}"
        for place, name in enumerate(plain)
    ]


def scored_by(target: Target, metric: Metric) -> Metric:
    """The metric of a prediction of all targets: of several the mean of theirs."""
    targets = list(each_target(target))
    if len(targets) == 1:
        return metric

    def mean(y: Array, p: Array) -> float:
        return float(np.mean([metric(own.y(y), own.target.scorable(own.of(p))) for own in targets]))

    return replace(metric, function=mean, title=f"{metric.title}, mean over {len(targets)} targets")
