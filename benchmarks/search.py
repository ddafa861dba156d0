"""Trials in batches against one trial at a time, in the same time: house prices, ``mlp``.

    PODIUM_HOUSE_PRICES=<folder of the real files> python benchmarks/search.py --minutes 10

Each repeat runs ``podium tune`` twice with the same sampler's seed: as it is, and with
``--batch 1 --pruner none``. It counts the configurations that finished, and those that the pruner
sent away, and draws the best score so far of all repeats to ``benchmarks/results/search.png``.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from common import HOUSES, ROOT, environment, machine, project, source, timed

RESULTS = ROOT / "benchmarks" / "results"
WAYS = {"in batches": (), "one at a time": ("--batch", "1", "--pruner", "none")}


def main() -> None:
    """Measure, print a table, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--model", default="mlp")
    options = parser.parse_args()
    print(machine())
    curves: dict[str, list[pd.DataFrame]] = {way: [] for way in WAYS}
    with project(source()) as root:
        for stage in ("resolve", "download", "preprocess"):
            timed(root, sys.executable, "-m", "podium", stage, HOUSES)
        print(f"{'repeat':<8}{'way':<16}{'finished':>9}{'pruned':>8}{'best':>10}{'seconds':>9}")
        for repeat in range(options.repeats):
            for way, words in WAYS.items():
                curves[way].append(run(root, options, repeat, way, words))
    RESULTS.mkdir(exist_ok=True)
    for way, found in curves.items():
        table = pd.concat(found, keys=range(len(found)), names=["repeat"])
        table.to_csv(RESULTS / f"search-{way.replace(' ', '-')}.csv")
    summary(curves, options.minutes)
    draw(curves, options, RESULTS / "search.png")


def run(
    root: Path, options: argparse.Namespace, repeat: int, way: str, words: tuple[str, ...]
) -> pd.DataFrame:
    """One search; its trials with the seconds from the start to the end of each."""
    study = f"{way.replace(' ', '-')}-{repeat}"
    command = [
        sys.executable, "-m", "podium", "tune", HOUSES, options.model, "--minutes",
        f"{options.minutes:g}", "--sampler", options.sampler, "--seed", str(1000 * repeat),
        "--study", study, *words,
    ]  # fmt: skip
    started, clock = time.time(), time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment(), capture_output=True, text=True)
    seconds = time.perf_counter() - clock
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    folder = root / "reports" / HOUSES / "tune" / study
    trials = pd.read_csv(folder / "trials.csv")
    trials["ended"] -= started
    complete = trials["state"] == "complete"
    print(
        f"{repeat:<8}{way:<16}{complete.sum():>9}{(~complete).sum():>8}"
        f"{trials['score'].min():>10.5f}{seconds:>9.0f}",
        flush=True,
    )
    for line in done.stdout.splitlines():
        if re.match("(tuning|new) folds|the gain", line):
            print(f"        {line}", flush=True)
    return trials.sort_values("ended")


def best_so_far(trials: pd.DataFrame, at: np.ndarray) -> np.ndarray:
    """The best score until each second of ``at``; NaN before the first."""
    own = trials.dropna(subset=["score"])
    return np.array([own.loc[own["ended"] <= second, "score"].min() for second in at])


def summary(curves: dict[str, list[pd.DataFrame]], minutes: float) -> None:
    """How many more finish, and whether the mean curve is ever worse after a minute."""
    for what, states in (("ended", ("complete", "pruned")), ("finished", ("complete",))):
        done = {
            way: float(np.mean([one["state"].isin(states).sum() for one in found]))
            for way, found in curves.items()
        }
        ratio = done["in batches"] / max(done["one at a time"], 1)
        print(f"configurations that {what}, mean: {done}; {ratio:.1f} times as many in batches")
    at = np.arange(60, 60 * minutes + 1, 5.0)
    means = {
        way: np.nanmean([best_so_far(one, at) for one in found], axis=0)
        for way, found in curves.items()
    }
    worse = float(np.nanmax(means["in batches"] - means["one at a time"])) if len(at) else 0.0
    print(f"after the first minute the mean best score in batches is worse by at most {worse:+.5f}")


def draw(curves: dict[str, list[pd.DataFrame]], options: argparse.Namespace, path: Path) -> None:
    """Thin lines: repeats; thick ones: their mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    at = np.arange(0, 60 * options.minutes + 1, 1.0)
    for color, (way, found) in zip(("#1f6fb4", "#e07b1a"), curves.items(), strict=True):
        lines = [best_so_far(one, at) for one in found]
        for line in lines:
            axes.plot(at, line, color=color, alpha=0.3, linewidth=1)
        # From when every repeat has a score.
        axes.plot(at, np.mean(lines, axis=0), color=color, linewidth=2.5, label=way)
    axes.set(xlabel="seconds", ylabel="best RMSLE so far", title=f"{HOUSES} {options.model}")
    axes.legend()
    figure.savefig(path)
    print(path)


if __name__ == "__main__":
    main()
