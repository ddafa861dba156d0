"""A submission's files in the working folder, read and changed."""

import csv
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

NAME = "house-prices"
FILE = Path("submissions/house-prices/submission.csv")
LEDGER = Path("submissions/house-prices/ledger.csv")


def ledger() -> list[dict[str, str]]:
    with LEDGER.open() as file:
        return list(csv.DictReader(file))


def blend_run():
    tracking = MlflowClient(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    experiment = tracking.get_experiment_by_name(NAME)
    (run,) = tracking.search_runs(
        [experiment.experiment_id], "tags.`podium.stage` = 'ensemble'", max_results=5
    )
    return run


def change_file(change) -> None:
    """Another submission in the place of the blend's."""
    table = pd.read_csv(FILE)
    changed = change(table)
    table = table if changed is None else changed
    table.to_csv(FILE, index=False, lineterminator="\n")


def raise_first(count: int, by: float = 1000.0):
    def change(table):
        table.loc[: count - 1, "SalePrice"] += by

    return change
