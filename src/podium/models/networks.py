"""Networks as models of the pipeline: each pair of fold and seed is a member of one training.

Their inputs come from ``table_networks`` and ``image_networks``.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.torch import save

from podium.config import LayeredParams, NetworkParams
from podium.io.errors import PodiumError
from podium.models.base import Fit, Predict, SplitFit, timed
from podium.nn import Columns, FittedMembers, Progress, divergence, fit_members
from podium.nn.data import Rows, Tables
from podium.nn.outcome import Outcome
from podium.nn.predict import pooled
from podium.nn.rng import mixed
from podium.nn.training import Limits
from podium.reporting.curves import MEMBER_CURVES, member_curve

Array = NDArray[np.float64]
_NOTHING = np.empty(0, dtype=np.int64)
# What early stopping finds: the number of epochs of the best weights.
EPOCHS = "epochs"


@dataclass(frozen=True)
class NetworkInputs:
    """Inputs of networks: training and test rows, and the number of features for each fold.

    ``own``: the columns that each fold has, where some folds lack some of ``columns``. ``further``
    makes a fold's matrix of rows of its table.
    """

    train: Tables
    test: Tables
    columns: Columns
    features: list[int]
    own: list[Columns] | None = None
    further: Callable[[int, pd.DataFrame], NDArray[np.float32]] | None = None


def fit_network(fit: Fit[NetworkParams], inputs: NetworkInputs) -> list[SplitFit]:
    """Train the network that ``fit.params`` describes, e.g. an ``mlp`` or a ``cnn``."""
    fit, last = _without_holdout(fit)
    forwarder = _ProgressForwarder(fit)
    names = [_name(fit, fit.params, index) for index in range(len(_pairs(fit)))]
    fitted = train_members(
        [fit],
        inputs,
        names=names,
        on_epoch=forwarder.epoch,
        checkpoint=fit.scratch,
        limits=Limits(last_epoch=last),
    )
    members = _usable_members(fit, fitted)
    found = _split_fits(fit, fitted, members, inputs)
    pairs = zip(fit.dataset.splits, found, strict=True)
    return [fit.finished(split, one) for split, one in pairs]


def _without_holdout(fit: Fit[NetworkParams]) -> tuple[Fit[NetworkParams], int | None]:
    """With the epochs that the folds found nothing is held out; the fit, and the last epoch."""
    if EPOCHS not in fit.found:
        return fit, None
    params = fit.params.model_copy(update={"early_stopping": None})
    return replace(fit, params=params), max(1, round(fit.found[EPOCHS]))


def train_members(
    fits: Sequence[Fit[NetworkParams]],
    inputs: NetworkInputs,
    folds: Sequence[int] | None = None,
    **more: Any,
) -> FittedMembers:
    """Train folds and seeds of one or several configurations on the same data together.

    Members are in the order of ``fits``, then of ``folds`` (all if None), then of seeds. ``more``:
    what ``fit_members`` takes beside the data.
    """
    of_all = [(fit, split, seed) for fit in fits for split, seed in _pairs(fit, folds)]
    return train_each(of_all, [member_rows(*one) for one in of_all], inputs, **more)


def train_each(
    members: Sequence[tuple[Fit[NetworkParams], int, int]],
    rows: Sequence[tuple[Rows, Rows]],
    inputs: NetworkInputs,
    validates: bool = True,
    **more: Any,
) -> FittedMembers:
    """Train networks on the same data together, each of any configuration, fold and seed.

    Args:
        members: the configuration, the fold and the seed of each.
        rows: each one's rows, and those of them that early stopping holds out.
        inputs: the data.
        validates: whether the folds' validation rows are scored after each epoch.
        more: what ``fit_members`` takes beside the data.
    """
    first = members[0][0]
    splits = first.dataset.splits
    valid = [splits[split].valid_rows if validates else _NOTHING for _, split, _ in members]
    return fit_members(
        inputs.train,
        first.y,
        [own for own, _ in rows],
        [fit.params for fit, _, _ in members],
        classes=0 if first.target.is_regression else first.target.outputs,
        seeds=[_member_seed(fit.params, split, seed) for fit, split, seed in members],
        table_per_member=[split for _, split, _ in members],
        valid_rows_per_member=valid,
        stop_rows_per_member=[stop for _, stop in rows],
        sample_weight=first.dataset.weights,
        columns=inputs.columns,
        columns_per_table=inputs.own,
        score=lambda member, predicted: first.score(member.valid, predicted),
        **more,
    )


def _pairs(fit: Fit[NetworkParams], folds: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """The fold and the seed of each member of a configuration."""
    splits = range(len(fit.dataset.splits)) if folds is None else folds
    return [(split, seed) for split in splits for seed in range(fit.params.seeds)]


def member_rows(fit: Fit[NetworkParams], split: int, seed: int) -> tuple[Rows, Rows]:
    """A member's rows, and those of them that early stopping holds out, split as the folds are."""
    own, params = fit.dataset.splits[split], fit.params
    if not params.early_stopping:
        return own.train_rows, own.train_rows[:0]
    kept, held = fit.inner(own).hold_out(params.holdout, _member_seed(params, split, seed))
    # What folds leave out between the two is neither trained on nor held out.
    return np.union1d(own.train_rows[kept], own.train_rows[held]), own.train_rows[held]


