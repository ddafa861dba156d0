"""The lab of docs/lab.md: the curves that its statements are about, on the shipped sample.

    python benchmarks/mlp_lab.py [--seeds 1] [--only plain,3]

A line for each entry: the mean losses over folds and seeds after the first, the tenth and the last
epoch, the lowest ``valid_loss`` and its epoch, and how far ``valid_loss`` moves from epoch to epoch
in the last ten.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from common import HOUSES, ROOT, machine, versions
from podium.config import TableCompetition, load_config
from podium.config.models import TABLE_MODELS
from podium.data.sources import fetch
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.prepare import make_dataset
from podium.data.tabular.read import read_raw
from podium.data.targets import Target
from podium.io.errors import PodiumError
from podium.metrics import METRICS
from podium.models import fit_model

MANIFEST = {"provider": "sample", "synthetic": True, "files": []}
# By the statements' numbers. Early stopping is off where it isn't set.
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "1 learning_rate 10": {"learning_rate": 10.0},
    "1 learning_rate 0.2": {"learning_rate": 0.2},
    "2 sgd": {"optimizer": "sgd"},
    "2 sgd, learning_rate 0.1": {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0},
    "3 constant": {"schedule": "constant"},
    "3 cosine": {"schedule": "cosine"},
    "4 constant 0.01": {"schedule": "constant", "learning_rate": 0.01},
    "4 constant 0.01, ema": {"schedule": "constant", "learning_rate": 0.01, "averaging": "ema"},
    "5 batch_size 2000": {"batch_size": 2000},
    "5 batch_size 8": {"batch_size": 8},
    "6 hidden 1": {"hidden": [1], "dropout": 0.0},
    "6 hidden 512, 256": {"hidden": [512, 256], "dropout": 0.0},
    "7 stopping": {"dropout": 0.0, "early_stopping": 20},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", type=lambda text: text.split(","), default=[""])
    options = parser.parse_args()
    print(f"{machine()}, {versions('torch')}, {options.seeds} seeds", flush=True)
    data, target, metric = houses()
    for name, knobs in CASES.items():
        if not any(name.startswith(start) for start in options.only):
            continue
        print(f"{name:28s}  {line(data, target, metric, seeds=options.seeds, **knobs)}", flush=True)


def houses() -> tuple[TableDataset, Target, str]:
    """The sample, as the pipeline makes it of the shipped params.yaml."""
    competition = load_config(ROOT / "params.yaml", only=HOUSES)[HOUSES]
    assert isinstance(competition, TableCompetition)
    with TemporaryDirectory() as folder:
        fetch(competition, Path(folder))
        data = make_dataset(read_raw(Path(folder), competition), competition, MANIFEST)
    return data, Target("regression", competition.target_transform), competition.metric


def line(data: TableDataset, target: Target, metric: str, **knobs: Any) -> str:
    """What the curves of an entry say."""
    params = TABLE_MODELS["mlp"].params(model="mlp", **{"early_stopping": None, **knobs})
    started = time.process_time()
    try:
        result = fit_model(params, data, target, METRICS[metric])
    except PodiumError as error:
        return str(error)
    curve = pd.DataFrame(result.history).groupby("step")[["train_loss", "valid_loss"]].mean()
    train, valid = curve["train_loss"], curve["valid_loss"]
    least, tenth = int(valid.argmin()), min(9, len(curve) - 1)
    moves = valid.diff().abs().iloc[-10:].mean()
    best = [found["best_epoch"] for found in result.details if "best_epoch" in found]
    return (
        f"epochs {len(curve)}, train {train.iloc[0]:.3g} {train.iloc[tenth]:.3g} "
        f"{train.iloc[-1]:.3g}, valid {valid.iloc[0]:.3g} {valid.iloc[tenth]:.3g} "
        f"{valid.iloc[-1]:.3g}, least {valid.iloc[least]:.3g} after {least + 1}, "
        f"moves {moves:.2g}, {metric} {result.score:.4g}, CPU {time.process_time() - started:.0f} s"
        + (f", best epochs {best}" if best else "")
    )


if __name__ == "__main__":
    main()
