"""How good the networks are: house prices as shipped, and other tables with no knob turned.

    python benchmarks/mlp_tables.py [--data FOLDER] [--out FOLDER]

First the shipped ``mlp`` block of params.yaml on the house prices (``--data`` or
PODIUM_HOUSE_PRICES names Kaggle's files; else the synthetic sample). Then ``MLPRegressor()`` and
``MLPClassifier()`` against scikit-learn's histogram gradient boosting, both by their defaults, on
tables that scikit-learn ships or makes: 5 shuffled folds of seed 0 (stratified for classes),
scored on all out-of-fold predictions; a fold counts as won by the lower loss.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from common import ROOT, machine
from houses import shipped
from shipped_tables import TABLES, Table

Array = NDArray[np.float64]
RESULTS = ROOT / "benchmarks/results"
FOLDS = 5
PODIUM, TREES = "podium", "boosting"


@dataclass(frozen=True)
class Score:
    """Pooled out-of-fold loss, each fold's, the accuracy (NaN for regression), the seconds."""

    loss: float
    by_fold: Array
    accuracy: float
    seconds: float


def main() -> None:
    """Score, print, and leave a table."""
    options = read_options()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(os.cpu_count() or 1)
    print(f"{machine()}, PyTorch {torch.__version__}")
    print_shipped(options.data)
    rows = [compare(name, make()) for name, make in TABLES.items()]
    pd.DataFrame(rows).to_csv(options.out / "tables.csv", index=False, lineterminator="\n")
    print(f"table: {options.out / 'tables.csv'}")


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="How good the networks are.")
    parser.add_argument("--data", help="folder of the real house-price files")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the table")
    return parser.parse_args()


def print_shipped(folder: str | None) -> None:
    result = shipped(folder, ["mlp"])["mlp"]
    print(
        f"house prices, mlp as shipped: pooled OOF RMSE of the log price {result.rmse:.5f} "
        f"(KFold(5, shuffle, seed 0)), {result.seconds:.1f} s of fitting\n"
    )
    print(f"{'':<16}{'rows':>6}{'cols':>5}  {'loss':<9}{'podium':>9}{'boosting':>9}", end="")
    print(f"  {'winner':<9}{'folds won':>9}{'accuracy':>18}{'seconds':>14}")


def compare(name: str, table: Table) -> dict[str, Any]:
    """Both on one table, printed as a row."""
    scores = {who: score(table, make) for who, make in estimators(table).items()}
    row = facts(name, table, scores[PODIUM], scores[TREES])
    print_row(row)
    return row


def estimators(table: Table) -> dict[str, Callable[[], Any]]:
    """Both by their defaults."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from podium import MLPClassifier, MLPRegressor

    if table.classes:
        return {PODIUM: MLPClassifier, TREES: HistGradientBoostingClassifier}
    return {PODIUM: MLPRegressor, TREES: HistGradientBoostingRegressor}


def score(table: Table, make: Callable[[], Any]) -> Score:
    """Out-of-fold predictions, scored."""
    started = time.perf_counter()
    predicted = np.zeros((len(table.y), max(table.classes, 1)))
    folds = split(table)
    for train, valid in folds:
        predicted[valid] = fit_predict(table, make(), train, valid)
    seconds = time.perf_counter() - started
    by_row = row_losses(table, predicted)
    right = predicted.argmax(axis=1) == table.y
    return Score(
        loss=pooled(table, by_row),
        by_fold=np.array([pooled(table, by_row[valid]) for _, valid in folds]),
        accuracy=float(right.mean()) if table.classes else float("nan"),
        seconds=seconds,
    )


def split(table: Table) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Five shuffled folds of seed 0."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if table.classes else KFold
    return list(kind(FOLDS, shuffle=True, random_state=0).split(table.x, table.y))


def fit_predict(
    table: Table, estimator: Any, train: NDArray[np.int64], valid: NDArray[np.int64]
) -> Array:
    """Values (rows, 1) or probabilities (rows, classes) of the fold's rows."""
    estimator.fit(table.x[train], table.y[train])
    if table.classes:
        return estimator.predict_proba(table.x[valid])
    return estimator.predict(table.x[valid])[:, None]


def row_losses(table: Table, predicted: Array) -> Array:
    """Squared errors, or minus the log of the true class's probability."""
    if not table.classes:
        return (predicted[:, 0] - table.y) ** 2
    own = predicted[np.arange(len(table.y)), table.y.astype(int)]
    return -np.log(np.clip(own, 1e-15, 1.0))


def pooled(table: Table, by_row: Array) -> float:
    """RMSE, or log loss."""
    mean = float(by_row.mean())
    return mean if table.classes else mean**0.5


def facts(name: str, table: Table, ours: Score, trees: Score) -> dict[str, Any]:
    """One row of the table."""
    return {
        "table": name,
        "rows": table.x.shape[0],
        "columns": table.x.shape[1],
        "loss": "log loss" if table.classes else "RMSE",
        "podium": ours.loss,
        "boosting": trees.loss,
        "winner": PODIUM if ours.loss < trees.loss else TREES,
        "folds_won": int((ours.by_fold < trees.by_fold).sum()),
        "podium_accuracy": ours.accuracy,
        "boosting_accuracy": trees.accuracy,
        "podium_seconds": round(ours.seconds, 2),
        "boosting_seconds": round(trees.seconds, 2),
    }


def print_row(row: dict[str, Any]) -> None:
    accuracy = f"{row['podium_accuracy']:.4f} / {row['boosting_accuracy']:.4f}"
    seconds = f"{row['podium_seconds']:.1f} / {row['boosting_seconds']:.1f}"
    print(f"{row['table']:<16}{row['rows']:>6}{row['columns']:>5}  {row['loss']:<9}", end="")
    print(f"{row['podium']:>9.4g}{row['boosting']:>9.4g}  {row['winner']:<9}", end="")
    print(f"{row['folds_won']:>5} of {FOLDS}", end="")
    print(f"{accuracy if row['loss'] == 'log loss' else '':>18}{seconds:>14}", flush=True)


if __name__ == "__main__":
    main()
