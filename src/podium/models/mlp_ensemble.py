"""``mlp_ensemble``: a portfolio of configurations of ``mlp``, trained together, as one model.

In each fold, with nothing but the fold's training rows, of which ``holdout`` is held out:

1. All configurations train for a part of their epochs, and the better half by the held-out rows
   goes on, ``halvings`` times, each time for twice as many epochs from the start, the last time
   for a quarter of all (successive halving, Jamieson and Talwalkar 2016). A schedule that anneals
   the learning rate makes early epochs of a long training look bad; a short training that has
   annealed doesn't lie that way.
2. Those that are left get weights by greedy selection (Caruana et al. 2004) on the held-out rows,
   the mean over bootstrap samples of these: nearly equal ones share, a clearly better one has all.
3. As many networks as are left, times ``seeds``, are dealt to them by these weights, and train in
   full on all of the fold's training rows. Their mean predicts its validation rows and the test
   rows: where one configuration is clearly the best, that is ``mlp`` with many seeds.

So neither halving nor weights of a fold know its validation rows, nor models that were trained on
them. The price is the noise of few held-out rows: folds choose differently, and the test rows have
the mean of what they chose.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from safetensors.torch import save

from podium.config import MLPParams, NetworkParams
from podium.config.portfolio import MLPEnsembleParams
from podium.data.dataset import Rows
from podium.io.errors import PodiumError
from podium.metrics import METRICS
from podium.metrics.greedy import MixtureLoss, ordered, select_greedily
from podium.models.auto import resolve_params
from podium.models.base import Array, Fit, Predict, SplitFit, timed
from podium.models.networks import NetworkInputs, member_history, member_rows, train_each
from podium.models.portfolio import configurations
from podium.models.table_networks import table_inputs
from podium.nn import FittedMembers, Progress

RMSE = METRICS["rmse"]
# Bootstrap samples of the held-out rows, each with its own weights; and what each of them selects.
SAMPLES, ROUNDS = 20, 20
# The share of epochs before the last halving.
LONGEST_TRIAL = 0.25
# Weights are fitted on no more held-out rows.
MOST_ROWS = 10_000
# Apart from the seeds of other configurations.
SEEDS_APART = 2**16

# Predictions of some rows, (models, rows, outputs), as a loss takes them, and that loss.
Compared = Callable[[Rows, Array], tuple[Array, MixtureLoss]]
# By configuration, predictions of a fold's held-out rows, (rows, outputs), on the model scale.
Held = Mapping[int, Array]


@dataclass(frozen=True)
class Network:
    """A network to train: its configuration by number, its fold, its seed."""

    number: int
    split: int
    seed: int = 0


def fit_mlp_ensemble(fit: Fit[MLPEnsembleParams]) -> list[SplitFit]:
    """Train the portfolio on every fold; the module says how."""
    ensemble = _Ensemble(fit)
    weights = ensemble.chosen()
    found = ensemble.final(weights)
    pairs = zip(fit.dataset.splits, found, strict=True)
    return [fit.finished(split, one) for split, one in pairs]


class _Ensemble:
    """The portfolio of a fit, and what is known of each configuration."""

    def __init__(self, fit: Fit[MLPEnsembleParams]) -> None:
        self.fit, self.splits = fit, fit.dataset.splits
        own = configurations(fit.params, fit.target.task)
        self.fits = [_fit_of(fit, one) for one in own]
        self.inputs: NetworkInputs = table_inputs(self.fits[0])
        # Of each fold the configurations that are in, and the held-out loss of each so far.
        self.living = [list(range(len(self.fits))) for _ in self.splits]
        self.losses: list[dict[int, float]] = [{} for _ in self.splits]
        self.epochs: list[dict[int, int]] = [{} for _ in self.splits]
        self.bar = _Bar(fit, len(self.fits))

    def chosen(self) -> list[dict[int, float]]:
        """Of each fold the weights of the configurations that have one."""
        halvings = self.fit.params.halvings if len(self.fits) > 1 else 0
        if not halvings:
            equal = dict.fromkeys(range(len(self.fits)), 1 / len(self.fits))
            return [equal for _ in self.splits]
        parts = [
            self.fit.inner(split).hold_out(self.fit.params.holdout, self.fit.params.seed)
            for split in self.splits
        ]
        for rung in range(halvings):
            found = self._trained(parts, trial(rung, halvings))
            for split, predicted in enumerate(found):
                self._judge(split, parts[split][1], predicted)
                self._halve(split)
        return [
            self._weights(split, parts[split][1], found[split]) for split in range(len(self.splits))
        ]

    def _trained(self, parts: Sequence[tuple[Rows, Rows]], share: float) -> list[Held]:
        """Train those that are in for a share of their epochs, and predict held-out rows."""
        of_all = [Network(*pair) for pair in self._pairs()]
        rows = [self._inner_rows(one, parts[one.split][0]) for one in of_all]
        members = [
            (self._shortened(one.number, share), one.split, self._seed(one)) for one in of_all
        ]
        living = max(map(len, self.living))
        self.bar.begin(living * share, f"{living} left")
        fitted = train_each(
            members,
            rows,
            self.inputs,
            validates=False,
            names=self._names(of_all),
            on_epoch=self.bar.epoch,
            checkpoint=self.fit.scratch,
        )
        held = [self.splits[one.split].train_rows[parts[one.split][1]] for one in of_all]
        predicted = fitted.predict_rows(self.inputs.train, held)
        found: list[dict[int, Array]] = [{} for _ in self.splits]
        for one, own, outcome in zip(of_all, predicted, fitted.outcomes, strict=True):
            found[one.split][one.number] = own
            self.epochs[one.split][one.number] = len(outcome.history)
        return list(found)

    def _pairs(self) -> list[tuple[int, int]]:
        """Configuration and fold of all that are in."""
        return sorted((number, at) for at, living in enumerate(self.living) for number in living)

    def _inner_rows(self, one: Network, kept: Rows) -> tuple[Rows, Rows]:
        """The rows to train on without those held out; of them those by which it may stop early.

        Others than those by which it is judged: who has stopped at the best moment for some rows
        looks too good on them, and the more so the less it is regularized.
        """
        split = self.splits[one.split]
        rows = split.train_rows[kept]
        if not self.fits[one.number].params.early_stopping:
            return rows, rows[:0]
        inner = self.fit.inner(split).part(kept)
        own, stop = inner.hold_out(self.fit.params.holdout, self.fit.params.seed + 1)
        return np.union1d(rows[own], rows[stop]), rows[stop]

    def _shortened(self, number: int, share: float) -> Fit[NetworkParams]:
        """A configuration with a share of its epochs."""
        fit = self.fits[number]
        epochs = max(1, round(share * fit.params.epochs))
        short = fit.params.model_copy(update={"epochs": epochs})
        return replace(fit, params=short)

    def _seed(self, one: Network) -> int:
        return one.number * SEEDS_APART + one.seed

    def _names(self, of_all: Sequence[Network]) -> list[str]:
        return [f"configuration {one.number}, {self.splits[one.split].name}" for one in of_all]

    def _judge(self, split: int, held: Rows, predicted: Held) -> None:
        """Note the held-out losses."""
        rows = self.splits[split].train_rows[held]
        for number, own in predicted.items():
            (only,), loss = _compared(self.fit, rows, own[None])
            self.losses[split][number] = ordered(loss(only)) if np.isfinite(own).all() else np.inf

    def _halve(self, split: int) -> None:
        """The better half goes on."""
        living, losses = self.living[split], self.losses[split]
        ranked = sorted(living, key=lambda number: (losses[number], number))
        self.living[split] = sorted(ranked[: math.ceil(len(ranked) / 2)])

    def _weights(self, split: int, held: Rows, predicted: Held) -> dict[int, float]:
        """The finalists' weights.

        Raises:
            PodiumError: all of them diverged.
        """
        losses = self.losses[split]
        usable = [number for number in self.living[split] if np.isfinite(losses[number])]
        if not usable:
            raise PodiumError(
                f"{self.splits[split].name}: no configuration has a score on held-out rows; "
                "try a lower learning_rate, or gradient_clip: 1"
            )
        rows = self.splits[split].train_rows[held]
        some = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int))
        stacked = np.stack([predicted[number][some] for number in usable])
        compared = partial(_compared, self.fit)
        found = sampled_weights(compared, rows[some], stacked, self.fit.params.seed)
        return dict(zip(usable, found.tolist(), strict=True))

    def final(self, weights: Sequence[Mapping[int, float]]) -> list[SplitFit]:
        """Train networks of those with a weight on all training rows of each fold, and predict."""
        total = max(map(len, self.living)) * self.fit.params.seeds
        counts = [dealt(own, total) for own in weights]
        of_all = [
            Network(number, split, seed)
            for number in range(len(self.fits))
            for split, own in enumerate(counts)
            for seed in range(own.get(number, 0))
        ]
        members = [(self._shortened(one.number, 1.0), one.split, self._seed(one)) for one in of_all]
        left = len({one.number for one in of_all})
        self.bar.begin(total, f"{left} left, on all rows")
        fitted = train_each(
            members,
            [member_rows(*one) for one in members],
            self.inputs,
            names=self._names(of_all),
            on_epoch=self.bar.epoch,
            checkpoint=self.fit.scratch,
        )
        for one, outcome in zip(of_all, fitted.outcomes, strict=True):
            self.epochs[one.split][one.number] = len(outcome.history)
        valid = fitted.predict_rows(
            self.inputs.train, [outcome.member.valid for outcome in fitted.outcomes]
        )
        everything = [np.arange(len(self.fit.dataset.test_ids))] * len(of_all)
        test, spent = timed(lambda: fitted.predict_rows(self.inputs.test, everything))
        mixtures = [
            _Mixture(self._usable(split, of_all, fitted)) for split in range(len(self.splits))
        ]
        return [
            self._split_fit(split, mixture, of_all, fitted, (valid, test), spent)
            for split, mixture in enumerate(mixtures)
        ]

    def _usable(self, split: int, of_all: Sequence[Network], fitted: FittedMembers) -> list[int]:
        """Places of a fold's networks that didn't diverge; warns of the others.

        Raises:
            PodiumError: all diverged.
        """
        own = [place for place, one in enumerate(of_all) if one.split == split]
        usable = [place for place in own if not fitted.outcomes[place].diverged]
        if not usable:
            raise PodiumError(f"training diverged in every network of {self.splits[split].name}")
        for name in self._names([of_all[place] for place in own if place not in usable]):
            self.fit.reporter.warn(f"{name} diverged and is left out")
        return usable

    def _split_fit(
        self,
        split: int,
        mixture: "_Mixture",
        of_all: Sequence[Network],
        fitted: FittedMembers,
        predicted: tuple[list[Array], list[Array]],
        spent: float,
    ) -> SplitFit:
        """A fold's result."""
        facts = self._facts(split, mixture, of_all)
        files = {"configurations.json": json.dumps(facts, indent=1).encode()}
        for number in sorted({of_all[place].number for place in mixture.places}):
            own = [place for place in mixture.places if of_all[place].number == number]
            files[f"configuration{number}.safetensors"] = save(fitted.tensors(own))
        valid, test = (mixture.mixed([part[at] for at in mixture.places]) for part in predicted)
        further = self.inputs.further
        assert further is not None
        return SplitFit(
            valid=valid,
            test=test,
            history=[
                {**row, "configuration": of_all[place].number}
                for at, place in enumerate(mixture.places)
                for row in member_history(fitted.outcomes[place], at)
            ],
            details={
                "features": float(self.inputs.features[split]),
                "configurations": float(len(self.fits)),
                "used": float(len({of_all[place].number for place in mixture.places})),
            },
            configurations=facts,
            weights=files,
            predict_seconds=spent / len(self.splits),
            predict=mixture.predict(fitted, partial(further, split)),
        )

    def _facts(
        self, split: int, mixture: "_Mixture", of_all: Sequence[Network]
    ) -> list[dict[str, Any]]:
        """A row for each configuration: how far it came, its held-out loss, its weight."""
        numbers = [of_all[place].number for place in mixture.places]
        return [
            {
                "configuration": number,
                "epochs": self.epochs[split][number],
                "loss": _plain(self.losses[split].get(number)),
                "weight": round(numbers.count(number) / len(numbers), 6),
                "knobs": _knobs(fit.params),
            }
            for number, fit in enumerate(self.fits)
        ]


