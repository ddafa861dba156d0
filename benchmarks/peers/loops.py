"""The training loop as people write it, one network after the other."""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from peers.task import BATCH, DECAY, RATE, Predict, Task


def plain(task: Task) -> Predict:
    """AdamW as it comes."""
    return _train_all(task, None)


def fused(task: Task) -> Predict:
    """AdamW with its fused kernel."""
    return _train_all(task, fused=True)


def _train_all(task: Task, fused: bool | None) -> Predict:
    networks = []
    for seed, rows in enumerate(task.rows):
        torch.manual_seed(seed)
        networks.append(_train_one(task, rows, fused))
    return lambda x: _predict(networks, x)


def _train_one(task: Task, rows: NDArray[np.int64], fused: bool | None) -> nn.Module:
    x, y = torch.from_numpy(task.x[rows]), torch.from_numpy(task.y[rows])[:, None]
    network = _network(task)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY, fused=fused)
    for _ in range(task.epochs):
        order = torch.randperm(len(x))
        x_now, y_now = x[order], y[order]
        for start in range(0, len(x), BATCH):
            batch = slice(start, start + BATCH)
            loss = nn.functional.mse_loss(network(x_now[batch]), y_now[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


def _network(task: Task) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(task.sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
        layers += [nn.Dropout(task.dropout)] if task.dropout else []
    return nn.Sequential(*layers, nn.Linear(task.sizes[-2], 1))


@torch.no_grad()
def _predict(networks: list[nn.Module], x: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = torch.from_numpy(x)
    return np.stack([network.eval()(rows)[:, 0].numpy() for network in networks])
