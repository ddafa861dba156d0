"""Wall time of every stage, and how much of the whole is not model fitting.

    PODIUM_HOUSE_PRICES=<folder of the real files> python benchmarks/stages.py

Runs the very commands that ``dvc repro`` runs, each as a process of its own, then a whole
``dvc repro`` and one with nothing to do, in a temporary folder.
"""

import json
from pathlib import Path

from common import machine, project, source, timed

NAME = "house-prices"


def main() -> None:
    """Measure and print a table."""
    print(machine())
    raw = source()
    with project(raw) as root:
        seconds, fitting = stage_times(root)
        print_stages(seconds, fitting)
        print_scores(root)
    with project(raw) as root:
        print_repro(root)


def stage_times(root: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Wall seconds by stage, and of those the seconds of model fitting."""
    seconds, fitting = {}, {}
    for stage in ("resolve", "download", "preprocess"):
        seconds[stage] = timed(root, "podium", stage, NAME)
    for model in models(root):
        stage = f"train {model}"
        seconds[stage] = timed(root, "podium", "train", NAME, model)
        timing = json.loads((root / f"models/{NAME}/{model}/timing.json").read_text())
        fitting[stage] = timing["fit_seconds"]
    for stage in ("ensemble", "report"):
        seconds[stage] = timed(root, "podium", stage, NAME)
    return seconds, fitting


def models(root: Path) -> list[str]:
    from podium.config import load_config

    return list(load_config(root / "params.yaml")[NAME].models)


def print_stages(seconds: dict[str, float], fitting: dict[str, float]) -> None:
    print(f"{'stage':<20}{'wall s':>8}{'fitting s':>11}{'other s':>9}")
    for stage, wall in seconds.items():
        fit = fitting.get(stage, 0.0)
        print(f"{stage:<20}{wall:>8.1f}{fit:>11.1f}{wall - fit:>9.1f}")
    wall, fit = sum(seconds.values()), sum(fitting.values())
    print(f"{'all':<20}{wall:>8.1f}{fit:>11.1f}{wall - fit:>9.1f}")
    print(f"not model fitting: {1 - fit / wall:.0%} of {wall:.0f} s")


def print_scores(root: Path) -> None:
    metrics = json.loads((root / f"reports/{NAME}/blend/metrics.json").read_text())
    print(f"blend: {metrics['metric']} {metrics['cv']:.4f}, nested, pooled OOF")


def print_repro(root: Path) -> None:
    timed(root, "dvc", "init", "--no-scm", "-q")
    timed(root, "dvc", "config", "core.analytics", "false")
    print(f"dvc repro, everything: {timed(root, 'dvc', 'repro'):.1f} s")
    print(f"dvc repro, nothing to do: {timed(root, 'dvc', 'repro'):.1f} s")


if __name__ == "__main__":
    main()
