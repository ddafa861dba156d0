"""Expressions worked out on a small table of texts, as a csv has them."""

import numpy as np
import pandas as pd

from podium.data.tabular.features.evaluate import Columns, Evaluation
from podium.data.tabular.features.expressions import parse
from podium.data.tabular.features.values import Values

ROWS = 200


def table(seed: int = 0) -> pd.DataFrame:
    """Numbers with missing ones (``code`` is whole), booleans, texts, dates; all as text."""
    generator = np.random.default_rng(seed)

    def with_gaps(values: object) -> pd.Series:
        column = pd.Series(np.asarray(values).astype(str), dtype="str")
        return column.mask(generator.random(ROWS) < 0.1)

    days = pd.Timestamp("2016-11-01") + pd.to_timedelta(generator.integers(0, 900, ROWS), "D")
    decks, sides = (generator.choice(list(of), ROWS) for of in ("ABC", "PS"))
    cabins = [f"{decks[row]}/{row}/{sides[row]}" for row in range(ROWS)]
    return pd.DataFrame(
        {
            "a": with_gaps(generator.normal(size=ROWS).round(3)),
            "b": with_gaps(generator.integers(-2, 3, ROWS)),
            "code": with_gaps(generator.choice([20, 30, 190], ROWS)),
            "flag": with_gaps(generator.choice(["TRUE", "False"], ROWS)),
            "cabin": with_gaps(cabins),
            "hood x": with_gaps(generator.choice(["N", "S", "W"], ROWS)),
            "day": with_gaps(days.strftime("%Y-%m-%d")),
        }
    )


def evaluation(text: str, columns: pd.DataFrame, rows: np.ndarray | None = None):
    """The values of an expression, and the work that gave them."""
    work = Evaluation(Columns(columns), rows)
    return work.values(parse(text).root), work


def values(text: str, columns: pd.DataFrame, rows: np.ndarray | None = None) -> Values:
    return evaluation(text, columns, rows)[0]


def numbers(text: str, columns: pd.DataFrame, rows: np.ndarray | None = None) -> np.ndarray:
    found = values(text, columns, rows).number
    assert found is not None, text
    return found
