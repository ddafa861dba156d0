"""The stored study: what was tried and how it scored, shared by all who search in it.

It outlives its processes: a trial whose process was killed is marked as failed, and its values are
queued again. It remembers what it is about (data, folds, metric, space), and refuses anything else.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.config.space import Space
from podium.io.errors import PodiumError, without_password
from podium.io.text import printable
from podium.metrics import Metric
from podium.models.trials import TrialFit
from podium.runtime import processes
from podium.stages.tune.samplers import make_sampler

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

ABOUT, SPACE = "podium.about", "podium.space"
OWNER, UNTIL = "podium.owner", "podium.until"
STATE, SECONDS, FOLDS, CURVE = "state", "seconds", "folds", "curve"
# The knobs of the configuration as it is, as text: its point may say them roughly.
VALUES = "podium.values"
# Of what a study is about: the knobs that it doesn't search.
KNOBS = "fixed knobs"
# A search without a time that it ends at: its trials are lost after a day.
LONGEST = 24 * 3600.0
# Of another machine, whose clock may differ.
SLACK = 120.0
# Draws for one place of a batch before a point that was tried is no more drawn again.
MOST_DRAWS = 20
# Points of a stored curve.
MOST_CURVE = 200


@dataclass(frozen=True)
class Asked:
    """A trial to evaluate: its number, its point, and the knobs' values."""

    number: int
    point: Mapping[str, Any]
    values: Mapping[str, Any]
    trial: "Trial"


@dataclass(frozen=True)
class Finished:
    """A trial that has ended: with a score if it is complete."""

    number: int
    values: Mapping[str, Any]
    score: float | None
    state: str
    seconds: float
    fold_scores: Sequence[float]
    curve: Sequence[float]
    ended: float


