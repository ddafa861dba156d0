"""What it costs that members of a group have hyperparameters of their own.

    python benchmarks/mixed_members.py

Two groups of the same networks on the same made-up table: in one all members have the same
hyperparameters, in the other each configuration of five folds its own learning rate, weight decay,
dropout, input noise, L1 and clipping. Steps of the two are taken in turns, so that what else the
machine does hits both; the figure is the ratio of their times.
"""

import time
from collections.abc import Sequence

import numpy as np
import torch

from common import machine, quiet_threads, versions
from podium.config import MLPParams
from podium.nn.data import Data, Member, Task
from podium.nn.knobs.inputs import Columns
from podium.nn.trainer import Trainer

ROWS, COLUMNS, FOLDS, STEPS = 1460, 300, 5, 300
NETWORKS = {"128-64": [128, 64], "32": [32]}


def main() -> None:
    """Print a line for each network and number of configurations."""
    quiet_threads()
    torch.set_num_threads(1)
    print(f"{machine()}; {versions('torch')}; 1 thread, {STEPS} steps each, in turns")
    for name, hidden in NETWORKS.items():
        for count in (2, 4, 8):
            ratios = measured(hidden, count)
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
            print(
                f"{name:8} {count} configurations x {FOLDS} folds: mixed / equal "
                f"{middle:.3f} ({low:.3f} to {high:.3f})",
                flush=True,
            )


def measured(hidden: list[int], count: int) -> np.ndarray:
    """The time of a mixed step as a multiple of an equal one's, for every pair of steps."""
    same = params(hidden, 0)
    trainers = [
        trainer([same] * count),
        trainer([params(hidden, number) for number in range(count)]),
    ]
    seconds = np.zeros((STEPS, 2))
    for step in range(STEPS):
        for which in (0, 1) if step % 2 else (1, 0):
            seconds[step, which] = one_step(trainers[which], step)
    return seconds[10:, 1] / seconds[10:, 0]


def params(hidden: list[int], number: int) -> MLPParams:
    """Everything is on in every configuration, in another strength in each."""
    return MLPParams(
        hidden=hidden,
        epochs=40,
        batch_size=32,
        seeds=1,
        loss="huber",
        schedule="cosine",
        early_stopping=None,
        numeric_embedding="none",
        learning_rate=1e-3 * (1 + number),
        weight_decay=0.1 * (1 + number),
        dropout=0.1 + 0.05 * number,
        input_noise=0.02 * (1 + number),
        l1=1e-5 * (1 + number),
        gradient_clip=1.0 + number,
    )


def trainer(of_each: Sequence[MLPParams]) -> Trainer:
    """A group of all folds of all configurations."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    y = torch.from_numpy(x[:, :5].sum(1, keepdims=True).astype(np.float64))
    members = [
        Member(place, place, np.flatnonzero(np.arange(ROWS) % FOLDS != place % FOLDS), params=own)
        for place, own in enumerate(own for own in of_each for _ in range(FOLDS))
    ]
    return Trainer(Data(x, y, Columns(COLUMNS), Task(False, 1)), members, torch.device("cpu"))


@torch.no_grad()
def one_step(own: Trainer, number: int) -> float:
    """The seconds of one step."""
    orders = own.orders.epoch(number // own.orders.steps)
    index = number % own.orders.steps
    started = time.perf_counter()
    own._set_schedules(number)
    own._train_step(orders[index], index)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
