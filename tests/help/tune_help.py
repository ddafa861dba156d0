"""Studies as tests make them, also in processes of their own."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.config import MLPParams
from podium.config.search import read_search
from podium.config.space import Space, make_space
from podium.metrics import metric_named
from podium.models.trials import TrialFit
from podium.stages.tune.study import StoredStudy, open_study

# A program that uses this module begins so.
PROGRAM = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport tune_help as t\n"
SEARCH = {
    "learning_rate": {"range": [0.001, 0.1], "log": True},
    "dropout": {"range": [0.0, 0.9]},
    "optimizer": {"choices": ["adamw", "sgd"]},
}


def space(search: Mapping[str, Any] = SEARCH) -> Space:
    return make_space(MLPParams(model="mlp"), read_search(search))


def opened(
    storage: str = "journal:///study.log",
    sampler: str = "random",
    metric: str = "rmse",
    about: Mapping[str, Any] | None = None,
    made: Space | None = None,
) -> StoredStudy:
    facts = {"data": "d", "folds": "f", **(about or {})}
    own = made or space()
    return open_study(
        storage, "c/mlp", facts, own, own, metric_named(metric), sampler, 0, time.time() + 60
    )


def complete(score: float, curve: tuple[float, ...] = ()) -> TrialFit:
    return TrialFit(score, [score] * 5, 1.0, "complete", list(curve))


def loss(values: Mapping[str, Any]) -> float:
    return float((values["dropout"] - 0.3) ** 2 + (values["optimizer"] == "sgd"))
