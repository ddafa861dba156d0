"""``fit_members``: train many members of a network together, and predict with them."""

import math
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.config import MLPParams, NetworkParams
from podium.config.auto import Shape
from podium.io.errors import PodiumError
from podium.nn.auto import without_auto
from podium.nn.checkpoint import Checkpoint
from podium.nn.data import (
    Data,
    Inputs,
    Member,
    Rows,
    Tables,
    Task,
    check_batches,
    check_rows,
    column_exponents,
    scaled,
)
from podium.nn.device import device_of, pool_of
from podium.nn.knobs.inputs import Columns
from podium.nn.network import build_network
from podium.nn.outcome import EpochLog, Outcome
from podium.nn.own import OF_ALL
from podium.nn.plan import Plan, Round, make_plan
from podium.nn.predict import Array, Predictor
from podium.nn.rng import generator, mixed
from podium.nn.trainer import Prune, Score, Trainer

# Seconds between checkpoints of a running training.
CHECKPOINT_SECONDS = 30.0
# RNG purposes: which rows early stopping holds out, and the members' seeds if none are given.
HOLDOUT, SEEDS = 5, 6


@dataclass(frozen=True)
class Progress:
    """The state of a training: member epochs done and in total, and the epoch just finished.

    ``resumed``: the epochs were read from a checkpoint, not trained now.
    """

    done: int
    total: int
    epoch: int
    members: list[Member]
    logs: list[EpochLog]
    resumed: bool = False


OnEpoch = Callable[[Progress], None]


@dataclass(frozen=True)
class FittedMembers:
    """Trained members; predictions have the shape (members, rows, outputs).

    A member that diverged predicts NaN; ``outcomes`` has every member's training result, and its
    own hyperparameters. ``params`` are those of the first.
    ``exponents``: powers of two by which columns beyond float32's range are divided.
    """

    params: NetworkParams
    columns: Columns
    task: Task
    outcomes: list[Outcome]
    exponents: NDArray[np.int32] | None = None

    @property
    def diverged(self) -> list[Outcome]:
        """Members whose loss became infinite or NaN."""
        return [outcome for outcome in self.outcomes if outcome.diverged]

    def tensors(self, members: Sequence[int]) -> dict[str, Tensor]:
        """Weights of some members by name, each of shape (members, *parameter)."""
        own = [self.outcomes[index].tensors() for index in members]
        return {name: torch.stack([state[name] for state in own]) for name in own[0]}

    def predict(self, X: Tables) -> Array:  # noqa: N803
        """Numbers, or the probability of each class, for the rows of each member's table."""
        return np.stack(self._predictor.predict(self._scaled(X)))

    def predict_rows(self, X: Tables, rows: Sequence[Rows]) -> list[Array]:  # noqa: N803
        """Each member's predictions for its own list of rows, shape (rows, outputs)."""
        return self._predictor.predict(self._scaled(X), rows)

    def predict_std(self, X: Tables, passes: int = 50) -> tuple[Array, Array]:  # noqa: N803
        """Monte-Carlo dropout: mean and standard deviation over ``passes`` with dropout on.

        The std shows which rows a member is unsure of (Gal and Ghahramani 2016).

        Raises:
            PodiumError: the members have no dropout.
        """
        mean, std = self._predictor.std(self._scaled(X), passes)
        return np.stack(mean), np.stack(std)

    def std_rows(
        self,
        X: Tables,  # noqa: N803
        rows: Sequence[Rows],
        passes: int,
    ) -> tuple[list[Array], list[Array]]:
        """``predict_std`` for each member's own list of rows."""
        return self._predictor.std(self._scaled(X), passes, rows)

    def _scaled(self, X: Tables) -> Tables:  # noqa: N803
        return scaled(X, self.exponents)

    @property
    def _predictor(self) -> Predictor:
        return Predictor(self.columns, self.task, self.outcomes)


