"""How fast the networks train, beside the ways in which people train them.

    python benchmarks/mlp_speed.py [--data FOLDER] [--epochs N] [--rounds N] [--out FOLDER]
                                   [--parts races members realmlp]

On the house prices (``--data`` or PODIUM_HOUSE_PRICES names Kaggle's files; else the synthetic
sample): the same members trained by Podium, by the loop as people write it, and by scikit-learn;
seconds by number of members; RealMLP, if its environment is there (peers/setup_env.py makes it).
Contestants take turns, and ratios are those of each round, for a machine's clock drifts. All use
all cores. Tables and a plot go to ``--out``.
"""

import argparse
import os
from pathlib import Path

import torch

from common import ROOT, machine
from houses import read_houses
from races import run_races
from real_mlp import run_realmlp
from scaling import run_scaling

PARTS = {"races": run_races, "members": run_scaling, "realmlp": run_realmlp}
RESULTS = ROOT / "benchmarks/results"


def main() -> None:
    """Measure the parts asked for, and print."""
    options = read_options()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(os.cpu_count() or 1)
    print(f"{machine()}, PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    houses = read_houses(options.data)
    print(f"{len(houses.matrix)} rows, {houses.matrix.shape[1]} features")
    for part in options.parts:
        PARTS[part](houses, options)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="How fast the networks train.")
    parser.add_argument("--data", help="folder of the real house-price files")
    parser.add_argument("--epochs", type=int, default=40, help="of each race (default 40)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for tables and the plot")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
