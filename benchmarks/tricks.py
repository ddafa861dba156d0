"""What each trick of networks is worth alone: ``mlp`` with it and without, on the same folds.

    PODIUM_TABLES=<folder of folders> PODIUM_HOUSE_PRICES=<folder> python benchmarks/tricks.py
        [--only adult,house-prices] [--tricks "base,TabM 8"] [--rows 1000] [--folds 3] [--seeds 1]
        [--fold-seeds 1] [--file results/tricks.json] [--show]

The eight tables with ``mlp: {}``, and house prices with the shipped block and features. Tables of
more than ``--rows`` rows are cut to their first rows (they are shuffled). Each run is stored, so
that a later call continues; ``--show`` prints the table of what is stored. A gain is by how much
the loss is smaller, as a share (of AUC and of accuracy: of one minus it), its standard error that
of the mean over tables of their mean gains, and of each table over its folds.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML

from common import HOUSES, REAL_FILES, ROOT, machine
from podium.config import TableCompetition, load_config
from podium.data.tabular import prepare
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.features.row_wise import with_features
from podium.data.tabular.read import RawTables, read_raw
from podium.data.targets import Target
from podium.models import fit_model
from tables import KNOWN, TABLES, block

Array = NDArray[np.float64]
MANIFEST: dict[str, object] = {"provider": "local", "synthetic": False, "files": []}
BASE = "base"
# Of RealMLP (Holzmueller et al. 2024) but for TabM; its learning rates grow with NTK's scaling.
TOGETHER = {
    "parametrization": "ntk", "initialization": "lecun", "learning_rate": 0.03, "bias_rate": 0.1,
    "input_scale": True, "scale_rate": 6.0, "robust_scale": True, "smooth_clip": 3.0,
    "numeric_embedding": "periodic_bias", "embedding_size": 3, "embedding_rate": 0.1,
    "parametric_activation": True, "activation_rate": 0.1, "beta2": 0.95,
}  # fmt: skip
TRICKS: dict[str, dict[str, Any]] = {
    BASE: {},
    "TabM 8": {"implicit_members": 8},
    "4 seeds": {"seeds": 4},
    "NTK rate 0.03": {
        name: TOGETHER[name] for name in ("parametrization", "initialization", "learning_rate")
    },
    "biases x0.1": {"bias_rate": 0.1},
    "input scale": {"input_scale": True},
    "input scale x6": {"input_scale": True, "scale_rate": 6.0},
    "mish": {"activation": "mish"},
    "parametric x0.1": {"parametric_activation": True, "activation_rate": 0.1},
    "PBLD": {"numeric_embedding": "periodic_bias", "embedding_size": 3},
    "embedding x0.1": {"embedding_rate": 0.1},
    "robust scale + clip": {"robust_scale": True, "smooth_clip": 3.0},
    "beta2 0.95": {"beta2": 0.95},
    "clamped output": {"clamp_output": True},
    "smoothed labels": {"label_smoothing": 0.1},
    "all but TabM": TOGETHER,
    "TabM-mini 8": {"implicit_members": 8, "implicit_variant": "mini"},
    "TabM-packed 8": {"implicit_members": 8, "implicit_variant": "packed"},
}
# What does nothing elsewhere.
ONLY_NUMBERS, ONLY_CLASSES = ("clamped output",), ("smoothed labels",)
# Of these losses one minus the score.
SHARES = ("auc", "accuracy")


def main() -> None:
    """Run what is not stored yet, and print the table."""
    options = read_options()
    torch.set_num_threads(1)
    os.chdir(ROOT)
    stored: dict[str, Any] = {}
    if options.file.is_file():
        stored = json.loads(options.file.read_text())
    if not options.show:
        for key, found in runs(options, stored):
            stored[key] = found
            options.file.parent.mkdir(parents=True, exist_ok=True)
            options.file.write_text(json.dumps(stored, indent=1) + "\n")
    print(f"{machine()}, PyTorch {torch.__version__}")
    print("\n".join(markdown(table_of(stored, options.fold_seeds))))


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])

    def names(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("--only", type=names, default=[*KNOWN, HOUSES], help="tables")
    parser.add_argument("--tricks", type=names, default=list(TRICKS), help="tricks")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a table, at most")
    parser.add_argument("--folds", type=int, default=3, help="folds")
    parser.add_argument("--seeds", type=int, default=1, help="networks of a fold")
    parser.add_argument("--fold-seeds", type=int, default=1, help="seeds of the folds, from 0")
    parser.add_argument("--file", type=Path, default=ROOT / "benchmarks/results/tricks.json")
    parser.add_argument("--show", action="store_true", help="print what is stored")
    return parser.parse_args()


def runs(
    options: argparse.Namespace, stored: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every trick, table and fold seed that is not stored: its key, losses and seconds."""
    for trick, seed, name in product(options.tricks, range(options.fold_seeds), options.only):
        key = f"{name}|{seed}|{trick}"
        idle = ONLY_CLASSES if _is_regression(name) else ONLY_NUMBERS
        if trick in idle or key in stored:
            continue
        competition, data = dataset(name, seed, options.rows, options.folds)
        found = run(competition, data, trick, options.seeds)
        print(key, np.mean(found["losses"]), found["seconds"], flush=True)
        yield key, found


