"""The search itself: ask for a batch, evaluate it, tell the study, until the budget is used up."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from podium.config import ModelParams
from podium.config.space import configured
from podium.models.several_targets import resolve_for_first
from podium.models.trials import TrialFit
from podium.stages.tune.budget import Budget
from podium.stages.tune.evaluate import Evaluator, Task
from podium.stages.tune.prune import Pruner
from podium.stages.tune.study import Asked, StoredStudy

Told = Callable[[Asked, TrialFit], None]


@dataclass(frozen=True)
class Candidates:
    """Makes a trial's configuration of its values.

    ``current`` are the values that the searched knobs have now. A trial of these is the model as it
    is, also where the space can't say it exactly (a dropout rate for each layer). Networks and
    trees that are averaged over ``seeds`` are tried with one seed, unless that is searched.
    """

    params: ModelParams
    current: Mapping[str, Any]
    own: Mapping[str, Any]
    cheaper: Mapping[str, Any]
    dearer: float

    @classmethod
    def of(cls, task: Task, knobs: Sequence[str]) -> "Candidates":
        """Those of a model."""
        params = task.params
        resolved = resolve_for_first(params, task.dataset, task.target, task.metric)
        own = {name: getattr(resolved, name, None) for name in knobs}
        seeds = getattr(resolved, "seeds", 1)
        cheaper = {"seeds": 1} if seeds != 1 and "seeds" not in knobs else {}
        return cls(params, own, own, cheaper, float(seeds) if cheaper else 1.0)

    def on(self, own: Mapping[str, Any]) -> "Candidates":
        """The same, where ``own`` are the values that stand for the model as it is."""
        return Candidates(self.params, self.current, own, self.cheaper, self.dearer)

    def trial(self, values: Mapping[str, Any]) -> ModelParams:
        """What a trial fits.

        Raises:
            ValidationError: the values don't go together.
        """
        return configured(self.params, {**self.cheaper, **self._changed(values)})

    def whole(self, values: Mapping[str, Any]) -> ModelParams:
        """What params.yaml would have, with all seeds.

        Raises:
            ValidationError: the values don't go together.
        """
        changed = self._changed(values)
        return configured(self.params, changed) if changed else self.params

    def is_current(self, values: Mapping[str, Any]) -> bool:
        """Whether these are the values of the model as it is."""
        return dict(values) == dict(self.own)

    def _changed(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {} if self.is_current(values) else values


def search(
    study: StoredStudy,
    candidates: Any,
    evaluator: Evaluator,
    budget: Budget,
    told: Told,
) -> None:
    """Try configurations until the budget is used up, or the space."""
    while count := budget.next_batch():
        started = time.monotonic()
        asked = study.ask(count)
        if not asked:
            return
        fits = _evaluate(asked, candidates, evaluator, budget.deadline, told, study)
        budget.measured(fits, time.monotonic() - started)
        if any(fit.state == "out_of_time" for fit in fits):
            return


def _evaluate(
    asked: Sequence[Asked],
    candidates: Any,
    evaluator: Evaluator,
    deadline: float | None,
    told: Told,
    study: StoredStudy,
) -> list[TrialFit]:
    """Fit a batch; configurations that can't be are told as failed."""
    valid: list[tuple[Asked, Any]] = []
    for one in asked:
        try:
            valid.append((one, candidates.trial(one.values)))
        except ValidationError as error:
            what = error.errors()[0]["msg"].removeprefix("Value error, ")
            fit = TrialFit(None, [], 0.0, "failed", [], what)
            study.tell(one, fit)
            told(one, fit)
    # The model as it is: what all others are compared with in the end.
    kept = [place for place, (one, _) in enumerate(valid) if candidates.is_current(one.values)]
    fits = evaluator.batch([params for _, params in valid], deadline, kept) if valid else []
    for (one, _), fit in zip(valid, fits, strict=True):
        study.tell(one, fit)
        told(one, fit)
    failed = [TrialFit(None, [], 0.0, "failed", [])] * (len(asked) - len(valid))
    return [*fits, *failed]


def with_history(pruner: Pruner, study: StoredStudy) -> Pruner:
    """The pruner, with what the study has already: mean curves of trials, and scores of folds."""
    known = study.finished()
    pruner.finished += [
        {at: np.array([pruner.sign * score]) for at, score in enumerate(trial.curve, start=1)}
        for trial in known
        if trial.curve
    ]
    pruner.raced += [pruner.sign * np.array(trial.fold_scores) for trial in known]
    return pruner