def fit_members(
    X: Tables,  # noqa: N803
    y: NDArray[Any],
    rows_per_member: Sequence[Rows],
    params: NetworkParams | Sequence[NetworkParams] | None = None,
    *,
    classes: int = 0,
    seeds: Sequence[int] | None = None,
    table_per_member: Sequence[int] | None = None,
    valid_rows_per_member: Sequence[Rows] | None = None,
    stop_rows_per_member: Sequence[Rows] | None = None,
    sample_weight: NDArray[Any] | None = None,
    columns: Columns | None = None,
    columns_per_table: Sequence[Columns] | None = None,
    names: Sequence[str] | None = None,
    score: Score | None = None,
    on_epoch: OnEpoch | None = None,
    prune: Prune | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float | None = None,
) -> FittedMembers:
    """Train one network per entry of ``rows_per_member``, all of them together.

    A member's result doesn't depend on which others are trained with it, apart from the last digits
    of sums, nor on how members are split into groups.

    Args:
        X: a table (rows, columns) that all members share (it is not copied); or one for each fold,
            as a sequence or as a function of the fold's number.
        y: numbers, shape (rows,) or (rows, outputs); with ``classes``, class codes, shape (rows,).
        rows_per_member: each member's training rows.
        params: the hyperparameters; ``mlp``'s defaults if None. A sequence has each member's own;
            those whose networks have the same layers are trained in one group (``nn/own.py``).
        classes: the number of classes; 0 for regression.
        seeds: each member's random seed; drawn from ``params.seed`` by default.
        table_per_member: which table each member reads; the first by default.
        valid_rows_per_member: rows for each member's validation curve; they don't affect training.
        stop_rows_per_member: training rows that each holds out for early stopping; else random.
        sample_weight: the weight of each row, shape (rows,).
        columns: which columns are numbers and which are a category's; by default all are numbers.
        columns_per_table: which of ``columns`` each table has, where some have fewer: its own come
            first in their part or category, zeros follow, and change nothing for a member.
        names: each member's name in error messages.
        score: a metric of a member's predictions for its validation rows, for the curves.
        on_epoch: called after every epoch of every group, by one thread at a time.
        prune: called before a group's first epoch and after each one, by one thread at a time, with
            the epochs done and the ``valid_metric`` of each living member of the group, by its
            index; the members whose indices it returns leave. Before the first all or none do.
        checkpoint: a folder for the state of groups; a killed training continues from it.
        checkpoint_seconds: the time between two checkpoints; 30 seconds by default.

    Raises:
        PodiumError: shapes don't fit, or every member diverged.
    """
    each = _each_params(params, len(rows_per_member))
    first = each[0]
    task = Task(bool(classes), classes or _outputs(y), first.class_loss == "binary_cross_entropy")
    members = _members(rows_per_member, each, seeds, table_per_member, valid_rows_per_member)
    members = _with_holdouts(members, stop_rows_per_member)
    exponents = _exponents(X, first)
    data = _data(scaled(X, exponents), y, task, columns, sample_weight, columns_per_table)
    members, device = _without_auto(members, data, classes), device_of(first)
    calls = _Calls(score, on_epoch, prune)
    run = _Run(data, device, calls, checkpoint, checkpoint_seconds)
    outcomes = run.all(_checked_plan(data, members, device))
    _check_any_left(outcomes, names[0] if names else "member 0")
    return FittedMembers(members[0].params, data.columns, task, outcomes, exponents)


def _each_params(
    params: NetworkParams | Sequence[NetworkParams] | None, members: int
) -> list[NetworkParams]:
    """Each member's hyperparameters.

    Raises:
        PodiumError: there are not as many as members, or members differ in what all must share.
    """
    if params is None or isinstance(params, NetworkParams):
        return [params or MLPParams()] * members
    if len(params) != members:
        raise PodiumError(f"there are {len(params)} hyperparameters for {members} members")
    for knob in OF_ALL:
        if len({getattr(own, knob, None) for own in params}) > 1:
            raise PodiumError(f"members that are trained together have the same {knob}")
    return list(params)


def _checked_plan(data: Data, members: list[Member], device: torch.device) -> Plan:
    """The groups of members, after a look at their rows and batches.

    Raises:
        PodiumError: a member has no rows, or a batch too few for the network.
    """
    check_rows(members, data)
    plan = make_plan(data, members, device)
    for group in plan.groups:
        params = group[0].params
        least = build_network(params, data.columns, data.task.width).least_rows
        check_batches(group, params.batch_size, least)
    return plan


