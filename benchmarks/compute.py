"""The same training here and on two Dask workers on loopback: seconds, and their ratio.

    PODIUM_HOUSE_PRICES=<folder> python benchmarks/compute.py [--repeats 5] [--epochs 30]
        [--rounds 400]

Five folds of LightGBM, and an mlp of 20 networks (5 folds x 4 seeds), shipped hyperparameters but
for the number of epochs and of rounds. Each repeat trains on both, one after the other, and gives
one ratio: a neighbour that makes the machine slow makes both slow; the ratio of processor seconds
depends less on neighbours. On the cluster the time has
connecting, sending the data and comparing versions in it. Predictions must be equal byte for byte.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common import HOUSES, environment, machine, project, quiet_threads, source, timed, versions
from podium.config import ModelParams, load_config
from podium.config.compute import Compute
from podium.data import kinds
from podium.data.dataset import Dataset
from podium.io import paths
from podium.models import fit_targets
from podium.models.fit import ModelResult
from podium.runtime import compute
from podium.runtime.compute.cluster import Cluster
from podium.stages.common import target_of

ADDRESS = "tcp://127.0.0.1:8790"
DASK = (sys.executable, "-P", "-m", "dask")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, help="of LightGBM, at most (default: as shipped)")
    options = parser.parse_args()
    quiet_threads()
    print(f"{machine()}, {versions('lightgbm', 'torch', 'distributed')}", flush=True)
    with project(source()) as root:
        timed(root, "podium", "sync")
        for stage in ("download", "preprocess"):
            timed(root, "podium", stage, HOUSES)
        os.chdir(root)
        models = load_config()[HOUSES].models
        with _cluster(root):
            mlp = models["mlp"].model_copy(update={"epochs": options.epochs, "seeds": 4})
            measure("mlp", mlp, options.repeats)
            rounds = {"rounds": options.rounds} if options.rounds else {}
            lightgbm = models["lightgbm"].model_copy(update=rounds)
            measure("lightgbm", lightgbm, options.repeats)


def measure(name: str, params: ModelParams, repeats: int) -> None:
    """Train on both, print the ratio of each repeat and their median."""
    dataset = kinds.of(load_config()[HOUSES]).read(paths.processed(HOUSES))
    ratios, seconds, work = [], [], []
    # Loads libraries.
    few = {"rounds": 5} if name == "lightgbm" else {"epochs": 1, "seeds": 1}
    for settings in (LOCAL, ON_DASK):
        _timed(settings, params.model_copy(update=few), dataset)
    for number in range(repeats):
        both = (LOCAL, ON_DASK) if number % 2 else (ON_DASK, LOCAL)
        found = {own.backend: _timed(own, params, dataset) for own in both}
        here, there = found["local"], found["dask"]
        assert here.result.oof.tobytes() == there.result.oof.tobytes()
        assert here.result.test.tobytes() == there.result.test.tobytes()
        ratios.append(there.wall / here.wall)
        work.append(there.cpu / here.cpu)
        seconds.append((here.wall, there.wall))
        wall = f"wall: local {here.wall:.1f} s, dask {there.wall:.1f} s, ratio {ratios[-1]:.3f}"
        cpu = f"cpu: {here.cpu:.1f} s, {there.cpu:.1f} s, ratio {work[-1]:.3f}"
        print(f"{name}  {wall}  {cpu}", flush=True)
    local, dask = (statistics.median(own) for own in zip(*seconds, strict=True))
    ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    print(f"{name}: median wall local {local:.1f} s, dask {dask:.1f} s, ratio {ratio}", flush=True)
    cpu = f"{statistics.median(work):.3f} ({min(work):.3f} to {max(work):.3f})"
    print(f"{name}: median ratio of cpu seconds {cpu}; same bytes", flush=True)


LOCAL = Compute()
ON_DASK = Compute(backend="dask", address=ADDRESS)


@dataclass(frozen=True)
class Timed:
    """A training: wall seconds, those of all processors in all its processes, and its result."""

    wall: float
    cpu: float
    result: ModelResult


def _timed(settings: Compute, params: ModelParams, dataset: Dataset) -> Timed:
    competition = load_config()[HOUSES]
    target = target_of(competition, dataset.schema)
    started, own = time.perf_counter(), time.process_time()
    with compute.executor(settings) as pool, compute.using(pool):
        before = _of_workers(pool)
        result = fit_targets(params, dataset, target, competition.scoring)
        cpu = _of_workers(pool) - before
    return Timed(time.perf_counter() - started, cpu + time.process_time() - own, result)


def _of_workers(pool: compute.Pool) -> float:
    """Processor seconds of all workers so far."""
    return sum(pool.client.run(time.process_time).values()) if isinstance(pool, Cluster) else 0.0


@contextmanager
def _cluster(folder: Path) -> Iterator[None]:
    """A scheduler and two workers of one thread."""
    port = ADDRESS.rpartition(":")[2]
    commands = (
        ["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"],
        ["worker", ADDRESS, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"],
    )
    processes = []
    try:
        for command in commands:
            log = (folder / f"{command[0]}.log").open("wb")
            processes.append(
                subprocess.Popen([*DASK, *command], env=environment(), stdout=log, stderr=log)
            )
            time.sleep(8.0)
        yield
    finally:
        # A worker's command ends its workers.
        for process in reversed(processes):
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