def _member_seed(params: NetworkParams, split: int, seed: int) -> int:
    """A separate seed for each member, independent of the number of members."""
    return int(mixed(np.array([params.seed], dtype=np.uint64), split, seed)[0] >> np.uint64(32))


class _ProgressForwarder:
    """Passes the engine's progress on to the reporter."""

    def __init__(self, fit: Fit[NetworkParams]) -> None:
        self.reporter, self.params, self.splits = fit.reporter, fit.params, fit.dataset.splits
        rows = "all rows" if fit.dataset.is_whole else f"folds 1-{len(fit.dataset.splits)}"
        self.what, self.has_curves = f"{rows} x {fit.params.seeds} seeds", not fit.dataset.is_whole
        self.started = False

    def epoch(self, progress: Progress) -> None:
        """A group of members finished an epoch."""
        if not self.started:
            self.reporter.start(progress.total)
            self.started = True
        if progress.resumed:
            what = f"{len(progress.members)} networks continue from epoch {progress.epoch}"
            self.reporter.resume(progress.done, what)
            return
        group = f"  group {progress.group}/{progress.groups}" if progress.groups > 1 else ""
        what = f"{self.what}{group}  epoch {progress.epoch}/{self.params.epochs}"
        loss = float(np.mean([log.valid_loss for log in progress.logs]))
        self.reporter.update(progress.done, what, loss)
        if self.has_curves:
            self.reporter.points(self._points(progress))

    def _points(self, progress: Progress) -> dict[str, tuple[int, float]]:
        """The newest points of the first member's curves.

        Those of all would be many plots, and their mean is known only when the last has trained.
        """
        for member, log in zip(progress.members, progress.logs, strict=True):
            if member.index == 0:
                names = {part: member_curve(self.splits[0].name, 0, part) for part in MEMBER_CURVES}
                return {
                    name: (log.epoch, float(getattr(log, part))) for part, name in names.items()
                }
        return {}


def _usable_members(fit: Fit[NetworkParams], fitted: FittedMembers) -> dict[int, list[int]]:
    """The members of each split that didn't diverge; warns about the others.

    Raises:
        PodiumError: all members of a split diverged.
    """
    params = fitted.params
    usable = defaultdict(list)
    for index, outcome in enumerate(fitted.outcomes):
        if not outcome.diverged:
            usable[outcome.member.table].append(index)
            continue
        where = _name(fit, params, index)
        what = f"{where} diverged and is left out: {divergence(outcome)}"
        if all(fitted.outcomes[i].diverged for i in _of_split(outcome.member.table, params)):
            raise PodiumError(f"training diverged in every seed of a fold: {what}")
        fit.reporter.warn(what)
    return usable


def _name(fit: Fit[NetworkParams], params: NetworkParams, index: int) -> str:
    """A member's name in messages."""
    split, seed = divmod(index, params.seeds)
    return f"{fit.dataset.splits[split].name}, seed {seed}"


def _of_split(split: int, params: NetworkParams) -> range:
    """The indices of a split's members, one per seed."""
    return range(split * params.seeds, (split + 1) * params.seeds)


