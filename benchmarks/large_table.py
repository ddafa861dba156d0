"""Preprocessing and one model on many mixed rows: seconds and peak memory of each stage.

    python benchmarks/large_table.py [--rows 200000] [--model lightgbm]

The table is made up: 15 columns of normal numbers, 5 skewed ones with missing values, 3 of codes
with 1,000 levels, 6 of text with 4 to 4,096 levels, a date; the target is of six of them and noise.
The test table has a quarter as many rows.
"""

import argparse
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import edit, environment, machine, project, timed, versions

NAME = "large"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="of train (default 200000)")
    parser.add_argument("--model", default="lightgbm")
    options = parser.parse_args()
    print(f"{machine()}, {versions('lightgbm', 'pandas')}", flush=True)
    with project({"provider": "sample"}) as root:
        edit(root, lambda params: params.update(block(options.model)))
        write(root / "files", options.rows)
        timed(root, "podium", "sync")
        for stage in (["download"], ["preprocess"], ["train", options.model]):
            measure(root, stage[0], NAME, *stage[1:])


def block(model: str) -> dict[str, object]:
    """The competition's block in params.yaml."""
    return {
        "competitions": [NAME],
        NAME: {
            "kind": "tabular", "source": {"provider": "local", "path": "files"},
            "task": "regression", "id": "id", "target": "y", "target_transform": "none",
            "metric": "rmse", "folds": {}, "preprocess": {}, "models": {model: {}}, "ensemble": {},
        },
    }  # fmt: skip


def write(folder: Path, rows: int) -> None:
    """Train, test and sample submission."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    train, y = made_up(generator, rows)
    train.assign(id=np.arange(rows), y=y).to_csv(folder / "train.csv", index=False)
    test, _ = made_up(generator, rows // 4)
    test = test.assign(id=rows + np.arange(len(test)))
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(y=0.0).to_csv(folder / "sample_submission.csv", index=False)


def made_up(generator: np.random.Generator, rows: int) -> tuple[pd.DataFrame, pd.Series]:
    """A table of 30 mixed columns, and its target."""
    columns: dict[str, Any] = {f"n{index}": generator.normal(size=rows) for index in range(15)}
    columns |= {f"k{index}": generator.integers(0, 1000, rows) for index in range(3)}
    for index in range(6):
        levels = [f"v{level}" for level in range(4 ** (index + 1))]
        columns[f"c{index}"] = generator.choice(levels, rows)
    for index in range(5):
        there = generator.random(rows) >= 0.2
        columns[f"m{index}"] = np.where(there, generator.exponential(size=rows), np.nan)
    days = pd.to_timedelta(generator.integers(0, 1000, rows), unit="D")
    columns["day"] = (pd.Timestamp("2020-01-01") + days).strftime("%Y-%m-%d")
    table = pd.DataFrame(columns)
    y = 2 * table["n0"] + np.sin(3 * table["n1"]) + 1.5 * (table["c0"] == "v1")
    y += table["n2"] * table["n3"] + table["m0"].fillna(0) + 0.5 * generator.normal(size=rows)
    return table, y


def measure(root: Path, *command: str) -> None:
    """Run a stage as a process of its own, and print its seconds and its peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        ["podium", *command], cwd=root, env=environment(), stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    failed = "" if status == 0 else f", failed: {status}"
    print(
        f"{' '.join(command)}: {seconds:.1f} s, peak {used.ru_maxrss / 2**20:.2f} GiB{failed}",
        flush=True,
    )


if __name__ == "__main__":
    main()
