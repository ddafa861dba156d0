"""What predicts the target too well: a single feature, the ids, the order of the rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from podium.data.tabular.alarms.alarm import Alarm
from podium.data.tabular.alarms.predict import Truth, column_score, order_score
from podium.data.tabular.columns import TypedTables

# Skill from which a feature is nearly perfect: of ranks that it explains; twice what a ROC AUC is
# above a half; or the share of a guess's errors that it avoids. The most of the honest columns of
# ten real tables is 0.94 (the price of a diamond by its weight).
PERFECT = 0.97
# Skill beyond chance from which order matters: of shuffled rows it is below 0.
ORDER = 0.1
# Rows that are looked at, fewer where columns are many: a second at most.
MOST_ROWS, MOST_CELLS = 20_000, 5_000_000


def feature_alarms(tables: TypedTables, truth: Truth, target: str) -> Iterator[Alarm]:
    """Features that predict the target nearly perfectly, each alone."""
    if not truth.is_enough:
        return
    chosen = _sample(*tables.train.shape)
    sample = truth.rows(chosen)
    for name in [*tables.numeric, *tables.categorical]:
        score = column_score(tables.train[name].iloc[chosen], sample)
        if score.skill >= PERFECT:
            yield Alarm(
                name,
                f"alone predicts {target} nearly perfectly ({score.shown}); if it is known only "
                "after the outcome, list it under preprocess.drop",
            )


def order_alarms(ids: "pd.Series[Any]", truth: Truth, target: str) -> Iterator[Alarm]:
    """Rows whose place in the file, or among their ids, predicts the target."""
    if not truth.is_enough:
        return
    by_file, by_id = np.arange(len(ids)), _sorted(ids)
    score = order_score(truth)
    if score.skill >= ORDER:
        yield Alarm(
            "row order",
            f"predicts {target} ({score.shown}), but folds are shuffled: rows lie sorted, in time "
            "or in groups; if the test rows come after them use folds.scheme time or contiguous, "
            "if they are other groups folds.scheme group",
            of_rows=True,
        )
    elif (by_id != by_file).any() and (score := order_score(truth.rows(by_id))).skill >= ORDER:
        yield Alarm(
            str(ids.name),
            f"predicts {target} ({score.shown}), although it is an id and no feature: ids tell of "
            "time, groups or the target; if those of the test rows are higher use folds.scheme "
            "time with it as folds.by",
        )


def _sorted(ids: "pd.Series[Any]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The rows by their ids: as numbers if all are, else as texts, shape (n,)."""
    numbers = pd.to_numeric(ids, errors="coerce")
    keys = ids.astype(str) if numbers.isna().any() else numbers
    return np.asarray(keys.reset_index(drop=True).sort_values(kind="stable").index, dtype=np.int64)


def _sample(rows: int, columns: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Training rows that are looked at, in order."""
    most = min(MOST_ROWS, max(MOST_CELLS // max(columns, 1), 1_000))
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