def _split_fits(
    fit: Fit[NetworkParams],
    fitted: FittedMembers,
    members: dict[int, list[int]],
    inputs: NetworkInputs,
) -> list[SplitFit]:
    """Predictions of each split: the mean over its seeds, on the model scale."""
    splits, params = fit.dataset.splits, fitted.params
    passes = params.mc_dropout if isinstance(params, LayeredParams) else 0
    rows = [outcome.member.valid for outcome in fitted.outcomes]
    everything = [np.arange(len(fit.dataset.test_ids))] * len(rows)
    valid, valid_std = _predicted(fitted, inputs.train, rows, passes)
    (test, test_std), spent = timed(lambda: _predicted(fitted, inputs.test, everything, passes))
    fits = []
    for index in range(len(splits)):
        own = members[index]
        mean, std = _pooled(valid, valid_std, own)
        test_mean, test_pooled = _pooled(test, test_std, own)
        fits.append(
            SplitFit(
                valid=mean,
                test=test_mean,
                valid_std=std if passes else None,
                test_std=test_pooled if passes else None,
                history=_history(fitted, params, index),
                details=_details(fitted, params, index, inputs.features[index]),
                weights={"safetensors": save(fitted.tensors(own))},
                predict_seconds=spent / len(splits),
                predict=_predict(fitted, own[0], partial(inputs.further, index))
                if inputs.further
                else None,
                found=_found(fitted, params, index),
            )
        )
    return fits


def _predict(
    fitted: FittedMembers, member: int, matrix: Callable[[pd.DataFrame], NDArray[np.float32]]
) -> Predict:
    """A member as a function of a table; without Monte-Carlo dropout."""
    alone = replace(fitted, outcomes=[fitted.outcomes[member]])

    def predict(table: pd.DataFrame) -> Array:
        return alone.predict_rows(matrix(table), [np.arange(len(table))])[0]

    return predict


def _predicted(
    fitted: FittedMembers, tables: Tables, rows: list[Rows], passes: int
) -> tuple[list[Array], list[Array]]:
    """Each member's predictions, and their std if Monte-Carlo dropout is on."""
    if passes:
        return fitted.std_rows(tables, rows, passes)
    predicted = fitted.predict_rows(tables, rows)
    return predicted, [np.zeros_like(own) for own in predicted]


def _pooled(means: list[Array], stds: list[Array], members: list[int]) -> tuple[Array, Array]:
    """Mean and std over some members."""
    return pooled(*(np.stack([own[index] for index in members]) for own in (means, stds)))


def _history(fitted: FittedMembers, params: NetworkParams, split: int) -> list[dict[str, float]]:
    """One row per epoch and member of a split."""
    return [
        row
        for seed, index in enumerate(_of_split(split, params))
        for row in member_history(fitted.outcomes[index], seed)
    ]


def member_history(outcome: Outcome, seed: int) -> list[dict[str, float]]:
    """One row per epoch of a member."""
    return [
        {
            "seed": seed,
            "step": log.epoch,
            "train_loss": log.train_loss,
            "valid_loss": log.valid_loss,
            "valid_metric": log.valid_metric,
            "learning_rate": log.learning_rate,
            "seconds": round(log.seconds, 4),
        }
        for log in outcome.history
    ]


def _details(
    fitted: FittedMembers, params: NetworkParams, split: int, features: int
) -> dict[str, float]:
    """Facts for metrics.json: features, diverged members, early stopping's mean best epoch."""
    own = [fitted.outcomes[index] for index in _of_split(split, params)]
    details = {"features": float(features)}
    if any(outcome.diverged for outcome in fitted.outcomes):
        details["diverged"] = float(sum(outcome.diverged for outcome in own))
    if params.early_stopping:
        details["best_epoch"] = _best_epoch(own)
    return details


def _best_epoch(outcomes: Sequence[Outcome]) -> float:
    """The mean best epoch of some members, counted from 1."""
    best = [outcome.best_epoch for outcome in outcomes if outcome.best_epoch is not None]
    return float(np.mean(best)) + 1


def _found(fitted: FittedMembers, params: NetworkParams, split: int) -> dict[str, float]:
    """By how many epochs a split's members would be as good without a holdout."""
    own = [fitted.outcomes[index] for index in _of_split(split, params)]
    if not params.early_stopping:
        return {}
    if params.best_weights:
        return {EPOCHS: _best_epoch(own)}
    return {EPOCHS: float(np.mean([len(outcome.history) for outcome in own]))}
