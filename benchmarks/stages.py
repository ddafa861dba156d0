"""Where the time of a ``dvc repro`` goes: model fitting, and everything else.

    PODIUM_HOUSE_PRICES=<folder of the real files> python benchmarks/stages.py

In a temporary folder: a whole ``dvc repro``, one after an edit of lasso's parameters, and one with
nothing to do. Each with the resident process, and once more without it (``PODIUM_WARM=0``). A stage
lasts from DVC's line about it to the next one's, so that DVC's own work is counted, too.
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from common import HOUSES, edit, environment, machine, project, source, stage_seconds, timed

STAGE = re.compile(r"Running stage '(?:.*:)?(.+)':")


@dataclass(frozen=True)
class Run:
    """Wall seconds of a ``dvc repro`` and of its stages, and the seconds of model fitting."""

    wall: float
    stages: dict[str, float]
    fitting: dict[str, float]

    @property
    def fit(self) -> float:
        """Seconds of model fitting."""
        return sum(self.fitting.values())


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warm-only", action="store_true", help="skip the runs without it")
    warm_only = parser.parse_args().warm_only
    print(machine())
    raw = source()
    for warm in (True,) if warm_only else (True, False):
        os.environ["PODIUM_WARM"] = "1" if warm else "0"
        print(f"\n{'with' if warm else 'without'} the resident process")
        with project(raw) as root:
            measure(root)


def measure(root: Path) -> None:
    """A whole run, one after an edit, one with nothing to do."""
    timed(root, "dvc", "init", "--no-scm", "-q")
    timed(root, "dvc", "config", "core.analytics", "false")
    print_run("dvc repro, everything", repro(root))
    edit(root, lambda params: params[HOUSES]["models"]["lasso"].update(alpha_count=40))
    print_run("dvc repro, one parameter of lasso", repro(root))
    print(f"dvc repro, nothing to do: {min(timed(root, 'dvc', 'repro') for _ in range(5)):.2f} s")
    print_scores(root)
    # The folder is removed: nothing may still be written there.
    timed(root, "podium", "sync")


def repro(root: Path) -> Run:
    """Run ``dvc repro`` and note when each stage starts."""
    command = [sys.executable, "-P", "-u", "-m", "dvc", "repro"]
    wall, stages = stage_seconds(command, STAGE, root, environment())
    return Run(wall, stages, {name: fit_seconds(root, name) for name in stages})


def fit_seconds(root: Path, stage: str) -> float:
    """Seconds of model fitting in a stage; 0 in one that trains no model."""
    timing = root / f"models/{HOUSES}/{stage.partition('@')[2]}/timing.json"
    return float(json.loads(timing.read_text())["fit_seconds"]) if timing.is_file() else 0.0


def print_run(title: str, run: Run) -> None:
    """A row per stage, and the share of what is not model fitting."""
    print(f"\n{title}\n{'stage':<32}{'wall s':>8}{'fitting s':>11}{'other s':>9}")
    for stage, wall in run.stages.items():
        fit = run.fitting[stage]
        print(f"{stage:<32}{wall:>8.2f}{fit:>11.2f}{wall - fit:>9.2f}")
    print(f"{'all':<32}{run.wall:>8.2f}{run.fit:>11.2f}{run.wall - run.fit:>9.2f}")
    print(f"not model fitting: {1 - run.fit / run.wall:.0%} of {run.wall:.1f} s")


def print_scores(root: Path) -> None:
    """The blend's score, which must not depend on how stages were started."""
    metrics = json.loads((root / f"reports/{HOUSES}/blend/metrics.json").read_text())
    print(f"blend: {metrics['metric']} {metrics['cv']:.4f}, nested, pooled OOF")


if __name__ == "__main__":
    main()
