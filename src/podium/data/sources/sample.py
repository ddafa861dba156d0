"""The embedded samples: they need no account and no network, and are always byte-identical."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from podium.config import Competition
from podium.data.sources.ames import make_ames
from podium.data.sources.digits import make_digits
from podium.io.errors import SettingError

HOUSE_PRICES = "house-prices-advanced-regression-techniques"
DIGITS = "digit-recognizer"


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Write the sample for the competition's slug.

    Raises:
        PodiumError: there is no sample for this slug.
    """
    slug = str(competition.source.slug)
    if slug not in _SAMPLES:
        raise SettingError(
            (competition.name, "source", "slug"),
            f"there is no sample for '{slug}'; set provider to kaggle or local",
        )
    return _SAMPLES[slug](competition.source.seed, folder)


def _house_prices(seed: int, folder: Path) -> dict[str, Any]:
    """A synthetic table in the Ames schema."""
    train, test = make_ames(seed)
    _write(folder, train, test, placeholder_submission(test["Id"], "Id", "SalePrice"))
    return {"synthetic": True}


def _digits(seed: int, folder: Path) -> dict[str, Any]:
    """scikit-learn's digits, which are real; their id is the row number from 1."""
    train, test = make_digits(seed)
    ids = pd.Series(range(1, len(test) + 1))
    _write(folder, train, test, placeholder_submission(ids, "ImageId", "Label"))
    return {"synthetic": False}


_SAMPLES: dict[str, Callable[[int, Path], dict[str, Any]]] = {
    HOUSE_PRICES: _house_prices,
    DIGITS: _digits,
}


def _write(folder: Path, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame) -> None:
    write_csv(train, folder / "train.csv")
    write_csv(test, folder / "test.csv")
    write_csv(sample, folder / "sample_submission.csv")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table the way Kaggle's house-price files are written: ``NA`` for missing."""
    table.to_csv(path, index=False, na_rep="NA", lineterminator="\n")


def placeholder_submission(ids: "pd.Series[Any]", id_column: str, target: str) -> pd.DataFrame:
    """A sample submission made from the test ids, for sources without one."""
    return pd.DataFrame({id_column: ids, target: 0})
