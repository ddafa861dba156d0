"""Training data of the members: tables, targets, and the order of each member's rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from podium.config import MLPParams, NetworkParams
from podium.io.errors import PodiumError
from podium.nn.knobs.inputs import Columns
from podium.nn.layers import Step
from podium.nn.rng import generator

Rows = NDArray[np.int64]
Table = NDArray[np.float32]
# One table for all members, one per fold, or a function that makes a fold's table.
FloatTables = Table | Sequence[Table] | Callable[[int], Table]
# Columns whose largest number is beyond 2 to this power, or below its inverse, are scaled before
# they become float32, which holds 2**-126 to 2**128: so that sums and squares fit too.
EXPONENT = 60
# The largest weight of a row, if the mean of the training rows' is 1.
HEAVIEST = 1e30
# RNG purpose: the order of rows in an epoch.
ORDER = 4


class Inputs:
    """Inputs that are made when they are read, such as images with random augmentation."""

    columns: Columns

    def __len__(self) -> int:
        """The number of rows."""
        raise NotImplementedError

    def read(self, rows: Tensor, tables: Tensor, step: Step) -> Tensor:
        """The inputs of rows, shape (members, rows, columns), on the device of ``rows``.

        ``rows`` has shape (members, rows); ``tables``, shape (members,), is the fold of each
        member, which decides how its inputs are scaled.
        """
        raise NotImplementedError

    def numbers_of(self, rows: Tensor, table: int) -> Tensor:
        """The numeric columns of rows of a fold, from which layers learn, shape (rows, numeric)."""
        raise AssertionError("these inputs can't be fitted to")

    def fingerprint(self) -> bytes:
        """Bytes that identify these inputs."""
        raise NotImplementedError


Tables = FloatTables | Inputs


@dataclass(frozen=True)
class Task:
    """What is predicted: ``outputs`` numbers (regression), or one of ``outputs`` classes.

    ``sigmoid``: binary cross entropy, one class against the rest, instead of a softmax.
    """

    classification: bool
    outputs: int
    sigmoid: bool = False

    @property
    def width(self) -> int:
        """Outputs of the network: with a sigmoid, two classes need only one logit."""
        return 1 if self.sigmoid and self.outputs == 2 else self.outputs

    def shares(self, codes: NDArray[np.int64]) -> Tensor:
        """Class codes (rows,) as targets: the share of each class, shape (rows, width)."""
        shares = torch.zeros(len(codes), self.outputs)
        shares[torch.arange(len(codes)), torch.from_numpy(codes)] = 1.0
        return shares[:, 1:].contiguous() if self.width < self.outputs else shares

    def predictions(self, out: Tensor, target: Tensor, copies: int = 1) -> Tensor:
        """Predictions from network outputs (members, copies * rows, width), float64 on the CPU.

        Numbers (outputs scaled and shifted by ``target``, (members, 2, outputs), or kept within its
        third and fourth), or the probability of each class; shape (members, rows, outputs): of
        implicit members the mean.
        """
        each = self._predictions(out.double().cpu(), target.double().cpu())
        return each if copies == 1 else each.unflatten(1, (copies, -1)).mean(1)

    def mean_outputs(self, out: Tensor, copies: int) -> Tensor:
        """The outputs (members, rows, width) that predict the mean of all implicit members."""
        if copies == 1:
            return out
        each = out.unflatten(1, (copies, -1))
        if not self.classification:
            return each.mean(1)
        if not self.sigmoid:
            return functional.log_softmax(each, dim=3).logsumexp(1)
        true, false = (functional.logsigmoid(sign * each).logsumexp(1) for sign in (1.0, -1.0))
        return true - false

    def _predictions(self, out: Tensor, target: Tensor) -> Tensor:
        """Predictions of each row of the outputs."""
        if not self.classification:
            numbers = out * target[:, 1:2] + target[:, :1]
            # Of members that stay within the range of their training rows, it follows.
            within = target.shape[1] > 2
            return numbers.clamp(target[:, 2:3], target[:, 3:4]) if within else numbers
        if not self.sigmoid:
            return torch.softmax(out, dim=2)
        each = out.sigmoid()
        if self.width < self.outputs:
            return torch.cat([1.0 - each, each], dim=2)
        return each / each.sum(2, keepdim=True)


@dataclass(frozen=True)
class Member:
    """One network to train.

    ``index`` is its position among all members, ``table`` the table it reads (its fold's), ``seed``
    the seed of all its random numbers. It is trained on ``train`` rows; ``stop`` rows are for early
    stopping, ``valid`` rows for its validation curve; either may be empty. ``params`` are its
    hyperparameters, the same object for members that have the same. ``last``: after so many epochs
    it ends, if that is before its last; its schedules are those of all epochs.
    """

    index: int
    seed: int
    train: Rows
    valid: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    stop: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    table: int = 0
    params: NetworkParams = field(default_factory=MLPParams)
    last: int | None = None

    @property
    def epochs(self) -> int:
        """How many epochs it trains at most."""
        return self.params.epochs if self.last is None else min(self.last, self.params.epochs)


@dataclass(frozen=True)
class Data:
    """The data that all members read.

    ``tables`` have shape (rows, columns) or make such rows. ``y`` has shape (rows, outputs):
    numbers (float64, so that standardizing loses no precision) or class shares (float32).
    ``weight`` has shape (rows,), float64; None if all rows have equal weight. ``own`` are the
    columns that each table has in fact: they come first in their part (or category), the rest of
    which is zeros.
    """

    tables: Tables
    y: Tensor
    columns: Columns
    task: Task
    weight: Tensor | None = None
    own: Sequence[Columns] | None = None

    @property
    def rows(self) -> int:
        """Rows of every table."""
        return len(self.y)

    @property
    def shared(self) -> bool:
        """Whether all members read one table."""
        return isinstance(self.tables, np.ndarray | Inputs)


def read_table(tables: FloatTables, index: int) -> Tensor:
    """A table by number, shape (rows, columns), float32; copied only if necessary."""
    if callable(tables):
        table = tables(index)
    else:
        table = tables if isinstance(tables, np.ndarray) else tables[index]
    with np.errstate(over="ignore"):
        return torch.from_numpy(np.ascontiguousarray(table, dtype=np.float32))


def column_exponents(tables: Tables) -> NDArray[np.int32] | None:
    """Powers of two that bring columns of float64 into float32's range; None if they are in it.

    Dividing by them is exact, so standardized columns don't depend on them.
    """
    given = [tables] if isinstance(tables, np.ndarray) else tables
    if isinstance(given, Inputs) or callable(given):
        return None
    if not len(given) or any(table.dtype != np.float64 or not table.size for table in given):
        return None
    largest = np.max([np.abs(table).max(axis=0) for table in given], axis=0)
    exponents = np.frexp(largest)[1]
    exponents[np.abs(exponents) <= EXPONENT] = 0
    return exponents if exponents.any() else None


def scaled(tables: Tables, exponents: NDArray[np.int32] | None) -> Tables:
    """Tables divided by two to the ``exponents`` of their columns."""
    if exponents is None or isinstance(tables, Inputs):
        return tables
    if callable(tables):
        return lambda index: _scaled(tables(index), exponents)
    if isinstance(tables, np.ndarray):
        return _scaled(tables, exponents)
    return [_scaled(table, exponents) for table in tables]


def _scaled(table: Table, exponents: NDArray[np.int32]) -> Table:
    with np.errstate(over="ignore"):
        return np.ldexp(table, -exponents).astype(np.float32)


class GroupData:
    """The data of members that are trained together, on their device.

    Different tables are stacked, so that a batch of all members is one gather.
    """

    def __init__(self, data: Data, members: Sequence[Member], device: torch.device) -> None:
        self.data, self.members, self.device = data, list(members), device
        self.made = data.tables if isinstance(data.tables, Inputs) else None
        self.tables = torch.tensor([member.table for member in members], device=device)
        self.x, self.first = self._stacked()
        self.y = data.y.to(device)
        # Targets on the training scale: one block for all members, or one per member.
        self.trained, self.first_target = self.y.float(), torch.zeros_like(self.first)
        self.weight = self._weights()

    def _stacked(self) -> tuple[Tensor, Tensor]:
        """The group's tables stacked, and each member's first row in the stack, (members, 1)."""
        no_offset = torch.zeros(len(self.members), 1, dtype=torch.int64, device=self.device)
        tables = self.data.tables
        if isinstance(tables, Inputs):
            return torch.empty(0, tables.columns.total), no_offset
        if self.data.shared:
            return read_table(tables, 0).to(self.device), no_offset
        wanted, number = torch.unique(self.tables, return_inverse=True)
        own = [read_table(tables, index).to(self.device) for index in wanted.tolist()]
        return own[0] if len(own) == 1 else torch.cat(own), number[:, None] * self.data.rows

    def keep(self, kept: Tensor) -> None:
        """Drop all members but ``kept``."""
        self.members = [self.members[index] for index in kept.tolist()]
        self.first, self.first_target = self.first[kept], self.first_target[kept]
        self.tables = self.tables[kept]
        self.weight = self.weight[kept] if self.weight is not None else None

    def inputs(self, rows: Tensor, step: Step) -> Tensor:
        """The inputs of rows, shape (members, rows, columns), for rows (members, rows)."""
        if self.made is not None:
            return self.made.read(rows, self.tables, step)
        places = (rows + self.first).flatten()
        out = step.memory(self, "inputs", (len(places), self.x.shape[1]), self.device)
        return torch.index_select(self.x, 0, places, out=out).view(*rows.shape, -1)

    def standardize(self, target: Tensor) -> None:
        """Scale each member's targets before rounding to float32; ``target``: shifts and scales."""
        scaled = (self.y - target[:, :1]) / target[:, 1:2]
        self.trained = scaled.float().flatten(0, 1)
        self.first_target = torch.arange(len(target), device=self.device)[:, None] * len(self.y)

    def targets(self, rows: Tensor) -> Tensor:
        """The targets of rows on the training scale, shape (members, rows, outputs)."""
        places = (rows + self.first_target).flatten()
        return self.trained.index_select(0, places).view(*rows.shape, -1)

    def weights(self, rows: Tensor) -> Tensor | None:
        """The weights of rows, with mean 1 over a member's training rows; None if all are 1."""
        return None if self.weight is None else self.weight.gather(1, rows)

    def _weights(self) -> Tensor | None:
        if self.data.weight is None:
            return None
        weight = self.data.weight / self.data.weight.max()
        own = [(weight / weight[m.train].mean()).clamp(max=HEAVIEST).float() for m in self.members]
        return torch.stack(own).to(self.device)

    def fingerprint(self) -> Iterator[bytes | memoryview]:
        """Bytes that identify the inputs, targets and weights."""
        if self.made is not None:
            yield self.made.fingerprint()
        for tensor in (self.x, self.y, self.weight):
            yield b"-" if tensor is None else tensor.cpu().contiguous().numpy().data

    def member_rows(self, place: int, rows: Rows, inputs: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Targets, weights and, with ``inputs``, inputs of some rows of the member at ``place``."""
        index = torch.from_numpy(rows).to(self.device)
        weight = torch.ones(len(rows), device=self.device)
        if self.weight is not None:
            weight = self.weight[place, index]
        if not inputs:
            x = self.x[:0]
        elif self.made is not None:
            x = self.made.numbers_of(index, int(self.tables[place]))
        else:
            x = self.x[index + self.first[place]]
        return x, self.y[index], weight


class Orders:
    """The rows of each step of an epoch; every member has its own order.

    An epoch is split evenly into as few steps as ``batch_size`` allows, so that the last batch is
    not small and noisy. Members that train together have the same number of steps.
    """

    def __init__(self, members: Sequence[Member], batch_size: int, device: torch.device) -> None:
        self.members, self.device = list(members), device
        counts = np.array([len(member.train) for member in members])
        self.steps = steps_per_epoch(int(counts.max()), batch_size)
        step = np.arange(self.steps)[:, None]
        start = step * counts // self.steps
        size = (step + 1) * counts // self.steps - start
        # Padding rows repeat the member's last row and have zero weight.
        width = np.arange(size.max())
        self.places = np.minimum(start[:, :, None] + width, counts[:, None] - 1)
        self.counts = torch.from_numpy(size).to(device)
        self.widths = size.max(axis=1).tolist()
        self.real = [self._real(own) for own in size]

    def _real(self, counts: NDArray[np.int64]) -> Tensor | None:
        """1 for real rows of a step, 0 for padding, (members, rows, 1); None if all are real."""
        if (counts == counts.max()).all():
            return None
        real = np.arange(counts.max()) < counts[:, None]
        return torch.from_numpy(real).float().to(self.device)[:, :, None]

    def epoch(self, epoch: int) -> list[Tensor]:
        """The row numbers of each step, shape (members, rows of the step)."""
        rows = np.empty(self.places.shape, dtype=np.int64)
        for place, member in enumerate(self.members):
            order = generator(member.seed, ORDER, epoch).permutation(member.train)
            rows[:, place] = order[self.places[:, place]]
        steps = torch.from_numpy(rows).to(self.device)
        return [own[:, :width] for own, width in zip(steps, self.widths, strict=True)]


def check_batches(members: Sequence[Member], batch_size: int, least: int) -> None:
    """Check that every step of members that train together has at least ``least`` rows each.

    Raises:
        PodiumError: one has fewer; says what to change.
    """
    steps = steps_per_epoch(max(len(member.train) for member in members), batch_size)
    fewest = min(len(member.train) for member in members) // steps
    if fewest < least:
        what = f"batch normalization needs {least} rows in every batch, and one has {fewest}"
        raise PodiumError(f"{what}: raise batch_size, which is {batch_size}")


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """The number of steps in an epoch of ``rows`` rows."""
    return -(-rows // batch_size)


def check_rows(members: Sequence[Member], data: Data) -> None:
    """Check the members' rows before training.

    Raises:
        PodiumError: a weight is negative or not finite; a member has no rows of positive weight, or
            row numbers outside the table.
    """
    if data.weight is not None and not (torch.isfinite(data.weight) & (data.weight >= 0)).all():
        raise PodiumError("sample_weight has numbers that are negative, infinite or missing")
    for member in members:
        if not len(member.train):
            raise PodiumError(f"member {member.index} has no rows to train on")
        own = np.concatenate([member.train, member.valid, member.stop])
        if own.min() < 0 or own.max() >= data.rows:
            last = data.rows - 1
            raise PodiumError(f"member {member.index} has rows outside the table's 0 to {last}")
        if data.weight is not None and not data.weight[member.train].sum() > 0:
            raise PodiumError(f"member {member.index} has only rows of weight 0 to train on")
