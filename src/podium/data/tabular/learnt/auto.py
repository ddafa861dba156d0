"""``features: {auto: true}``: features that are chosen on a split's training rows alone.

Trees are grown on three quarters of these rows, first to rank the columns, then with all candidates
(``candidates.py``), which are fitted on the same rows. Those that trees gain most by are chosen, if
with them the last quarter is predicted better. Bounded by rows, candidates and rounds, not by time:
so the choice is the same on every machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tabular.columns import TypedTables
from podium.data.tabular.learnt.candidates import FEW_VALUES, Candidate, candidates
from podium.data.tabular.learnt.learner import Context, Rows, Work, make_columns

Array = NDArray[np.float64]
# Features that are chosen at most, and training rows that are looked at.
MOST_CHOSEN, MOST_ROWS = 12, 20_000
HELD_OUT = 0.25
ROUNDS = 100
OPTIONS = {
    "learning_rate": 0.1, "num_leaves": 15, "min_child_samples": 20, "feature_fraction": 0.5,
    "seed": 0, "deterministic": True, "force_row_wise": True, "verbosity": -1, "num_threads": 1,
}  # fmt: skip


def chosen_features(tables: TypedTables, work: Work) -> list[Candidate]:
    """The features that help on the training rows; they are still to be made from all of them."""
    trial = _Trial(tables, work)
    base = trial.base()
    importance, plain = trial.grown(base)
    ranked = sorted(base, key=lambda name: -importance[name])
    keys = [name for name in ranked if _is_key(tables, name)]
    numbers = [name for name in ranked if name in tables.numeric]
    tried = {one.name: one for one in candidates(numbers, keys, work.context)}
    columns = trial.columns(list(tried.values()))
    gains, _ = trial.grown(pd.concat([base, *columns.values()], axis=1))
    gain = {name: sum(gains[str(column)] for column in columns[name]) for name in tried}
    best = sorted((name for name in tried if gain[name] > 0), key=lambda name: -gain[name])
    best = best[:MOST_CHOSEN]
    if not best:
        return []
    _, better = trial.grown(pd.concat([base, *(columns[name] for name in best)], axis=1))
    return [tried[name] for name in best] if better < plain else []


def _is_key(tables: TypedTables, name: str) -> bool:
    return name in tables.categorical or tables.train[name].nunique() <= FEW_VALUES


class _Trial:
    """Training rows that are fitted on, and rows that show whether it helped."""

    def __init__(self, tables: TypedTables, work: Work) -> None:
        rows = work.rows
        kept, held = work.context.inner.hold_out(HELD_OUT)
        self.kept, self.held = _some(rows[kept]), _some(rows[held])
        self.tables, self.outer = tables, work
        inner = work.context.inner
        places = np.searchsorted(rows, self.kept)
        own = replace(
            inner,
            rows=len(self.kept),
            classes=None if inner.classes is None else inner.classes[places],
            groups=None if inner.groups is None else inner.groups[places],
        )
        context = Context(work.context.classes, work.y[self.kept], own)
        self.all = np.concatenate([self.kept, self.held])
        self.work = Work(
            work.train.iloc[self.all].reset_index(drop=True),
            work.test.iloc[:0],
            work.y[self.all],
            np.arange(len(self.kept)),
            context,
        )

    def base(self) -> pd.DataFrame:
        """The table's own columns, for trees."""
        table = self.work.train
        columns = {name: table[name] for name in self.tables.numeric if name in table}
        for name in self.tables.categorical:
            levels = table[name].iloc[: len(self.kept)].dropna().unique()
            columns[name] = pd.Categorical(table[name].where(table[name].isin(levels)), levels)
        return pd.DataFrame(columns)

    def columns(self, tried: Sequence[Candidate]) -> Mapping[str, pd.DataFrame]:
        """The candidates' columns, fitted on the kept rows."""
        return {one.name: make_columns(one.name, one.make, self.work)[0] for one in tried}

    def grown(self, table: pd.DataFrame) -> tuple[Mapping[str, float], float]:
        """What trees gain by each column, and their loss on the rows held out."""
        import lightgbm

        count, y, options = len(self.kept), self.work.y, self._options()
        names = [str(name) for name in table]
        safe = table.set_axis([f"c{place}" for place in range(len(names))], axis=1)
        train = lightgbm.Dataset(safe.iloc[:count], y[:count])
        held = lightgbm.Dataset(safe.iloc[count:], y[count:], reference=train)
        curves: dict[str, dict[str, list[float]]] = {}
        booster = lightgbm.train(
            options,
            train,
            num_boost_round=max(20, ROUNDS // max(1, len(self.outer.context.classes) - 1)),
            valid_sets=[held],
            valid_names=["held"],
            callbacks=[lightgbm.record_evaluation(curves)],
        )
        (losses,) = curves["held"].values()
        gains = booster.feature_importance("gain")
        return dict(zip(names, map(float, gains), strict=True)), float(min(losses))

    def _options(self) -> dict[str, object]:
        classes = self.outer.context.classes
        if not classes:
            return {**OPTIONS, "objective": "regression"}
        if len(classes) == 2:
            return {**OPTIONS, "objective": "binary"}
        return {**OPTIONS, "objective": "multiclass", "num_class": len(classes)}


def _some(rows: Rows) -> Rows:
    """The rows, or as many of them as are looked at, in order."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
