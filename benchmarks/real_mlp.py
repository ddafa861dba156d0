"""RealMLP beside the shipped ``mlp``: both whole, 20 members on the same folds."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from common import ROOT
from houses import NAME, Houses, Trained, shipped
from peers.setup_env import python

SCRIPT = ROOT / "benchmarks/peers/realmlp.py"
# Its environment.
PEER = "pytabkit"
# Its own default, as are batches of 256 rows.
EPOCHS = 256


def run_realmlp(houses: Houses, options: argparse.Namespace) -> None:
    """Train both, print, and leave the figures."""
    if not python(PEER).is_file():
        print("\nRealMLP: python benchmarks/peers/setup_env.py pytabkit comes first (1.3 GB)")
        return
    # Before and after, for the clock drifts.
    before = shipped(options.data, ["mlp"])["mlp"]
    facts = realmlp(houses)
    after = shipped(options.data, ["mlp"])["mlp"]
    print_both(facts, [before, after])
    figures = {"realmlp": facts, "mlp": [vars(before), vars(after)]}
    (options.out / "realmlp.json").write_text(json.dumps(figures, indent=2) + "\n")


def realmlp(houses: Houses, epochs: int = EPOCHS) -> dict[str, Any]:
    """What peers/realmlp.py prints."""
    with TemporaryDirectory(prefix="podium-bench-") as folder:
        file = Path(folder) / "table.npz"
        write_table(houses, file)
        command = [
            str(python(PEER)),
            str(SCRIPT),
            str(file),
            str(torch.get_num_threads()),
            str(epochs),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        sys.exit(f"RealMLP failed:\n{done.stdout}{done.stderr}")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def write_table(houses: Houses, file: Path) -> None:
    """The raw table: RealMLP does its own preprocessing. A missing category is one of its own."""
    table = houses.table
    codes = [table[name].astype("category").cat.codes for name in houses.categorical]
    np.savez(
        file,
        numbers=table[houses.numeric].to_numpy(dtype=np.float32),
        codes=np.stack(codes, axis=1).astype(np.int64),
        y=houses.log_price,
        fold=houses.fold,
    )


def print_both(facts: dict[str, Any], ours: list[Trained]) -> None:
    epochs, seeds = shipped_epochs()
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    print(
        f"\nRealMLP with tuned defaults ({versions}), the raw table, beside the shipped mlp; same "
        "folds, all cores.\nRealMLP: 5 fits of 4 members, each on 3/4 of the fold's training rows "
        "(the rest picks the epoch), batch 256."
    )
    print(f"  {'':<10}{'members':>8}{'epochs':>8}{'seconds':>9}{'a member':>10}", end="")
    print(f"{'a member-epoch':>16}{'OOF RMSE':>10}")
    print_row("RealMLP", facts["members"], facts["epochs"], facts["seconds"], facts["oof_rmse"])
    for result in ours:
        print_row("mlp", 5 * seeds, epochs, result.seconds, result.rmse)


def print_row(name: str, members: int, epochs: int, seconds: float, rmse: float) -> None:
    each = seconds / members
    print(f"  {name:<10}{members:>8}{epochs:>8}{seconds:>9.1f}{each:>10.2f}", end="")
    print(f"{each / epochs:>16.4f}{rmse:>10.4f}")


def shipped_epochs() -> tuple[int, int]:
    """Epochs and seeds of the shipped ``mlp``."""
    from podium.config import load_config

    params: Any = load_config(ROOT / "params.yaml")[NAME].models["mlp"]
    return params.epochs, params.seeds
