"""Training members together by minibatch gradient descent."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from podium.config import NetworkParams
from podium.errors import PodiumError
from podium.nn.network import MemberNetworks

# Outputs and targets to the loss of every row, shape (members, rows).
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Members:
    """What members are trained on.

    ``x`` holds one matrix a split, since every fold has its own scaler: (splits, rows, features).
    ``y`` is (splits, rows, outputs) for regression and (splits, rows) of class codes otherwise.
    Member m belongs to split ``split_of[m]`` and draws from ``train_rows[m]``.
    """

    x: Tensor
    y: Tensor
    split_of: Tensor
    train_rows: list[NDArray[np.int64]]
    valid_rows: list[NDArray[np.int64]]
    seeds: list[int]
    outputs: int
    classification: bool

    def __len__(self) -> int:
        return len(self.seeds)

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the given rows, shape (members, rows) each with its own."""
        split = self.split_of[:, None]
        return self.x[split, rows], self.y[split, rows]


@dataclass(frozen=True)
class Epoch:
    """One epoch of all members: mean losses by member, shape (members,), and the last rate."""

    index: int
    learning_rate: float
    train_loss: Tensor
    valid_loss: Tensor


def train_members(
    network: MemberNetworks, members: Members, params: NetworkParams
) -> Iterator[Epoch]:
    """Train all members; yields after every epoch.

    Raises:
        PodiumError: a member's loss became infinite or NaN.
    """
    loss = _loss(members.classification, params)
    optimizer = _optimizer(network, params)
    train_rows, train_weight = _padded(members.train_rows)
    valid_rows, valid_weight = _padded(members.valid_rows)
    generators = [np.random.default_rng(seed) for seed in members.seeds]
    torch.manual_seed(members.seeds[0])
    steps = math.ceil(train_rows.shape[1] / params.batch_size)
    for epoch in range(params.epochs):
        order = _orders(members.train_rows, generators, train_rows.shape[1])
        rows = train_rows.gather(1, order)
        weight = train_weight.gather(1, order)
        total = torch.zeros(len(members))
        network.train()
        for step, part in enumerate(torch.arange(rows.shape[1]).split(params.batch_size)):
            rate = _set_rate(optimizer, params, (epoch * steps + step) / (params.epochs * steps))
            x, y = members.take(rows[:, part])
            batch_weight = weight[:, part]
            by_row = loss(network(x), y) * batch_weight
            optimizer.zero_grad(set_to_none=True)
            # The sum over members keeps each member's gradient its own.
            (by_row.sum(1) / batch_weight.sum(1).clamp(min=1)).sum().backward()
            optimizer.step()
            total += by_row.detach().sum(1)
        train_loss = total / train_weight.sum(1)
        _check_finite(train_loss, members, epoch, rate)
        valid_loss = _evaluate(network, members, valid_rows, valid_weight, loss)
        yield Epoch(epoch, rate, train_loss, valid_loss)


@torch.no_grad()
def predict_members(network: MemberNetworks, x: Tensor, split_of: Tensor) -> Tensor:
    """Outputs for a table that each split has its own matrix of: (members, rows, outputs).

    ``x`` has shape (splits, rows, features).
    """
    network.eval()
    return network(x[split_of])


def _loss(classification: bool, params: NetworkParams) -> Loss:
    """The loss of every row, shape (members, rows)."""
    if classification:
        return lambda out, y: functional.cross_entropy(out.movedim(2, 1), y, reduction="none")
    if params.loss == "huber":
        delta = params.huber_delta
        return lambda out, y: functional.huber_loss(out, y, reduction="none", delta=delta).mean(2)
    return lambda out, y: functional.mse_loss(out, y, reduction="none").mean(2)


def _optimizer(network: MemberNetworks, params: NetworkParams) -> torch.optim.Optimizer:
    """Weight decay acts on weights, not biases; with ``adam`` and ``sgd`` it is an L2 penalty."""
    groups = [
        {"params": list(network.weights), "weight_decay": params.weight_decay},
        {"params": list(network.biases), "weight_decay": 0.0},
    ]
    kind: dict[str, Any] = {
        "sgd": torch.optim.SGD,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    return kind[params.optimizer](groups, lr=params.learning_rate, fused=True)


def _set_rate(optimizer: torch.optim.Optimizer, params: NetworkParams, done: float) -> float:
    """Set and return the learning rate when the fraction ``done`` of all steps is done."""
    factor = 1.0 if params.schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * done))
    rate = params.learning_rate * factor
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def _padded(rows: list[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    """Row numbers as one tensor, padded with row 0, and weights that are 0 on the padding."""
    longest = max(len(own) for own in rows)
    index = torch.zeros(len(rows), longest, dtype=torch.int64)
    weight = torch.zeros(len(rows), longest)
    for member, own in enumerate(rows):
        index[member, : len(own)] = torch.from_numpy(own)
        weight[member, : len(own)] = 1.0
    return index, weight


def _orders(
    rows: list[NDArray[np.int64]], generators: list[np.random.Generator], longest: int
) -> Tensor:
    """A fresh order for each member, its padding last: (members, longest)."""
    order = torch.arange(longest).repeat(len(rows), 1)
    for member, (own, generator) in enumerate(zip(rows, generators, strict=True)):
        order[member, : len(own)] = torch.from_numpy(generator.permutation(len(own)))
    return order


@torch.no_grad()
def _evaluate(
    network: MemberNetworks, members: Members, rows: Tensor, weight: Tensor, loss: Loss
) -> Tensor:
    network.eval()
    x, y = members.take(rows)
    return (loss(network(x), y) * weight).sum(1) / weight.sum(1)


def _check_finite(train_loss: Tensor, members: Members, epoch: int, rate: float) -> None:
    bad = torch.nonzero(~torch.isfinite(train_loss)).flatten().tolist()
    if bad:
        raise PodiumError(
            f"training diverged: the loss is {train_loss[bad[0]].item()} in split "
            f"{members.split_of[bad[0]].item()}, seed {members.seeds[bad[0]]}, epoch {epoch + 1}, "
            f"learning rate {rate:g}; lower learning_rate in params.yaml"
        )
