"""A portfolio of networks against as many seeds of one configuration, on the same folds.

    PODIUM_TABLES=<folder of folders> python benchmarks/portfolio.py [--only german-credit,hpc-jobs]

The models are ``mlp`` with its defaults, with more seeds, and ``mlp_ensemble`` with its defaults.
Seconds are those of fitting all five folds. "better by" has the standard error of the paired
differences between folds.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common import edit, machine, project, timed
from podium.metrics import METRICS
from tables import KNOWN, TABLES, block, fold_scores

MODELS: Mapping[str, dict[str, Any]] = {
    "mlp": {},
    "more_seeds": {"model": "mlp", "seeds": 12},
    "mlp_ensemble": {},
}


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get(TABLES), help=f"folder; {TABLES}")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(KNOWN))
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    options = parser.parse_args()
    if not options.data:
        sys.exit(f"{TABLES} names no folder")
    print(machine(), flush=True)
    for name in options.only:
        compare(Path(options.data), name, options.seed)


def compare(folder: Path, name: str, seed: int) -> None:
    """One line for each model, beside the first."""
    with project({"provider": "sample"}) as root:
        edit(root, lambda params: params.update(block(folder, name)))
        edit(root, lambda params: params[name].update(models=dict(MODELS)))
        edit(root, lambda params: params[name]["folds"].update(seed=seed))
        for stage in ("download", "preprocess"):
            timed(root, sys.executable, "-P", "-m", "podium", stage, name)
        first = None
        for model in MODELS:
            seconds = timed(root, sys.executable, "-P", "-m", "podium", "train", name, model)
            folds = fold_scores(root / f"models/{name}/{model}/metrics.json")
            first = folds if first is None else first
            better = METRICS[KNOWN[name][2]].as_loss(1.0) * (first - folds)
            error = better.std(ddof=1) / np.sqrt(len(better))
            gain = f"{better.mean():+.5f} ± {error:.5f}"
            print(f"{name}  {model}  {folds.mean():.5f}  {seconds:.0f} s  {gain}", flush=True)


if __name__ == "__main__":
    main()
