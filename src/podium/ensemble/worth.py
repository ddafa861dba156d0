"""What each model is worth to the blend: by how much it is worse without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from podium.config import Ensemble
from podium.data.several_targets import each_target, scored_by
from podium.data.targets import Target
from podium.ensemble.blend import blend
from podium.ensemble.fitting import spread
from podium.ensemble.jackknife import difference
from podium.ensemble.scoring import Mask, Rows
from podium.metrics import Array, Metric

# The blend is made again without each model on no more rows, evenly chosen; by fewer rounds where
# the metric moves in steps, for which weights are fitted in two ways.
MOST_ROWS, STEPWISE_ROUNDS = 5_000, 20


@dataclass(frozen=True)
class Worth:
    """By how much the blend's nested score gets worse without a model; below 0 it gets better.

    ``error`` is the standard error of that difference, over rows (``jackknife.py``).
    """

    without: float
    error: float


def worth(
    spec: Ensemble,
    oof: Array,
    y: Array,
    fold_of_row: Rows,
    target: Target,
    metric: Metric,
    inner: Array | None = None,
    trained: Mask | None = None,
    methods: Mapping[str, str] | None = None,
) -> list[Worth]:
    """Of each model, in order; none for a single model. Arguments as of ``blend_targets``.

    ``methods`` has, by the names of targets, what ``auto`` chose for all models: it is not chosen
    again.
    """
    if len(oof) < 2:
        return []
    rows = np.flatnonzero(fold_of_row >= 0)
    rows = rows[spread(len(rows), MOST_ROWS)]
    given = _Given(
        _quick(spec, metric),
        oof[:, rows],
        y[rows],
        fold_of_row[rows],
        target,
        metric,
        None if inner is None else inner[:, :, rows],
        None if trained is None else trained[rows],
        methods or {},
    )
    places = range(len(oof))
    whole = given.blended(list(places))
    scored, found = scored_by(target, metric), []
    for own in places:
        rest = given.blended([place for place in places if place != own])
        found.append(Worth(*difference(scored, given.y, rest, whole)))
    return found


def _quick(spec: Ensemble, metric: Metric) -> Ensemble:
    rounds = min(spec.rounds, STEPWISE_ROUNDS) if metric.stepwise else spec.rounds
    return spec.model_copy(update={"rounds": rounds, "submit": "blend"})


@dataclass(frozen=True)
class _Given:
    """The rows on which the blend is made again."""

    spec: Ensemble
    oof: Array
    y: Array
    fold_of_row: Rows
    target: Target
    metric: Metric
    inner: Array | None
    trained: Mask | None
    methods: Mapping[str, str]

    def blended(self, models: Sequence[int]) -> Array:
        """What is scored of the blend of these models, all targets beside each other."""
        found = []
        for own in each_target(self.target):
            method = self.methods.get(own.name, self.spec.method)
            oof = own.of(self.oof[models])
            inner = None if self.inner is None else own.of(self.inner[:, models])
            made = blend(
                self.spec.model_copy(update={"method": method}),
                oof,
                oof[:, :1],
                own.y(self.y),
                self.fold_of_row,
                own.target,
                self.metric,
                inner,
                self.trained,
            )
            found.append(made.blended.decided)
        return self.target.scorable(np.concatenate(found, axis=1))
