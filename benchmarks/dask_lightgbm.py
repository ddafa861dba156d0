# mypy: disable-error-code="no-untyped-call, attr-defined"
"""LightGBM on rows that no single process holds: Dask's, on two workers of this machine.

    python benchmarks/dask_lightgbm.py [--rows 1000000] [--workers 2] [--rounds 50] [--seeds 5]

Ten columns of numbers and codes are made by the workers, 250,000 rows at a time, so that no
process has all of them. The same rows are fitted by one process, with ``--seeds`` samples of rows
that bins are made from (0: not at all): how much the metric varies with those is the noise that
Dask's is compared with, whose workers make bins of their own rows.
Needs the extra: .venv/bin/pip install -c constraints.txt '.[dask]'.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common import machine, versions

PART, COLUMNS, NOISE = 250_000, 10, 0.5
HELD_SEED = 10**6
Floats = NDArray[np.float32]


def part(seed: int, rows: int) -> tuple[Floats, Floats]:
    """Some rows, and their targets."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, COLUMNS)).astype(np.float32)
    x[:, 8:] = random.integers(0, 50, (rows, 2))
    y = 2 * x[:, 0] + np.sin(3 * x[:, 1]) + x[:, 2] * x[:, 3] + np.sin(x[:, 8])
    return x, (y + NOISE * random.normal(size=rows)).astype(np.float32)


def options(rounds: int) -> dict[str, object]:
    """The knobs of both."""
    return {
        "n_estimators": rounds, "learning_rate": 0.2, "num_leaves": 31, "verbosity": -1,
        "random_state": 0,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=5, help="of one process; 0: Dask alone")
    chosen = parser.parse_args()
    print(f"{machine()}, {versions('lightgbm', 'dask', 'distributed')}", flush=True)
    held = part(HELD_SEED, 200_000)
    print(f"the best that any model can do: rmse {NOISE}")
    found = by_dask(chosen.rows, chosen.workers, chosen.rounds, held)
    if chosen.seeds:
        scores = alone(chosen.rows, chosen.rounds, held, chosen.seeds)
        print(f"one process: mean {np.mean(scores):.4f}, standard deviation {np.std(scores):.4f}, "
              f"{min(scores):.4f} to {max(scores):.4f}; Dask {found:.4f}")  # fmt: skip


def by_dask(rows: int, workers: int, rounds: int, held: tuple[Floats, Floats]) -> float:
    """The rmse of a scheduler and workers on loopback, one thread each."""
    import dask
    import dask.array as da
    from distributed import Client, LocalCluster
    from lightgbm import DaskLGBMRegressor

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        made = [dask.delayed(part, nout=2)(seed, size) for seed, size in parts(rows)]
        sizes = [size for _, size in parts(rows)]
        x, y = (
            da.concatenate(
                [
                    da.from_delayed(own[place], (size, COLUMNS)[: 2 - place], np.float32)
                    for own, size in zip(made, sizes, strict=True)
                ]
            ).persist()
            for place in (0, 1)
        )
        started = time.perf_counter()
        model = DaskLGBMRegressor(client=client, **options(rounds)).fit(x, y)
        seconds = time.perf_counter() - started
        peaks = client.run(peak)
        found = rmse(model.to_local(), held)
        print(
            f"Dask, {workers} workers: {rows:,} rows in {seconds:.1f} s, rmse {found:.4f}, "
            "peak GiB of workers " + ", ".join(f"{value:.2f}" for value in peaks.values()),
            flush=True,
        )
        return found


def alone(rows: int, rounds: int, held: tuple[Floats, Floats], seeds: int) -> list[float]:
    """The rmse of the same rows in this process, by the seed of the sample for bins."""
    from lightgbm import LGBMRegressor

    made = [part(seed, size) for seed, size in parts(rows)]
    x, y = (np.concatenate([own[place] for own in made]) for place in (0, 1))
    scores = []
    for seed in range(seeds):
        started = time.perf_counter()
        model = LGBMRegressor(**options(rounds), data_random_seed=seed).fit(x, y)
        seconds = time.perf_counter() - started
        scores.append(rmse(model, held))
        print(f"one process: {rows:,} rows in {seconds:.1f} s, rmse {scores[-1]:.4f}, "
              f"peak GiB {peak():.2f}", flush=True)  # fmt: skip
    return scores


def parts(rows: int) -> list[tuple[int, int]]:
    """The seed and the size of each part."""
    return [(start, min(PART, rows - start)) for start in range(0, rows, PART)]


def rmse(model: object, held: tuple[Floats, Floats]) -> float:
    """On rows that neither is fitted on."""
    x, y = held
    return float(np.sqrt(np.mean((model.predict(x) - y) ** 2)))


def peak() -> float:
    """The most memory of this process so far."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20


if __name__ == "__main__":
    main()
