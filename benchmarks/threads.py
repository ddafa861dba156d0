"""What two threads are worth to one group of networks, alone and beside a process that computes.

    OMP_WAIT_POLICY=PASSIVE python benchmarks/threads.py [--rounds 3]

One network on random images, with one thread and with two, in turn: the seconds of a few epochs.
``SHARED_WORK`` of ``podium/nn/plan.py`` decides by it, from the multiplications of a step. Podium
sets ``OMP_WAIT_POLICY`` for its own processes.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np

from common import machine, versions
from podium.config import CNNParams, ImageMLPParams, ImageNetworkParams
from podium.data.images.dataset import Moments
from podium.models.image_inputs import ImageInputs
from podium.nn import fit_members, plan

ALWAYS, NEVER = 1, 10**15
MLP = ImageMLPParams(hidden=[1024, 512], normalization="batch")
# Rows, side, epochs.
CASES: dict[str, tuple[ImageNetworkParams, int, int]] = {
    "cnn, 8 x 8": (CNNParams(epochs=3), 1437, 8),
    "mlp 1024-512, 8 x 8": (MLP.model_copy(update={"epochs": 6}), 1437, 8),
    "mlp 1024-512, 28 x 28": (MLP.model_copy(update={"epochs": 4}), 4000, 28),
    "cnn, 28 x 28": (CNNParams(epochs=1), 3000, 28),
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="One group on one thread and on two.")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"{machine()}\n{versions('torch')}\n")
    print("| | beside it | one thread, s | two threads, s | one / two |\n|---|---|---|---|---|")
    for name, (params, rows, side) in CASES.items():
        for busy in (False, True):
            one, two = measured(params, rows, side, rounds, busy)
            other = "a process" if busy else "nothing"
            print(f"| {name} | {other} | {one:.2f} | {two:.2f} | {one / two:.2f} |", flush=True)


def measured(
    params: ImageNetworkParams, rows: int, side: int, rounds: int, busy: bool
) -> tuple[float, float]:
    """Median seconds with one thread, and with two."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (rows, side, side, 1), dtype=np.uint8)
    classes = generator.integers(0, 10, rows)
    inputs = ImageInputs(images, [Moments(np.array([0.5]), np.array([0.3]))], params)
    took: dict[int, list[float]] = {NEVER: [], ALWAYS: []}
    with beside(busy):
        for _ in range(rounds):
            for work, seconds in took.items():
                plan.SHARED_WORK = work
                started = time.perf_counter()
                fit_members(inputs, classes, [np.arange(rows)], params, classes=10)
                seconds.append(time.perf_counter() - started)
    return median(took[NEVER]), median(took[ALWAYS])


@contextmanager
def beside(busy: bool) -> Iterator[None]:
    """A process that takes a core meanwhile, if asked for."""
    if not busy:
        yield
        return
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


if __name__ == "__main__":
    main()
