"""The blend of several targets: weights for each, as if it were the only one; results joined.

What is submitted is decided for each target as well: where a model is better than the target's
blend, the blend of all has that model alone for the target.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.config import Ensemble
from podium.data.several_targets import each_target
from podium.data.targets import Target
from podium.ensemble.blend import Blend, blend
from podium.ensemble.scoring import Mask, Rows, Scored
from podium.metrics import Array, Metric


@dataclass(frozen=True)
class _Joined(Scored):
    """Predictions of several targets; ``labels`` are those of the test rows after decisions."""

    labels: Array

    @property
    def decided_test(self) -> Array:
        """What is submitted."""
        return self.labels


def blend_targets(
    spec: Ensemble,
    oof: Array,
    test: Array,
    y: Array,
    fold_of_row: Rows,
    target: Target,
    metric: Metric,
    inner: Array | None = None,
    trained: Mask | None = None,
) -> Blend:
    """``blend``, for each of several targets; their scores are means, and so are weights.

    ``parts`` of the result has each target's own blend.
    """
    blends = {
        own.name: blend(
            spec,
            own.of(oof),
            own.of(test),
            own.y(y),
            fold_of_row,
            own.target,
            metric,
            None if inner is None else own.of(inner),
            trained,
        )
        for own in each_target(target)
    }
    return next(iter(blends.values())) if len(blends) == 1 else _joined(blends)


def _joined(of_each: Mapping[str, Blend]) -> Blend:
    blends = list(of_each.values())
    chosen = {one.chosen for one in blends}
    # One model that is the best for every target is submitted under its own name.
    alone = next(iter(chosen)) if len(chosen) == 1 else None
    models = zip(*(one.models for one in blends), strict=True)
    return Blend(
        weights=_mean([one.weights if alone is not None else _used(one) for one in blends]),
        fold_weights=_mean([one.fold_weights for one in blends]),
        blended=_beside([one.blended if alone is not None else one.submitted for one in blends]),
        models=[_beside(scored) for scored in models],
        chosen=alone,
        raised=sum(one.raised for one in blends),
        same_rows=float(np.mean([one.same_rows for one in blends])),
        method=blends[0].method if len({one.method for one in blends}) == 1 else "",
        parts=of_each,
    )


def _used(one: Blend) -> Array:
    """The weights of what is submitted for a target: a model's own are 1."""
    if one.chosen is None:
        return one.weights
    return np.eye(len(one.weights))[one.chosen]


def _beside(scored: Sequence[Scored]) -> Scored:
    return _Joined(
        oof=np.concatenate([one.oof for one in scored], axis=1),
        test=np.concatenate([one.test for one in scored], axis=1),
        score=float(np.mean([one.score for one in scored])),
        fold_scores=np.mean([one.fold_scores for one in scored], axis=0).tolist(),
        decided=np.concatenate([one.decided for one in scored], axis=1),
        decision=None,
        fold_decisions=[],
        labels=np.concatenate([one.decided_test for one in scored], axis=1),
    )


def _mean(parts: Sequence[NDArray[np.float64]]) -> Array:
    return np.asarray(np.mean(parts, axis=0))
