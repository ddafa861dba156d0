"""What each group of house prices' features is worth: models without it, on the same folds.

    PODIUM_HOUSE_PRICES=<folder> python benchmarks/house_features.py [--seeds 3] [--models lasso]

A gain is the mean over folds of RMSE of log price without the group minus with it, positive where
the group helps, with its standard error over folds (of all fold seeds).
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import HOUSES, REAL_FILES, ROOT, machine, versions
from podium.config import TableCompetition, load_config
from podium.data.tabular import prepare
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.features.row_wise import with_features
from podium.data.tabular.read import RawTables, read_raw
from podium.data.targets import Target
from podium.models import fit_model

# By the first and the last feature of a group, as they stand in params.yaml.
GROUPS = {
    "areas and baths": ("TotalSF", "QualitySF"),
    "ages": ("HouseAge", "Remodelled"),
    "has-flags": ("HasPool", "HasDeck"),
    "shops and busy streets": ("Commercial", "BusyStreet"),
    "unfinished mansions": ("UnfinishedMansion", "UnfinishedMansion"),
    "mean prices of neighborhoods": ("NbhdPrice", "NbhdClassPrice"),
}
OWN = "own code: grades and deductions"
MANIFEST: dict[str, object] = {"provider": "local", "synthetic": False, "files": []}


def main() -> None:
    """Print a line for each group and model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get(REAL_FILES), help=f"folder; {REAL_FILES}")
    parser.add_argument("--seeds", type=int, default=3, help="fold seeds")
    parser.add_argument("--models", type=lambda text: text.split(","), default=["lasso"])
    options = parser.parse_args()
    if not options.data:
        sys.exit(f"{REAL_FILES} names no folder")
    os.chdir(ROOT)
    print(f"{machine()}, {versions('scikit-learn', 'lightgbm', 'torch')}")
    print("| without | model | RMSE | gain of the group | s.e. |\n|---|---|---|---|---|")
    for model in options.models:
        compare(Path(options.data), model, range(options.seeds))


def compare(folder: Path, model: str, seeds: range) -> None:
    """One line for each group: all scores of folds with everything, and without the group."""
    whole = scores(folder, model, seeds)
    print(f"| nothing | {model} | {whole.mean():.5f} | | |", flush=True)
    for group in (*GROUPS, OWN, "all"):
        gains = scores(folder, model, seeds, group) - whole
        error = gains.std(ddof=1) / np.sqrt(len(gains))
        mean = (whole + gains).mean()
        print(f"| {group} | {model} | {mean:.5f} | {gains.mean():+.5f} | {error:.5f} |", flush=True)


def scores(
    folder: Path, model: str, seeds: range, without: str | None = None
) -> NDArray[np.float64]:
    """Each fold's RMSE of log price, for all seeds."""
    found: list[float] = []
    for seed in seeds:
        competition, data = dataset(folder, seed, without)
        target = Target(competition.task, competition.target_transform)
        params = competition.models[model]
        found += fit_model(params, data, target, competition.scoring).fold_scores
    return np.array(found)


def dataset(folder: Path, seed: int, without: str | None) -> tuple[TableCompetition, TableDataset]:
    """House prices by params.yaml, without a group of features."""
    shipped = load_config(only=HOUSES)[HOUSES]
    assert isinstance(shipped, TableCompetition)
    left = dict(_left(shipped.features.made, without))
    competition = shipped.model_copy(
        update={
            "folds": shipped.folds.model_copy(update={"seed": seed}),
            "features": shipped.features.model_copy(update={"made": left}),
        }
    )
    raw, _ = with_features(read_raw(folder, competition), competition)
    return competition, _prepared(raw, competition, own=without not in (OWN, "all"))


def _prepared(raw: RawTables, competition: TableCompetition, own: bool) -> TableDataset:
    if own:
        return prepare.make_dataset(raw, competition, MANIFEST)
    # A competition of another name has no code of its own.
    nameless = competition.model_copy(update={"name": "no-own-code"})
    return prepare.make_dataset(raw, nameless, MANIFEST)


def _left(made: Mapping[str, Any], without: str | None) -> Iterator[tuple[str, Any]]:
    """The features that stay."""
    if without == "all":
        return
    names = list(made)
    first, last = GROUPS.get(without or "", ("", ""))
    gone = names[names.index(first) : names.index(last) + 1] if first else []
    yield from ((name, one) for name, one in made.items() if name not in gone)


if __name__ == "__main__":
    main()