def run(
    competition: TableCompetition, data: TableDataset, trick: str, seeds: int
) -> dict[str, Any]:
    """Each fold's loss, and the seconds of CPU."""
    params: Any = competition.models["mlp"]
    knobs = {**params.model_dump(exclude_unset=True), "seeds": seeds, **TRICKS[trick]}
    classes = tuple(data.schema.classes)
    target = Target(competition.task, competition.target_transform, classes)
    started = time.process_time()
    result = fit_model(type(params)(**knobs), data, target, competition.scoring)
    return {
        "losses": [loss(competition.metric, score) for score in result.fold_scores],
        "seconds": round(time.process_time() - started, 2),
    }


def _is_regression(name: str) -> bool:
    return name == HOUSES or KNOWN[name][1] == "regression"


def loss(metric: str, score: float) -> float:
    """What is better the smaller it is."""
    return 1.0 - score if metric in SHARES else score


@cache
def dataset(name: str, seed: int, rows: int, folds: int) -> tuple[TableCompetition, TableDataset]:
    """A table as preprocess makes it, on the folds of a seed."""
    competition, folder = (
        (load_config(only=HOUSES)[HOUSES], Path(os.environ[REAL_FILES]))
        if name == HOUSES
        else (_block_of(name), Path(os.environ[TABLES]) / name)
    )
    assert isinstance(competition, TableCompetition)
    own = competition.folds.model_copy(update={"seed": seed, "count": folds})
    competition = competition.model_copy(update={"folds": own})
    raw = read_raw(folder, competition)
    few = RawTables(raw.train.iloc[:rows], raw.test, raw.sample_submission, raw.extra)
    made, _ = with_features(few, competition)
    return competition, prepare.make_dataset(made, competition, MANIFEST)


def _block_of(name: str) -> TableCompetition:
    """A table's competition, with ``mlp: {}`` alone."""
    content = block(Path(os.environ[TABLES]), name)
    content[name]["models"] = {"mlp": {}}
    with TemporaryDirectory(prefix="podium-bench-") as folder:
        path = Path(folder) / "params.yaml"
        YAML().dump(content, path)
        competition = load_config(path)[name]
    assert isinstance(competition, TableCompetition)
    return competition


def table_of(stored: Mapping[str, Any], fold_seeds: int) -> pd.DataFrame:
    """A row for each trick, table, fold seed and fold: its loss, its gain, the ratio of seconds."""
    rows = []
    for key, found in stored.items():
        name, seed, trick = key.split("|")
        if int(seed) >= fold_seeds:
            continue
        base = stored[f"{name}|{seed}|{BASE}"]
        for fold, (own, plain) in enumerate(zip(found["losses"], base["losses"], strict=True)):
            gain, cost = 1.0 - own / plain, found["seconds"] / base["seconds"]
            rows.append((trick, name, int(seed), fold, own, gain, cost))
    names = ["trick", "table", "seed", "fold", "loss", "gain", "cost"]
    return pd.DataFrame(rows, columns=names)


def markdown(table: pd.DataFrame) -> list[str]:
    """The tricks by mean gain: of all tables, of how many it is better, and of each."""
    of_tables = table.groupby(["trick", "table"], sort=False)["gain"].agg(["mean", "sem"])
    names = list(dict.fromkeys(table["table"]))
    ranks = table.groupby(["trick", "table"])["loss"].mean().unstack().rank().mean(axis=1)
    costs = table.groupby("trick")["cost"].mean()
    lines = [f"| trick | rank | better on | gain, % | seconds | {' | '.join(names)} |"]
    lines.append("|---" * (5 + len(names)) + "|")
    means = of_tables["mean"].unstack()
    for trick in means.mean(axis=1).sort_values(ascending=False).index:
        own = means.loc[trick].dropna()
        error = own.sem()
        cells = [
            f"{100 * of_tables.loc[(trick, name), 'mean']:+.1f} ± "
            f"{100 * of_tables.loc[(trick, name), 'sem']:.1f}"
            if name in own
            else ""
            for name in names
        ]
        lines.append(
            f"| {trick} | {ranks[trick]:.1f} | {(own > 0).sum()} of {len(own)} | "
            f"{100 * own.mean():+.2f} ± {100 * error:.2f} | x{costs[trick]:.1f} | "
            f"{' | '.join(cells)} |"
        )
    return lines


if __name__ == "__main__":
    main()