def _without_auto(members: list[Member], data: Data, classes: int) -> list[Member]:
    """Values for what is ``auto``, where no pipeline has set them."""
    shape = Shape(len(data.y), data.columns.total, classes)
    resolved: dict[int, NetworkParams] = {}
    for member in members:
        own = member.params
        if id(own) not in resolved:
            resolved[id(own)] = without_auto(own, shape) if isinstance(own, MLPParams) else own
    return [replace(member, params=resolved[id(member.params)]) for member in members]


def _check_any_left(outcomes: list[Outcome], name: str) -> None:
    """Check that not every member diverged; ``name`` is the first member's in the error.

    Raises:
        PodiumError: with where the first diverged, and what to try.
    """
    if all(outcome.diverged for outcome in outcomes):
        what = divergence(outcomes[0])
        raise PodiumError(f"training diverged in every network: {name}: {what}")


def divergence(outcome: Outcome) -> str:
    """The epoch in which a member's loss became infinite or NaN, and what to try."""
    log, params = outcome.history[-1], outcome.member.params
    finite = np.isfinite(log.train_loss)
    what = "weights are no longer finite" if finite else f"the loss is {log.train_loss}"
    advice = f"try a learning_rate below {params.learning_rate:g}"
    advice += "" if params.gradient_clip else ", or gradient_clip: 1"
    return f"{what} in epoch {log.epoch + 1}, learning rate {log.learning_rate:g}; {advice}"


@dataclass(frozen=True)
class _Calls:
    """The functions that a training calls."""

    score: Score | None
    on_epoch: OnEpoch | None
    prune: Prune | None


class _Run:
    """Trains the groups of a plan, some of them at the same time."""

    def __init__(
        self,
        data: Data,
        device: torch.device,
        calls: _Calls,
        checkpoint: Path | None,
        checkpoint_seconds: float | None,
    ) -> None:
        self.data, self.device, self.calls, self.folder = data, device, calls, checkpoint
        self.every = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.done = self.total = 0

    def all(self, plan: Plan) -> list[Outcome]:
        """Every member's outcome, in the members' order."""
        self.total = sum(member.params.epochs for group in plan.groups for member in group)
        outcomes = [outcome for one in plan.rounds for outcome in self._round(one)]
        return sorted(outcomes, key=lambda outcome: outcome.member.index)

    def _round(self, one: Round) -> list[Outcome]:
        """The outcomes of a round's groups."""
        with pool_of(one.workers, one.threads) as pool:
            try:
                done = list(pool.map(self._group, one.groups))
            except BaseException:
                # The other groups stop at the end of their epoch and write a checkpoint.
                self.stopped.set()
                raise
        return [outcome for outcomes in done for outcome in outcomes]

    def _group(self, members: list[Member]) -> list[Outcome]:
        trainer = Trainer(self.data, members, self.device, self.calls.score, self._prune)
        checkpoint = Checkpoint(self.folder, trainer, self.every) if self.folder else None
        if checkpoint:
            checkpoint.restore(trainer)
            self._report_progress(trainer, members, 0, resumed=True)
        if trainer.members and self._prune(0, dict.fromkeys((m.index for m in members), math.nan)):
            trainer.leave()
        while trainer.members and not self.stopped.is_set():
            before = trainer.epoch
            trainer.run_epoch()
            if checkpoint:
                checkpoint.save_if_due(trainer)
            self._report_progress(trainer, members, before)
        if checkpoint and self.stopped.is_set():
            checkpoint.save(trainer)
        return trainer.outcomes

    def _prune(self, epoch: int, scores: Mapping[int, float]) -> Collection[int]:
        """The members that leave."""
        if self.calls.prune is None:
            return ()
        with self.lock:
            return self.calls.prune(epoch, scores)

    def _report_progress(
        self, trainer: Trainer, members: list[Member], before: int, resumed: bool = False
    ) -> None:
        """Report epochs; when a group ends early, its remaining epochs count as done."""
        with self.lock:
            # Of members that have left, the epochs that they would have trained.
            now = trainer.epoch if trainer.members else max(own.params.epochs for own in members)
            for own in members:
                self.done += min(now, own.params.epochs) - min(before, own.params.epochs)
            if self.calls.on_epoch and trainer.epoch > before:
                logs = [trainer.histories[member.index][-1] for member in members]
                self.calls.on_epoch(
                    Progress(self.done, self.total, trainer.epoch, members, logs, resumed)
                )