@dataclass(frozen=True)
class _Mixture:
    """Networks of a fold, by their places among all."""

    places: list[int]

    def mixed(self, predicted: Sequence[Array]) -> Array:
        """The mean of predictions, (rows, outputs) each."""
        return np.asarray(np.mean(predicted, axis=0))

    def predict(self, fitted: FittedMembers, matrix: Any) -> Predict:
        """The mixture as a function of a table."""
        own = replace(fitted, outcomes=[fitted.outcomes[place] for place in self.places])

        def predict(table: pd.DataFrame) -> Array:
            rows = [np.arange(len(table))] * len(self.places)
            return self.mixed(own.predict_rows(matrix(table), rows))

        return predict


class _Bar:
    """One progress bar for all that is trained; its unit is a configuration's whole training."""

    def __init__(self, fit: Fit[MLPEnsembleParams], count: int) -> None:
        self.reporter, self.count = fit.reporter, count
        halvings, living = fit.params.halvings if count > 1 else 0, count
        self.total = 0.0
        for rung in range(halvings):
            self.total += living * trial(rung, halvings)
            living = math.ceil(living / 2)
        self.total += living * fit.params.seeds
        self.done = self.part = 0.0
        self.what = ""

    def begin(self, part: float, what: str) -> None:
        """The next piece of work, so many whole trainings."""
        if not self.what:
            self.reporter.start(self.total)
        self.done += self.part
        self.part, self.what = part, f"{self.count} configurations, {what}"

    def epoch(self, progress: Progress) -> None:
        """A group of networks finished an epoch."""
        done = self.done + self.part * progress.done / progress.total
        if progress.resumed:
            what = f"{len(progress.members)} networks continue from epoch {progress.epoch}"
            self.reporter.resume(done, what)
            return
        self.reporter.update(done, f"{self.what}  epoch {progress.epoch}")


