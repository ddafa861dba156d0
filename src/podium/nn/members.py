"""``fit_members``: train many members of a network together, and predict with them."""

from collections.abc import Sequence
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
from podium.nn.device import device_of
from podium.nn.knobs.inputs import Columns
from podium.nn.network import build_network
from podium.nn.observe import Observe
from podium.nn.outcome import Outcome
from podium.nn.own import OF_ALL
from podium.nn.plan import Plan, make_plan
from podium.nn.predict import Array, Predictor
from podium.nn.rng import generator, mixed
from podium.nn.trainer import Score
from podium.nn.training import NO_LIMITS, Limits, OnEpoch, Training
from podium.runtime import compute

# RNG purposes: which rows early stopping holds out, and the members' seeds if none are given.
HOLDOUT, SEEDS = 5, 6


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
    observe: Observe | None = None,
    limits: Limits = NO_LIMITS,
    checkpoint: Path | None = None,
) -> FittedMembers:
    """Train one network per entry of ``rows_per_member``, all of them together.

    A member's result doesn't depend on which others are trained with it, apart from the last digits
    of sums, nor on how members are split into groups.

    Args:
        X: a table (rows, columns) of all members, not copied; or one a fold, listed or by function.
        y: numbers, shape (rows,) or (rows, outputs); with ``classes``, class codes, shape (rows,).
        rows_per_member: each member's training rows.
        params: of all members, or each one's own (``nn/own.py``); ``mlp``'s defaults if None.
        classes: the number of classes; 0 for regression.
        seeds: each member's random seed; drawn from ``params.seed`` by default.
        table_per_member: which table each member reads; the first by default.
        valid_rows_per_member: rows for each member's validation curve; they don't affect training.
        stop_rows_per_member: training rows that each holds out for early stopping; else random.
        sample_weight: the weight of each row, shape (rows,).
        columns: which columns are numbers and which are a category's; by default all are numbers.
        columns_per_table: those each table has, first in their part or category; zeros follow.
        names: each member's name in error messages.
        score: a metric of a member's predictions for its validation rows, for the curves.
        on_epoch: called after every epoch of every group, by one thread at a time.
        observe: is shown weights, gradients and activations of every group before its first step
            and after each epoch, by one thread at a time; groups are trained on this machine then.
        limits: what ends a member's training before its last epoch.
        checkpoint: a folder for the state of groups, from which a killed training continues.

    Raises:
        PodiumError: shapes don't fit, or every member diverged.
    """
    each = _each_params(params, len(rows_per_member))
    members = _members(rows_per_member, each, seeds, table_per_member, valid_rows_per_member)
    exponents, task = _exponents(X, each[0]), _task(each[0], y, classes)
    data = _data(scaled(X, exponents), y, task, columns, sample_weight, columns_per_table)
    members = _without_auto(_with_holdouts(members, stop_rows_per_member), data, classes)
    device = device_of(each[0])
    training = Training(data, device, score, on_epoch, limits, checkpoint, observe)
    outcomes = training.all(_checked_plan(data, members, device, limits))
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


def _checked_plan(data: Data, members: list[Member], device: torch.device, limits: Limits) -> Plan:
    """The groups of members, after a look at their rows and batches.

    Raises:
        PodiumError: a member has no rows, or a batch too few for the network.
    """
    check_rows(members, data)
    members = [replace(member, last=limits.last_epoch) for member in members]
    pool = compute.current()
    slots = pool.slots if pool.is_remote or pool.limit else None
    plan = make_plan(data, members, device, slots, limits.prune is not None)
    for group in plan.groups:
        params = group[0].params
        least = build_network(params, data.columns, data.task.width).least_rows
        check_batches(group, params.batch_size, least)
    return plan


def _without_auto(members: list[Member], data: Data, classes: int) -> list[Member]:
    """Values for what is ``auto``, where no pipeline has set them."""
    shape = Shape(len(data.y), data.columns.total, classes)
    distinct = {id(member.params): member.params for member in members}
    resolved: dict[int, NetworkParams] = {}
    equal: dict[str, NetworkParams] = {}
    for key, own in distinct.items():
        own = without_auto(own, shape) if isinstance(own, MLPParams) else own
        # One object for equal ones: by it they are known to be.
        resolved[key] = equal.setdefault(own.model_dump_json(), own)
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


def _exponents(X: Tables, params: NetworkParams) -> NDArray[np.int32] | None:  # noqa: N803
    """What columns beyond float32's range are divided by, if the network standardizes them."""
    standardized = isinstance(params, MLPParams) and params.standardize_inputs
    return column_exponents(X) if standardized else None


def _task(params: NetworkParams, y: NDArray[Any], classes: int) -> Task:
    outputs = classes or (1 if y.ndim == 1 else y.shape[1])
    return Task(bool(classes), outputs, params.class_loss == "binary_cross_entropy")


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
