"""All alarms about a table, and where the summary has them."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import TableCompetition
from podium.config.folds import SCHEMES
from podium.data.dataset import Rows
from podium.data.tabular.alarms.alarm import Alarm
from podium.data.tabular.alarms.predict import Truth
from podium.data.tabular.alarms.predictive import feature_alarms, order_alarms
from podium.data.tabular.alarms.repeats import repeat_alarms
from podium.data.tabular.alarms.unlike import group_alarms, time_alarms
from podium.data.tabular.columns import TypedTables
from podium.data.tabular.read import RawTables

# The type, in the summary, of what is said of rows.
OF_ROWS = "rows"
# Targets that alarms are looked for in: a second each.
MOST_TARGETS = 20


def leak_alarms(
    raw: RawTables,
    tables: TypedTables,
    y: NDArray[np.float64],
    folds: Rows,
    competition: TableCompetition,
) -> list[Alarm]:
    """What makes scores on the folds better than those on the test set will be.

    Args:
        raw: the tables as they were read.
        tables: their features by type.
        y: the target, or class codes, shape (n,); of several targets (n, targets).
        folds: the fold of each training row, shape (n,).
        competition: says how folds were made. An order, groups or times that folds go by are right.
    """
    targets, scheme = competition.targets[:MOST_TARGETS], SCHEMES[competition.folds.scheme]
    values = dict(zip(targets, y.reshape(len(y), -1).T, strict=False))
    truths = {name: _truth(own, competition) for name, own in values.items()}
    found = [alarm for name in targets for alarm in feature_alarms(tables, truths[name], name)]
    found += repeat_alarms(tables, values[targets[0]], folds, targets[0])
    if scheme.draws_rows:
        for name, truth in truths.items():
            found += order_alarms(raw.train[competition.id], truth, name)
    if not (scheme.in_order or scheme.is_given):
        found += _unlike(raw, tables, folds, competition)
    return found


def _truth(y: NDArray[np.float64], competition: TableCompetition) -> Truth:
    return Truth.of(y, 0 if competition.task == "regression" else int(y.max()) + 1)


def _unlike(
    raw: RawTables, tables: TypedTables, folds: Rows, competition: TableCompetition
) -> Iterator[Alarm]:
    """Alarms about columns in which test differs from train as folds don't."""
    names = [
        str(name)
        for name in raw.train
        if name in raw.test and name not in (competition.id, *competition.targets)
    ]
    dropped = [name for name in competition.preprocess.drop if name in names]
    later = list(time_alarms(tables, (raw.train, raw.test), dropped))
    yield from later
    times = {alarm.column for alarm in later} | set(tables.dates)
    others = [name for name in names if name not in times]
    yield from group_alarms(raw.train, raw.test, others, folds)


def with_alarms(summary: pd.DataFrame, alarms: Sequence[Alarm]) -> pd.DataFrame:
    """The summary with a warning for each; of what it has no row for, there is one below."""
    if not alarms:
        return summary
    known = set(summary["column"])
    others = {alarm.column: alarm for alarm in alarms if alarm.column not in known}
    rows = [
        {"column": name, "type": OF_ROWS if alarm.of_rows else "no feature", "warning": ""}
        for name, alarm in others.items()
    ]
    found = pd.concat([summary, pd.DataFrame(rows)], ignore_index=True) if rows else summary.copy()
    for alarm in alarms:
        at = found["column"] == alarm.column
        before = found.loc[at, "warning"]
        found.loc[at, "warning"] = [f"{text}; {alarm.text}".lstrip("; ") for text in before]
    return found
