"""How fast the machine could train: matrix products and optimizer traffic at full rate."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from peers.task import BATCH, Task

SIZE = 3072
STREAM = 2**26
TRIES = 8
# AdamW, float32: reads weight, gradient and two moments, writes weight and moments.
OPTIMIZER_BYTES = 7 * 4


@dataclass(frozen=True)
class Machine:
    """Best measured rates with all threads: FLOP/s of matrix products, bytes/s of memory."""

    flops: float
    bandwidth: float


@dataclass(frozen=True)
class Floor:
    """Seconds that a task's matrix products and its optimizer traffic take at those rates."""

    products: float
    traffic: float

    @property
    def seconds(self) -> float:
        """One after the other, as a processor without spare units does them."""
        return self.products + self.traffic


def measure() -> Machine:
    """The best of a few tries of each."""
    a, b, out = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE), torch.empty(SIZE, SIZE)
    source, target = torch.randn(STREAM), torch.empty(STREAM)
    product = _best(lambda: torch.mm(a, b, out=out))
    stream = _best(lambda: torch.add(source, 1.0, out=target))
    return Machine(2 * SIZE**3 / product, 2 * 4 * STREAM / stream)


def floor(task: Task, machine: Machine) -> Floor:
    """The floor of the whole task."""
    return Floor(product_flops(task) / machine.flops, traffic_bytes(task) / machine.bandwidth)


def product_flops(task: Task) -> float:
    """Forward, weight gradients, and input gradients of all layers but the first."""
    sizes = [inputs * outputs for inputs, outputs in pairwise(task.sizes)]
    by_row = 2 * (2 * sum(sizes) + sum(sizes[1:]))
    return float(by_row * task.epochs * sum(len(rows) for rows in task.rows))


def traffic_bytes(task: Task) -> float:
    """What the optimizer reads and writes, were it to come from memory each time."""
    parameters = sum((inputs + 1) * outputs for inputs, outputs in pairwise(task.sizes))
    steps = task.epochs * sum(math.ceil(len(rows) / BATCH) for rows in task.rows)
    return float(OPTIMIZER_BYTES * parameters * steps)


def _best(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TRIES):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