def _fit_of(fit: Fit[MLPEnsembleParams], params: MLPParams) -> Fit[MLPParams]:
    """What one of the configurations is fitted with; ``auto`` by the rules of ``mlp``."""
    resolved = resolve_params(params, fit.dataset, fit.target, fit.metric)
    return Fit(fit.dataset, fit.target, resolved, fit.metric, fit.reporter)


def trial(rung: int, halvings: int) -> float:
    """The share of epochs of all that are in before a halving, the first being ``rung`` 0."""
    return LONGEST_TRIAL * 0.5 ** (halvings - 1 - rung)


def sampled_weights(compared: Compared, rows: Rows, predictions: Array, seed: int) -> Array:
    """The mean weights of greedy selections by bootstrap samples of the rows, (models,).

    Args:
        compared: gives predictions of some rows as a loss takes them, and that loss.
        rows: the rows.
        predictions: shape (models, rows, outputs).
        seed: draws the samples.
    """
    generator = np.random.default_rng(seed)
    total = np.zeros(len(predictions))
    for _ in range(SAMPLES):
        sample = np.sort(generator.integers(len(rows), size=len(rows)))
        total += select_greedily(*compared(rows[sample], predictions[:, sample]), ROUNDS)
    return total / SAMPLES


def dealt(weights: Mapping[int, float], total: int) -> dict[int, int]:
    """So many networks, dealt to configurations by their weights: the largest remainders first."""
    shares = {number: weight * total for number, weight in weights.items()}
    counts = {number: int(share) for number, share in shares.items()}
    rest = sorted(shares, key=lambda number: (counts[number] - shares[number], number))
    for number in rest[: total - sum(counts.values())]:
        counts[number] += 1
    return {number: count for number, count in counts.items() if count}