def _exponents(X: Tables, params: NetworkParams) -> NDArray[np.int32] | None:  # noqa: N803
    """What columns beyond float32's range are divided by, if the network standardizes them."""
    standardized = isinstance(params, MLPParams) and params.standardize_inputs
    return column_exponents(X) if standardized else None


def _outputs(y: NDArray[Any]) -> int:
    return 1 if y.ndim == 1 else y.shape[1]


def _members(
    rows: Sequence[Rows],
    params: Sequence[NetworkParams],
    seeds: Sequence[int] | None,
    tables: Sequence[int] | None,
    valid: Sequence[Rows] | None,
) -> list[Member]:
    if seeds is None:
        counts = np.arange(len(rows), dtype=np.uint64)
        seeds = [
            int(mixed(counts[index : index + 1], SEEDS, own.seed)[0]) >> 32
            for index, own in enumerate(params)
        ]
    nothing = np.empty(0, dtype=np.int64)
    return [
        Member(
            index,
            seeds[index],
            np.asarray(own, dtype=np.int64),
            nothing if valid is None else np.asarray(valid[index], dtype=np.int64),
            table=0 if tables is None else tables[index],
            params=params[index],
        )
        for index, own in enumerate(rows)
    ]


def _with_holdouts(members: list[Member], chosen: Sequence[Rows] | None) -> list[Member]:
    """The members, with rows held out where there is early stopping."""
    return [
        _with_holdout(member, member.params.holdout, chosen)
        if member.params.early_stopping
        else member
        for member in members
    ]


def _with_holdout(member: Member, share: float, chosen: Sequence[Rows] | None) -> Member:
    """The member with a share of its training rows, or those chosen, held out for stopping."""
    if chosen is not None:
        stop = np.sort(chosen[member.index])
        return replace(member, train=np.setdiff1d(member.train, stop), stop=stop)
    order = generator(member.seed, HOLDOUT).permutation(member.train)
    count = max(1, round(share * len(order)))
    return replace(member, train=np.sort(order[count:]), stop=np.sort(order[:count]))


def _data(
    X: Tables,  # noqa: N803
    y: NDArray[Any],
    task: Task,
    columns: Columns | None,
    sample_weight: NDArray[Any] | None,
    own: Sequence[Columns] | None,
) -> Data:
    if isinstance(X, Inputs):
        columns, shape = X.columns, (len(X), X.columns.total)
    else:
        shape = (X(0) if callable(X) else X if isinstance(X, np.ndarray) else X[0]).shape
        columns = columns or Columns(shape[1])
    _check_shapes(shape, y, sample_weight, columns)
    if task.classification:
        targets = task.shares(np.asarray(y, dtype=np.int64))
    else:
        targets = torch.from_numpy(np.array(y, dtype=np.float64).reshape(len(y), -1))
    weight = None
    if sample_weight is not None:
        weight = torch.from_numpy(np.array(sample_weight, dtype=np.float64))
    return Data(X, targets, columns, task, weight, own)


def _check_shapes(
    shape: tuple[int, ...], y: NDArray[Any], sample_weight: NDArray[Any] | None, columns: Columns
) -> None:
    """Check the arrays' shapes before training.

    Raises:
        PodiumError: they don't match; names both shapes.
    """
    if len(shape) != 2 or shape[1] != columns.total:
        raise PodiumError(f"X has shape {shape}, expected (rows, {columns.total} columns)")
    for name, values in (("y", y), ("sample_weight", sample_weight)):
        if values is not None and len(values) != shape[0]:
            raise PodiumError(f"{name} has {len(values)} rows, X has {shape[0]}")
