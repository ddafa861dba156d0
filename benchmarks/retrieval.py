"""What ``retrieval`` adds to the default models, alone and in the blend, on the same folds.

    PODIUM_TABLES=<folder of folders> python benchmarks/retrieval.py [--only german-credit]
        [--seeds 2]

All models with their defaults. The blend's scores are nested, of the three default models and of
all four.
"""

import argparse
import json
import os
import sys
from itertools import product
from pathlib import Path
from typing import Any

from common import edit, machine, project, timed
from tables import KNOWN, TABLES, block

DEFAULTS = ["ridge", "lightgbm", "mlp"]
MODELS = [*DEFAULTS, "retrieval"]
METHODS = ("auto", "weighted")


def main() -> None:
    """Train, blend, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get(TABLES), help=f"folder; {TABLES}")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(KNOWN))
    parser.add_argument("--seeds", type=int, default=1, help="of the folds, from 0 on")
    options = parser.parse_args()
    if not options.data:
        sys.exit(f"{TABLES} names no folder")
    print(machine(), flush=True)
    for name, seed in product(options.only, range(options.seeds)):
        compare(Path(options.data), name, seed)


def compare(folder: Path, name: str, seed: int) -> None:
    """A line for each model and each blend."""
    with project({"provider": "sample"}) as root:

        def change(params: dict[str, Any]) -> None:
            params.update(block(folder, name))
            params[name]["models"] = {model: {} for model in MODELS}
            params[name]["folds"]["seed"] = seed

        def run(stage: str, *more: str) -> float:
            return timed(root, sys.executable, "-P", "-m", "podium", stage, name, *more)

        edit(root, change)
        for stage in ("download", "preprocess"):
            run(stage)
        for model in MODELS:
            seconds = run("train", model)
            found = score(root / f"models/{name}/{model}/metrics.json")
            print(f"{name} {seed}  {model}  {found:.5f}  {seconds:.0f} s", flush=True)
        for method, models in product(METHODS, (DEFAULTS, MODELS)):
            spec = {"method": method, "models": models, "submit": "blend"}
            edit(root, lambda params, spec=spec: params[name].update(ensemble=spec))
            run("ensemble")
            found = score(root / f"reports/{name}/blend/metrics.json")
            print(f"{name} {seed}  {method} of {len(models)}  {found:.5f}", flush=True)


def score(file: Path) -> float:
    """The pooled OOF score."""
    return float(json.loads(file.read_text())["cv"])


if __name__ == "__main__":
    main()