class StoredStudy:
    """A study in a storage, and the sampler that is asked."""

    def __init__(self, study: "OptunaStudy", space: Space, metric: Metric, ends: float) -> None:
        self.study, self.space, self.metric = study, space, metric
        # Of a grid nothing is tried but what is queued.
        self.only_queued = False
        self.owner = f"{processes.machine()} {processes.this_process()}"
        self.ends = ends

    def ask(self, count: int) -> list[Asked]:
        """Up to so many new trials, no two of them the same; fewer where the space has no more."""
        asked: list[Asked] = []
        for _ in range(count):
            one = self._ask_new()
            if one is None:
                break
            asked.append(one)
        return asked

    def _ask_new(self) -> Asked | None:
        """A trial that nobody has tried or is trying."""
        from optuna.samplers import RandomSampler
        from optuna.trial import TrialState

        if self.only_queued and not self.queued:
            return None
        sampler = self.study.sampler
        try:
            for draw in range(MOST_DRAWS):
                trial = self.study.ask(self.space.distributions())
                values = self._values(trial)
                # Of two processes that draw the same at the same time, the first keeps it.
                if _key(values) not in self._tried(trial.number):
                    trial.set_user_attr(OWNER, self.owner)
                    trial.set_user_attr(UNTIL, self.ends)
                    return Asked(trial.number, trial.params, values, trial)
                trial.set_user_attr(STATE, "repeated")
                self.study.tell(trial, state=TrialState.FAIL)
                # A model of the scores would name the same point again.
                self.study.sampler = RandomSampler(seed=trial.number + draw)
        finally:
            self.study.sampler = sampler
        return None

    def _tried(self, before: int) -> set[str]:
        """What trials of lower numbers have tried or are trying."""
        from optuna.trial import TrialState

        known = self.study.get_trials(
            deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        )
        failed = [
            trial
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
            if trial.user_attrs.get(STATE) == "failed"
        ]
        return {
            _key(self._values(trial))
            for trial in (*known, *failed)
            if trial.number < before and len(trial.params) == len(self.space.axes)
        }

    def tell(self, asked: Asked, fit: TrialFit) -> None:
        """Store how a trial ended. One that had no time is queued for whoever goes on."""
        from optuna.trial import TrialState

        trial = asked.trial
        trial.set_user_attr(STATE, fit.state)
        trial.set_user_attr(SECONDS, round(fit.seconds, 3))
        trial.set_user_attr(FOLDS, [float(score) for score in fit.fold_scores])
        trial.set_user_attr(CURVE, [float(f"{at:.6g}") for at in fit.curve[:MOST_CURVE]])
        if fit.state == "complete" and fit.score is not None and fit.score == fit.score:
            self.study.tell(trial, fit.score)
        elif fit.state == "pruned" and (seen := _seen(fit)) is not None:
            trial.report(*seen)
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            trial.set_user_attr("error", fit.error[:300])
            self.study.tell(trial, state=TrialState.FAIL)
            if fit.state == "out_of_time":
                self._queue_again(trial)

    @property
    def queued(self) -> int:
        """How many points are queued."""
        from optuna.trial import TrialState

        return len(self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def queue(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Points to try before the sampler is asked."""
        for point in points:
            self.study.enqueue_trial(dict(point), skip_if_exists=True)

    def queue_current(self, values: Mapping[str, Any]) -> None:
        """The configuration as it is, unless it has been tried or is queued."""
        text = _key(self.space.standing(values))
        trials = self.study.get_trials(deepcopy=False)
        queued = {trial.user_attrs.get(VALUES) for trial in trials}
        if text not in queued | self._tried(before=len(trials)):
            point = self.space.point(values)
            self.study.enqueue_trial(point, user_attrs={VALUES: text}, skip_if_exists=False)

    def _queue_again(self, trial: "Trial | FrozenTrial") -> None:
        kept = {name: value for name, value in trial.user_attrs.items() if name == VALUES}
        self.study.enqueue_trial(dict(trial.params), user_attrs=kept, skip_if_exists=False)

    def _values(self, trial: "Trial | FrozenTrial") -> dict[str, Any]:
        """The knobs of a trial."""
        text = trial.user_attrs.get(VALUES)
        return json.loads(text) if text else self.space.values(trial.params)

    def take_over(self) -> int:
        """Mark the trials of processes that have ended as failed, and queue their values again.

        Returns how many there were.
        """
        from optuna.trial import TrialState

        lost = [
            trial
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            if self._is_lost(trial)
        ]
        taken = 0
        for trial in lost:
            # Another process may do the same now: only one of them succeeds.
            with suppress(Exception):
                self.study.tell(trial.number, state=TrialState.FAIL)
                if len(trial.params) == len(self.space.axes):
                    self._queue_again(trial)
                taken += 1
        return taken

    def _is_lost(self, trial: "FrozenTrial") -> bool:
        owner, until = trial.user_attrs.get(OWNER), trial.user_attrs.get(UNTIL, 0.0)
        machine = processes.machine()
        if owner is None:
            # Killed between two writes; a living process needs no minute for that.
            started = trial.datetime_start
            return started is None or time.time() - started.timestamp() > SLACK / 2
        if str(owner).startswith(f"{machine} "):
            return not processes.is_alive(str(owner)[len(machine) + 1 :])
        return time.time() > float(until) + SLACK

    def finished(self) -> list[Finished]:
        """All trials that have ended with something to tell, in the order of their end."""
        from optuna.trial import TrialState

        states = (TrialState.COMPLETE, TrialState.PRUNED)
        found = [
            Finished(
                trial.number,
                self._values(trial),
                trial.value if trial.state == TrialState.COMPLETE else None,
                trial.state.name.lower(),
                trial.user_attrs.get(SECONDS, 0.0),
                trial.user_attrs.get(FOLDS, []),
                trial.user_attrs.get(CURVE, []),
                trial.datetime_complete.timestamp() if trial.datetime_complete else 0.0,
            )
            for trial in self.study.get_trials(deepcopy=False, states=states)
            if len(trial.params) == len(self.space.axes)
        ]
        return sorted(found, key=lambda trial: (trial.ended, trial.number))

    def best(self) -> Finished | None:
        """The complete trial with the best score, the first of equals."""
        complete = [trial for trial in self.finished() if trial.score is not None]
        return min(complete, key=lambda trial: self.metric.as_loss(trial.score or 0), default=None)

    def of_values(self, values: Mapping[str, Any]) -> Finished | None:
        """The trial with these values, if it is complete."""
        key = _key(values)
        found = (one for one in self.finished() if _key(one.values) == key)
        return next((one for one in found if one.score is not None), None)


def _seen(fit: TrialFit) -> tuple[float, int] | None:
    """What was seen of a pruned trial, and after how many steps: folds, or epochs."""
    steps = fit.fold_scores or fit.curve
    value = float(np.mean(fit.fold_scores)) if fit.fold_scores else (steps or [math.nan])[-1]
    return (value, len(steps)) if math.isfinite(value) else None


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def open_study(
    storage: str,
    name: str,
    about: Mapping[str, Any],
    space: Space,
    widened: Space,
    metric: Metric,
    sampler: str,
    seed: int,
    ends: float,
) -> StoredStudy:
    """Open a study, or make it with the space ``widened``.

    ``about``: what must be the same for trials to be comparable; ``space`` is a part of it.
    ``ends`` is when this process will have ended, in seconds since 1970.

    Raises:
        PodiumError: the storage can't be opened, or the study is about something else.
    """
    import optuna
    from optuna.study import StudyDirection

    from podium.stages.tune.storage import open_storage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    maximize, minimize = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
    direction = maximize if metric.greater_is_better else minimize
    with _explained(storage, name):
        study = optuna.create_study(
            storage=open_storage(storage), study_name=name, direction=direction, load_if_exists=True
        )
        facts = study.user_attrs
        wanted = {**about, "space": json.loads(space.to_json())}
        if ABOUT not in facts:
            study.set_user_attr(SPACE, widened.to_json())
            study.set_user_attr(ABOUT, json.dumps(wanted))
        else:
            _check_same(name, json.loads(facts[ABOUT]), wanted)
            widened = Space.from_json(facts[SPACE])
        tried = len(study.get_trials(deepcopy=False))
    # Else a search that goes on, or another process, would draw the same points again.
    study.sampler = make_sampler(sampler, seed + tried)
    return StoredStudy(study, widened, metric, ends)


@contextmanager
def _explained(storage: str, name: str) -> Iterator[None]:
    try:
        yield
    except (PodiumError, KeyboardInterrupt):
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PodiumError(
            f"study '{printable(name)}': its storage {without_password(storage)} can't be used: "
            f"{without_password(printable(reason))}; check --storage (sqlite:///file.db, "
            "journal:///file.log, postgresql+psycopg2://user@host/database)"
        ) from error


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What is not as it was; of several values, which ones, and what they were."""
    for key, value in now.items():
        earlier = before.get(key, {})
        if json.dumps(earlier) == json.dumps(value):
            continue
        yield f"{key} ({_knobs_that_were(earlier, value)})" if key == KNOBS else key


def _knobs_that_were(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The knobs that have changed, with their earlier values, by name."""
    was = {name: json.dumps(before.get(name)) for name in sorted({*before, *now})}
    return ", ".join(
        f"{name} was {value}" for name, value in was.items() if value != json.dumps(now.get(name))
    )


def _check_same(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Stop where trials of before and now can't be compared.

    Raises:
        PodiumError: they can't.
    """
    if changed := list(_changed(before, now)):
        raise PodiumError(
            f"study '{printable(name)}' was made with other {' and '.join(changed)}, so its trials "
            "can't be compared with new ones; give the search another name with --study, or put "
            "back what has changed"
        )
