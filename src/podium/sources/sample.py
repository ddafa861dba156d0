"""The embedded sample: no account, no network, the same bytes each time."""

from pathlib import Path
from typing import Any

import pandas as pd

from podium.config import Competition
from podium.errors import PodiumError
from podium.sources.ames import make_ames

HOUSE_PRICES = "house-prices-advanced-regression-techniques"


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Write the synthetic table for the competition's slug.

    Raises:
        PodiumError: there is no sample for this slug.
    """
    slug = competition.source.slug
    if slug != HOUSE_PRICES:
        raise PodiumError(
            f"params.yaml: {competition.name}.source: there is no sample for '{slug}'; "
            "set provider to kaggle or local"
        )
    train, test = make_ames(seed=competition.source.seed)
    write_csv(train, folder / "train.csv")
    write_csv(test, folder / "test.csv")
    write_csv(
        placeholder_submission(test["Id"], "Id", "SalePrice"), folder / "sample_submission.csv"
    )
    return {"synthetic": True}


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table the way Kaggle's house-price files are written: ``NA`` for missing."""
    table.to_csv(path, index=False, na_rep="NA", lineterminator="\n")


def placeholder_submission(ids: "pd.Series[Any]", id_column: str, target: str) -> pd.DataFrame:
    """A sample submission made from the test ids, for sources that don't hold one."""
    return pd.DataFrame({id_column: ids, target: 0})
