"""Seconds and peak memory of every stage against rows of 100 mixed columns, with exponents.

    python benchmarks/scale.py [--rows 10000 30000 100000] [--models ridge lightgbm mlp]
                               [--classes 0] [--out reports/scale]

Writes ``scale.csv`` and ``scale.png`` (log-log) into the folder. Each stage is a process of its
own; its CPU seconds and its peak are the kernel's (``ru_maxrss``). On a machine that others use
CPU seconds are what to compare. An exponent is the slope of the last two sizes: 1 is
linear. 10^6 rows take about half an hour and 8 GiB: ``--rows 10000 100000 1000000``.
"""

import argparse
import os
import subprocess
import sys
import time
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import wide_rows
from common import edit, environment, machine, project, timed, versions

NAME = "scale"
Figures = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--models", nargs="+", default=["ridge", "lightgbm", "mlp"])
    parser.add_argument("--classes", type=int, default=0, help="0: a number is predicted")
    parser.add_argument("--out", type=Path, default=Path("reports/scale"))
    options = parser.parse_args()
    print(f"{machine()}, {versions('lightgbm', 'pandas', 'torch')}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    figures: Figures = []
    for rows in options.rows:
        figures += sweep(rows, options.models, options.classes)
        save(figures, options.out)
    print("\n".join(exponents(figures)))


def sweep(rows: int, models: list[str], classes: int) -> Figures:
    """Every stage of one size."""
    figures = []
    with project({"provider": "sample"}) as root:
        edit(root, lambda params: params.update(block(models, classes)))
        wide_rows.write(root / "files", rows, classes)
        timed(root, "podium", "sync")
        stages = [["download"], ["preprocess"], *(["train", model] for model in models)]
        for command in [*stages, ["ensemble"], ["report"]]:
            figures.append({"rows": rows, **measure(root, *command)})
            line = (
                "{rows:>9,} rows  {stage:<11} {seconds:8.1f} s {cpu:8.1f} s of CPU {gib:6.2f} GiB"
            )
            print(line.format(**figures[-1]), flush=True)
        print((root / "reports" / NAME / "blend" / "scores.csv").read_text(), flush=True)
    return figures


def block(models: list[str], classes: int) -> dict[str, object]:
    """The competition's block in params.yaml."""
    task = "multiclass" if classes > 2 else "binary" if classes else "regression"
    return {
        "competitions": [NAME],
        NAME: {
            "kind": "tabular", "source": {"provider": "local", "path": "files"},
            "task": task, "id": "id", "target": "y", "target_transform": "none",
            "metric": "accuracy" if classes else "rmse", "folds": {}, "preprocess": {},
            "models": {model: {} for model in models}, "ensemble": {},
        },
    }  # fmt: skip


def measure(root: Path, stage: str, *arguments: str, name: str = NAME) -> dict[str, Any]:
    """Run a stage as a process of its own: its seconds and its peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        ["podium", stage, name, *arguments], cwd=root, env=environment(), stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{stage} {' '.join(arguments)} failed: {status}")
    return {
        "stage": arguments[0] if arguments else stage,
        "seconds": round(seconds, 2),
        "cpu": round(used.ru_utime + used.ru_stime, 2),
        "gib": round(used.ru_maxrss / 2**20, 3),
    }


def exponents(figures: Figures) -> list[str]:
    """A line a stage: the slopes of seconds, CPU and memory between the last two sizes."""
    lines = []
    for stage in dict.fromkeys(row["stage"] for row in figures):
        own = [row for row in figures if row["stage"] == stage]
        for before, after in list(pairwise(own))[-1:]:
            size = log(after["rows"] / before["rows"])
            slopes = [
                f"{name} {log(after[name] / before[name]) / size:.2f}"
                for name in ("seconds", "cpu", "gib")
            ]
            lines.append(f"{stage:<11} exponents: {', '.join(slopes)}")
    return lines


def save(figures: Figures, folder: Path) -> None:
    """The table, and its plot."""
    names = list(figures[0])
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in figures)]
    (folder / "scale.csv").write_text("\n".join(lines) + "\n")
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import scale_plot; "
    # A process of its own: what this one holds would count in the peaks of those it starts.
    subprocess.run([sys.executable, "-c", script + f"scale_plot.draw({str(folder)!r})"], check=True)


if __name__ == "__main__":
    main()
