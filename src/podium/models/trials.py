"""Many configurations of one model on the same folds, for a search.

Networks are trained together: every fold of every configuration is a member of one program, and
those that fall behind leave it, after an epoch or, in a race, after a fold. Other models are fitted
one after the other.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from podium.config import ModelParams, NetworkParams
from podium.config.images import Augmentation
from podium.data.dataset import Dataset
from podium.data.several_targets import each_target
from podium.data.targets import Target
from podium.io.errors import PodiumError
from podium.metrics import Metric
from podium.models.absent import without_absent_classes
from podium.models.auto import resolve_params
from podium.models.base import Array, Fit, SplitFit
from podium.models.fit import score_splits
from podium.models.several_targets import fit_targets
from podium.runtime.progress import SILENT, Reporter

if TYPE_CHECKING:
    from podium.nn.outcome import Outcome

State = Literal["complete", "pruned", "out_of_time", "failed"]
# The epochs done and the living configurations' scores on each fold, by their place, to the places
# of those that leave.
Prune = Callable[[int, Mapping[int, Array]], Collection[int]]
# The living configurations' scores on the folds done so far, by their place, to the places of those
# that leave.
Race = Callable[[Mapping[int, Array]], Collection[int]]
# A heat of a race has this share of the folds; the last one has the rest. Fewer configurations
# than ``RACERS`` train the rest at once: so few would leave cores idle.
HEAT, HEATS, RACERS = 0.2, 3, 4


@dataclass(frozen=True)
class TrialFit:
    """The result of one configuration.

    ``score`` is its pooled OOF score, None unless it is complete; ``fold_scores`` has those of the
    folds that it was trained on before it left a race; ``curve`` has the mean score of its folds
    after each epoch of networks, ``error`` says why it failed. ``oof`` are its decoded predictions,
    shape (n, outputs), and ``scored`` what the metric scores of them. ``share`` is how much of its
    training was done.
    """

    score: float | None
    fold_scores: list[float]
    seconds: float
    state: State
    curve: list[float] = field(default_factory=list)
    error: str = ""
    oof: Array | None = None
    scored: Array | None = None
    share: float = 1.0


OUT_OF_TIME = TrialFit(None, [], 0.0, "out_of_time")


def fit_trials(
    params: Sequence[ModelParams],
    dataset: Dataset,
    target: Target,
    metric: Metric,
    *,
    reporter: Reporter = SILENT,
    prune: Prune | None = None,
    race: Race | None = None,
    deadline: float | None = None,
) -> list[TrialFit]:
    """Fit each configuration on every fold and score it; nothing is predicted for the test rows
    of networks.

    Args:
        params: the configurations, of one model.
        dataset: the data and folds of all of them.
        target: the target.
        metric: what is scored.
        reporter: gets the progress.
        prune: which networks leave their training early; see ``Prune``.
        race: networks are trained on some folds first, and ``race`` says which leave then.
        deadline: the ``time.monotonic()`` at which all that still train stop.
    """
    fits = [
        Fit(dataset, target, resolve_params(own, dataset, target, metric), metric, reporter)
        for own in params
    ]
    alone = target.is_learnt or len(list(each_target(target))) > 1
    if alone or not all(isinstance(fit.params, NetworkParams) for fit in fits):
        return [
            OUT_OF_TIME if _is_over(deadline) else fit_alone(own, dataset, target, metric, reporter)
            for own in params
        ]
    found: dict[int, TrialFit] = {}
    for places in _same_data(fits):
        own = cast(list[Fit[NetworkParams]], [fits[place] for place in places])
        batch = _Batch(own, places, prune, race, deadline)
        found |= dict(zip(places, batch.fit(), strict=True))
    return [found[place] for place in range(len(fits))]


def fit_alone(
    params: ModelParams,
    dataset: Dataset,
    target: Target,
    metric: Metric,
    reporter: Reporter = SILENT,
) -> TrialFit:
    """Fit one configuration by itself on every fold, of whatever model and number of targets."""
    started = time.monotonic()
    try:
        result = fit_targets(params.without_refit(), dataset, target, metric, reporter)
    except (PodiumError, ValueError) as error:
        what = " ".join(str(error).split())
        return TrialFit(None, [], time.monotonic() - started, "failed", error=what)
    parts = list(result.parts.values()) or [result]
    return TrialFit(
        result.score,
        list(result.fold_scores),
        time.monotonic() - started,
        "complete",
        oof=result.oof,
        scored=target.scorable(np.concatenate([part.decided for part in parts], axis=1)),
    )


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _same_data(fits: Sequence[Fit[Any]]) -> Iterator[list[int]]:
    """Places of configurations that one program can train: what their inputs are is the same."""
    from podium.nn.own import OF_ALL

    of_inputs = [*OF_ALL, *Augmentation.model_fields, "tta", "tta_strength"]
    same = defaultdict(list)
    for place, fit in enumerate(fits):
        same[tuple(getattr(fit.params, knob, None) for knob in of_inputs)].append(place)
    yield from same.values()


def heats(splits: int, races: bool) -> list[range]:
    """The folds that are trained together: a fifth, another fifth, then the rest; all if nobody
    races."""
    each = max(1, round(HEAT * splits))
    ends = [min(each * heat, splits) for heat in range(1, HEATS)] if races else []
    bounds = sorted({0, *ends, splits})
    return [range(*ends) for ends in pairwise(bounds)]


class _Batch:
    """Configurations of a network that are trained as one program."""

    def __init__(
        self,
        fits: Sequence[Fit[NetworkParams]],
        places: Sequence[int],
        prune: Prune | None,
        race: Race | None,
        deadline: float | None,
    ) -> None:
        self.fits, self.places = fits, places
        self.prune, self.race, self.deadline = prune, race, deadline
        self.inputs = _inputs(fits[0])
        # Of each configuration, from all heats: its members' outcomes, its predictions for the
        # validation rows of each fold, and in a race the scores of these.
        self.outcomes: list[list[Outcome]] = [[] for _ in fits]
        self.valid: list[list[Array]] = [[] for _ in fits]
        self.scores: list[list[float]] = [[] for _ in fits]
        # How those ended that are no longer trained.
        self.ended: dict[int, State] = {}
        self.errors: dict[int, str] = {}
        # The configuration of each member of the heat.
        self.owner: list[int] = []
        self.done = 0

    def fit(self) -> list[TrialFit]:
        """The result of each."""
        started = time.perf_counter()
        splits = len(self.fits[0].dataset.splits)
        parts = heats(splits, self.race is not None)
        while parts and (living := self._living()):
            folds = parts.pop(0)
            if folds.start and len(living) < RACERS:
                folds = range(folds.start, splits)
                parts.clear()
            self._heat(living, folds)
            if parts:
                self._drop()
        seconds = (time.perf_counter() - started) / len(self.fits)
        return [self._result(number, seconds) for number in range(len(self.fits))]

    def _living(self) -> list[int]:
        return [number for number in range(len(self.fits)) if number not in self.ended]

    def _heat(self, living: Sequence[int], folds: range) -> None:
        """Train the living on some folds, and predict these."""
        from podium.models.networks import train_members
        from podium.nn.training import Limits

        fits, self.done = [self.fits[number] for number in living], 0
        self.owner = [
            number for number in living for _ in range(len(folds) * self.fits[number].params.seeds)
        ]
        try:
            fitted = train_members(
                fits,
                self.inputs,
                folds=folds,
                limits=Limits(self._leaving if self.prune else None, self.deadline),
                on_epoch=self._report,
            )
        except PodiumError as error:
            for number in living:
                self._fail(number, str(error))
            return
        predicted = _predicted(fitted, self.inputs)
        for number in living:
            own = [one for one in fitted.outcomes if self.owner[one.member.index] == number]
            self.outcomes[number] += own
            self._collect(number, own, predicted, folds)

    def _collect(
        self,
        number: int,
        outcomes: Sequence["Outcome"],
        predicted: Mapping[int, Array],
        folds: range,
    ) -> None:
        """Keep a configuration's predictions for some folds, or say why it ended."""
        if number in self.ended:
            return
        if any(outcome.pruned for outcome in outcomes):
            self.ended[number] = "out_of_time"
            return
        for split in folds:
            own = [outcome for outcome in outcomes if outcome.member.table == split]
            usable = [predicted[one.member.index] for one in own if not one.diverged]
            if not usable:
                self._fail(number, _divergence(own))
                return
            valid = np.mean(usable, axis=0)
            self.valid[number].append(valid)
            if self.race is not None:
                self.scores[number].append(self.fits[number].score(own[0].member.valid, valid))

    def _fail(self, number: int, error: str) -> None:
        self.ended[number], self.errors[number] = "failed", error

    def _drop(self) -> None:
        """Those whose folds so far are not good enough leave the race."""
        assert self.race is not None
        if living := self._living():
            scores = {self.places[number]: np.array(self.scores[number]) for number in living}
            self._prune(living, self.race(scores))

    def _prune(self, numbers: Collection[int], places: Collection[int]) -> set[int]:
        """Those of some configurations that are at these places end here."""
        gone = {number for number in numbers if self.places[number] in places}
        self.ended |= dict.fromkeys(gone, "pruned")
        return gone

    def _leaving(self, epoch: int, scores: Mapping[int, float]) -> Collection[int]:
        """The members that leave, by their indices."""
        assert self.prune is not None
        of_each = defaultdict(list)
        for index, score in scores.items():
            of_each[self.owner[index]].append(score)
        asked = {self.places[number]: np.array(own) for number, own in of_each.items()}
        gone = self._prune(of_each, self.prune(epoch, asked))
        return [index for index in scores if self.owner[index] in gone]

    def _report(self, progress: Any) -> None:
        reporter = self.fits[0].reporter
        if not self.done:
            reporter.start(progress.total)
        self.done = progress.done
        what = f"{len(set(self.owner))} configurations  epoch {progress.epoch}"
        reporter.update(progress.done, what)

    def _result(self, number: int, seconds: float) -> TrialFit:
        """The result of one configuration."""
        fit, outcomes = self.fits[number], self.outcomes[number]
        curve = _mean_curve(outcomes)
        state = self.ended.get(number, "complete")
        if state != "complete":
            scores = self.scores[number] if state == "pruned" else []
            error = self.errors.get(number, "")
            share = _share(fit, outcomes)
            return TrialFit(None, scores, seconds, state, curve, error, share=share)
        splits = [SplitFit(valid, valid[:0]) for valid in self.valid[number]]
        splits = without_absent_classes(fit, splits)
        found = score_splits(fit.dataset, fit.target, fit.metric, splits)
        return TrialFit(
            found.score,
            list(found.fold_scores),
            seconds,
            "complete",
            curve,
            oof=found.oof,
            scored=fit.target.scorable(found.decided),
        )