def _compared(fit: Fit[Any], rows: Rows, predictions: Array) -> tuple[Array, MixtureLoss]:
    """Predictions of some rows as a loss takes them, and that loss, to minimise.

    It is the metric; where that is one of labels or ranks, which move in steps: log loss, of
    numbers the squared error.
    """
    y, metric, target = fit.dataset.y[rows], fit.metric, fit.target
    if not target.is_regression and (metric.stepwise or metric.name == "logloss"):
        return predictions[:, np.arange(len(rows)), y.astype(int)], _log_loss
    judge = RMSE if metric.stepwise else metric

    def loss(mixed: Array) -> float:
        with np.errstate(over="ignore"):
            decoded = target.scorable(target.decode(mixed))
        return judge.loss(y, decoded) if np.isfinite(decoded).all() else np.inf

    return predictions, loss


def _log_loss(probabilities: Array) -> float:
    """The log loss from each row's probability of its own class, shape (rows,)."""
    return -float(np.mean(np.log(np.clip(probabilities, 1e-15, 1.0))))


def _plain(loss: float | None) -> float | None:
    return None if loss is None or not np.isfinite(loss) else float(f"{loss:.6g}")


def _knobs(params: MLPParams) -> dict[str, Any]:
    """What a configuration sets."""
    return params.model_dump(mode="json", exclude_defaults=True, exclude={"model", "seed", "seeds"})
