"""What automatic features bring: models with and without them, on the same folds.

    PODIUM_TABLES=<folder of folders> python benchmarks/learnt_features.py [--only telco-churn]

Each folder has train.csv and test.csv, as in ``benchmarks/tables.py``. A gain is the mean over
folds of the paired difference of scores, in units of the metric, positive where features help, with
its standard error over folds.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from common import machine, versions
from podium.config import TableCompetition
from podium.config.features import Features
from podium.config.models import TABLE_MODELS
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.prepare import make_dataset
from podium.data.tabular.read import read_raw
from podium.data.targets import Target
from podium.models import fit_model
from tables import KNOWN, TABLES, competition_of

MODELS = ("ridge", "lightgbm")
MANIFEST: dict[str, object] = {"provider": "local", "synthetic": False, "files": []}


def main() -> None:
    """Fit and print, a line for each model of each table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get(TABLES), help=f"folder; {TABLES}")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(KNOWN))
    parser.add_argument("--seeds", type=int, default=1, help="repeats of the folds")
    options = parser.parse_args()
    if not options.data:
        sys.exit(f"{TABLES} names no folder")
    warnings.simplefilter("ignore")
    print(f"{machine()}, {versions('scikit-learn', 'lightgbm')}", flush=True)
    print("| table | metric | model | without | with | gain | s.e. | features | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.only:
        compare(Path(options.data) / name, name, options.seeds)


def compare(folder: Path, name: str, repeats: int) -> None:
    """One line for each model."""
    plain, spec = dataset(folder, name, repeats, auto=False)
    started = time.perf_counter()
    rich, _ = dataset(folder, name, repeats, auto=True)
    seconds = time.perf_counter() - started
    chosen = np.mean([frame.shape[1] for frame in rich.learnt.values()])
    sign = 1 if spec.scoring.greater_is_better else -1
    for model in MODELS:
        before, after = (scores(one, spec, model) for one in (plain, rich))
        gains = sign * (after - before)
        error = gains.std(ddof=1) / np.sqrt(len(gains))
        print(
            f"| {name} | {spec.metric} | {model} | {before.mean():.5f} | {after.mean():.5f} "
            f"| {gains.mean():+.5f} | {error:.5f} | {chosen:.1f} | {seconds:.0f} |",
            flush=True,
        )


def dataset(
    folder: Path, name: str, repeats: int, auto: bool
) -> tuple[TableDataset, TableCompetition]:
    """The preprocessed table, with and without automatic features."""
    competition = competition_of(name, repeats=repeats).model_copy(
        update={"features": Features(auto=auto)}
    )
    return make_dataset(read_raw(folder, competition), competition, MANIFEST), competition


def scores(data: TableDataset, competition: TableCompetition, model: str) -> Any:
    """The scores of the folds."""
    target = Target(competition.task, competition.target_transform, tuple(data.schema.classes))
    params = TABLE_MODELS[model].params(model=model)
    return np.array(fit_model(params, data, target, competition.scoring).fold_scores)


if __name__ == "__main__":
    main()
