"""The house prices as the network benchmarks take them, through Podium's own stages."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common import edit, project, source, timed

NAME = "house-prices"
FOLDS = {"scheme": "kfold", "count": 5, "repeats": 1, "seed": 0}


@dataclass(frozen=True)
class Houses:
    """One matrix for all folds, the raw table behind it, and the log prices.

    ``matrix`` (rows, features) is standardized and one-hot; ``table`` holds the typed columns;
    ``fold`` the validating fold of each row.
    """

    matrix: NDArray[np.float32]
    table: pd.DataFrame
    numeric: list[str]
    categorical: list[str]
    log_price: NDArray[np.float64]
    fold: NDArray[np.int64]


@dataclass(frozen=True)
class Trained:
    """What a model of the pipeline reached: pooled OOF RMSE of log prices, seconds of fitting."""

    rmse: float
    seconds: float


def read_houses(folder: str | None) -> Houses:
    """The training table from ``folder``, the environment's folder, or the sample."""
    from podium.data.tabular.dataset import read_dataset

    with prepared(folder, fit_on="train") as root:
        data = read_dataset(root / f"data/processed/{NAME}")
    return Houses(
        matrix=data.splits[0].transform.dense(data.train).astype(np.float32),
        table=data.train,
        numeric=data.schema.numeric,
        categorical=data.schema.categorical,
        log_price=np.log(data.y),
        fold=data.folds[:, 0],
    )


def shipped(folder: str | None, models: list[str]) -> dict[str, Trained]:
    """What the shipped blocks of params.yaml reach; each stage is a process of its own."""
    with prepared(folder) as root:
        return {model: _train(root, model) for model in models}


@contextmanager
def prepared(folder: str | None, **preprocess: Any) -> Iterator[Path]:
    """A project whose house prices are downloaded and preprocessed, in the folds of seed 0."""
    with project(source(folder)) as root:
        edit(root, lambda params: params[NAME]["folds"].update(FOLDS))
        edit(root, lambda params: params[NAME]["preprocess"].update(preprocess))
        for stage in ("download", "preprocess"):
            _podium(root, stage, NAME)
        yield root


def _train(root: Path, model: str) -> Trained:
    _podium(root, "train", NAME, model)
    where = root / f"models/{NAME}/{model}"
    oof = pd.read_parquet(where / "oof.parquet")
    errors = np.log(oof["prediction"] / oof["true_SalePrice"])
    seconds = json.loads((where / "timing.json").read_text())["fit_seconds"]
    return Trained(float(np.sqrt(np.mean(errors**2))), seconds)


def _podium(root: Path, *arguments: str) -> None:
    timed(root, sys.executable, "-P", "-m", "podium", *arguments)