def _predicted(fitted: Any, inputs: Any) -> dict[int, Array]:
    """The predictions of members that trained to their end, for their validation rows."""
    complete = [outcome for outcome in fitted.outcomes if not (outcome.pruned or outcome.diverged)]
    if not complete:
        return {}
    rows = [outcome.member.valid for outcome in complete]
    values = replace(fitted, outcomes=complete).predict_rows(inputs.train, rows)
    return dict(zip((outcome.member.index for outcome in complete), values, strict=True))


def _share(fit: Fit[NetworkParams], outcomes: Sequence["Outcome"]) -> float:
    """The epochs that all members had, as a share of those of a whole training."""
    whole = len(fit.dataset.splits) * fit.params.seeds * fit.params.epochs
    return sum(len(outcome.history) for outcome in outcomes) / whole


def _divergence(outcomes: Sequence["Outcome"]) -> str:
    from podium.nn import divergence

    return f"training diverged: {divergence(outcomes[0])}"


def _mean_curve(outcomes: Sequence["Outcome"]) -> list[float]:
    """The mean score after each epoch, as long as all train."""
    lengths = [len(outcome.history) for outcome in outcomes] or [0]
    return [
        float(np.mean([outcome.history[epoch].valid_metric for outcome in outcomes]))
        for epoch in range(min(lengths))
    ]


def _inputs(fit: Fit[Any]) -> Any:
    """The inputs of a network, of its kind of competition."""
    if fit.dataset.kind == "image":
        from podium.models.image_networks import image_inputs

        return image_inputs(fit)
    from podium.models.table_networks import table_inputs

    return table_inputs(cast(Fit[NetworkParams], fit))
