"""``--features``: what preprocessing does, rather than the model's knobs.

Each trial preprocesses in a temporary folder, and fits the model as it is. Searched are the knobs
of ``preprocess`` that shape what models see, and which of the block's ``features`` there are.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from podium.config import Competition, TableCompetition
from podium.config.search import read_search
from podium.config.space import Axis, Knob, Space, make_space
from podium.io.errors import PodiumError
from podium.models.trials import TrialFit
from podium.stages.tune.evaluate import Evaluator, Task, fit_prepared

# What ships for every table.
PREPROCESS: Mapping[str, Mapping[str, Any]] = {
    "clip": {"choices": [None, 2.0, 2.5, 3.0, 4.0, 6.0]},
    "log_skewed": {"choices": [None, 0.5, 0.75, 1.0, 2.0]},
    "min_count": {"choices": ["auto", 2, 5, 10, 20, 50]},
    "na_indicators": {"choices": ["none", "observed", "categorical"]},
}
# A feature's switch is called so.
PREFIX = "features."
# Of more features each has too little to say.
MOST_SWITCHES = 30


def feature_space(competition: Competition) -> Space:
    """The knobs of ``preprocess``, and a switch for each feature of the block.

    Raises:
        PodiumError: the competition is no table.
    """
    if not isinstance(competition, TableCompetition):
        raise PodiumError(
            f"{competition.name}: --features is for tables; search an image model's knobs instead"
        )
    knobs = make_space(competition.preprocess, read_search(PREPROCESS)).knobs
    names = list(competition.features.made)[:MOST_SWITCHES]
    switches = [
        Knob(f"{PREFIX}{name}", "choice", (Axis(f"{PREFIX}{name}", choices=("true", "false")),))
        for name in names
    ]
    return Space((*knobs, *switches))


@dataclass(frozen=True)
class FeatureCandidates:
    """Makes a trial's competition of its values; the fields are those of ``Candidates``."""

    task: Task
    current: Mapping[str, Any]
    own: Mapping[str, Any]
    cheaper: Mapping[str, Any]
    dearer: float = 1.0

    @classmethod
    def of(cls, task: Task, knobs: Sequence[str]) -> "FeatureCandidates":
        """Those of a competition: all features on, ``preprocess`` as it is."""
        assert isinstance(task.competition, TableCompetition)
        block = task.competition.preprocess
        own = {name: True if name.startswith(PREFIX) else getattr(block, name) for name in knobs}
        return cls(task, own, own, {})

    def on(self, own: Mapping[str, Any]) -> "FeatureCandidates":
        """The same, where ``own`` are the values that stand for the competition as it is."""
        return replace(self, own=own)

    def trial(self, values: Mapping[str, Any]) -> Competition:
        """The competition with these values."""
        competition = self.task.competition
        assert isinstance(competition, TableCompetition)
        off = set(switched_off(values))
        made = {
            name: feature for name, feature in competition.features.made.items() if name not in off
        }
        knobs = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
        preprocess = type(competition.preprocess).model_validate(
            {**competition.preprocess.model_dump(), **knobs}
        )
        features = competition.features.model_copy(update={"made": made})
        return competition.model_copy(update={"preprocess": preprocess, "features": features})

    whole = trial

    def is_current(self, values: Mapping[str, Any]) -> bool:
        """Whether these are the values of the competition as it is."""
        return dict(values) == dict(self.own)


def switched_off(values: Mapping[str, Any]) -> Iterator[str]:
    """The features that a trial does without."""
    for name, value in values.items():
        if name.startswith(PREFIX) and not value:
            yield name.removeprefix(PREFIX)


class FeatureEvaluator(Evaluator):
    """Preprocesses and fits one competition after the other."""

    def batch(
        self, params: Sequence[Any], deadline: float | None, kept: Collection[int] = ()
    ) -> list[TrialFit]:
        """As of every evaluator, of competitions."""
        return [self.prepared(own, deadline) for own in params]

    def prepared(self, competition: Competition, deadline: float | None) -> TrialFit:
        """One competition, preprocessed."""
        params = competition.models[self.task.model]
        if deadline is None:
            return fit_prepared(competition, self.task.model, params)
        return self.living().ask((competition, params), deadline)
