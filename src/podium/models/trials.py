"""Many configurations of one model on the same folds, for a search.

Networks are trained together: every fold of every configuration is a member of one program, and
those that fall behind leave it. Other models are fitted one after the other.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

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

State = Literal["complete", "pruned", "out_of_time", "failed"]
# The epochs done and the living configurations' scores on each fold, by their place, to the places
# of those that leave.
Prune = Callable[[int, Mapping[int, Array]], Collection[int]]


@dataclass(frozen=True)
class TrialFit:
    """The result of one configuration.

    ``score`` is its pooled OOF score, None unless it is complete; ``curve`` has the mean score of
    its folds after each epoch of networks; ``error`` says why it failed. ``oof`` are its decoded
    predictions, shape (n, outputs), and ``scored`` what the metric scores of them.
    """

    score: float | None
    fold_scores: list[float]
    seconds: float
    state: State
    curve: list[float] = field(default_factory=list)
    error: str = ""
    oof: Array | None = None
    scored: Array | None = None


OUT_OF_TIME = TrialFit(None, [], 0.0, "out_of_time")


def fit_trials(
    params: Sequence[ModelParams],
    dataset: Dataset,
    target: Target,
    metric: Metric,
    *,
    reporter: Reporter = SILENT,
    prune: Prune | None = None,
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
        batch = _Batch(own, places, prune, deadline)
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
        result = fit_targets(params, dataset, target, metric, reporter)
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


class _Batch:
    """Configurations of a network that are trained as one program."""

    def __init__(
        self,
        fits: Sequence[Fit[NetworkParams]],
        places: Sequence[int],
        prune: Prune | None,
        deadline: float | None,
    ) -> None:
        self.fits, self.places, self.prune, self.deadline = fits, places, prune, deadline
        splits = len(fits[0].dataset.splits)
        # The number of the configuration of each member.
        self.owner = [
            number for number, fit in enumerate(fits) for _ in range(splits * fit.params.seeds)
        ]
        # Those that left by the word of ``prune``; who else left early ran out of time.
        self.pruned: set[int] = set()
        self.done = 0

    def fit(self) -> list[TrialFit]:
        """The result of each."""
        from podium.models.networks import train_members
        from podium.nn.training import Limits

        started, first = time.perf_counter(), self.fits[0]
        inputs = _inputs(first)
        try:
            fitted = train_members(
                self.fits,
                inputs,
                limits=Limits(self._leaving if self.prune else None, self.deadline),
                on_epoch=self._report,
            )
        except PodiumError as error:
            seconds = (time.perf_counter() - started) / len(self.fits)
            return [TrialFit(None, [], seconds, "failed", error=str(error)) for _ in self.fits]
        complete = [
            outcome for outcome in fitted.outcomes if not (outcome.pruned or outcome.diverged)
        ]
        predicted: dict[int, Array] = {}
        if complete:
            rows = [outcome.member.valid for outcome in complete]
            values = replace(fitted, outcomes=complete).predict_rows(inputs.train, rows)
            indices = [outcome.member.index for outcome in complete]
            predicted = dict(zip(indices, values, strict=True))
        seconds = (time.perf_counter() - started) / len(self.fits)
        return [
            self._result(number, fitted.outcomes, predicted, seconds)
            for number in range(len(self.fits))
        ]

    def _leaving(self, epoch: int, scores: Mapping[int, float]) -> Collection[int]:
        """The members that leave, by their indices."""
        assert self.prune is not None
        of_each = defaultdict(list)
        for index, score in scores.items():
            of_each[self.owner[index]].append(score)
        asked = {self.places[number]: np.array(own) for number, own in of_each.items()}
        leaving = set(self.prune(epoch, asked))
        self.pruned |= {number for number in of_each if self.places[number] in leaving}
        return [index for index in scores if self.owner[index] in self.pruned]

    def _report(self, progress: Any) -> None:
        reporter = self.fits[0].reporter
        if not self.done:
            reporter.start(progress.total)
        self.done = progress.done
        what = f"{len(self.fits)} configurations  epoch {progress.epoch}"
        reporter.update(progress.done, what)

    def _result(
        self, number: int, outcomes: Sequence[Any], predicted: dict[int, Array], seconds: float
    ) -> TrialFit:
        """The result of one configuration."""
        own = [outcome for outcome in outcomes if self.owner[outcome.member.index] == number]
        curve = _mean_curve(own)
        if any(outcome.pruned for outcome in own):
            why: State = "pruned" if number in self.pruned else "out_of_time"
            return TrialFit(None, [], seconds, why, curve)
        fit = self.fits[number]
        splits = []
        for split in range(len(fit.dataset.splits)):
            usable = [
                predicted[outcome.member.index]
                for outcome in own
                if outcome.member.table == split and not outcome.diverged
            ]
            if not usable:
                return TrialFit(None, [], seconds, "failed", curve, _divergence(own, split))
            valid = np.mean(usable, axis=0)
            splits.append(SplitFit(valid, valid[:0]))
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


def _divergence(outcomes: Sequence[Any], split: int) -> str:
    from podium.nn import divergence

    first = next(own for own in outcomes if own.member.table == split)
    return f"training diverged: {divergence(first)}"


def _mean_curve(outcomes: Sequence[Any]) -> list[float]:
    """The mean score after each epoch, as long as all train."""
    lengths = [len(outcome.history) for outcome in outcomes]
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
