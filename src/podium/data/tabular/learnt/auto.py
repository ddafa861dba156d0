"""``features: {auto: true}``: features that are chosen on a split's training rows alone.

Trees are grown on three quarters of these rows, first to rank the columns, then with all candidates
(``candidates.py``), which are fitted on the same rows. Those that trees gain most by, and more than
by any column of noise (after Boruta, Kursa & Rudnicki 2010), are chosen if with them the last
quarter is predicted better. The work is bounded by rows, candidates and rounds, not by time: so the
choice is the same on every machine.
"""

from collections.abc import Mapping, Sequence

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
# Trees; with many classes, which have a tree each, fewer rounds.
ROUNDS, LEAST_ROUNDS, PATIENCE = 600, 60, 30
LEAST_SHARE = 1e-6
# Columns of noise, and how many standard errors the gain of what is chosen must have.
NOISE, LEAST_ERRORS = 5, 0.5
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
    found = candidates(numbers, keys, work.context)
    tried = {one.name: one for one in found if one.name not in tables.train}
    columns = trial.columns(list(tried.values()))
    noise = trial.noise()
    gains, _ = trial.grown(pd.concat([base, *columns.values(), noise], axis=1))
    gain = {name: max(gains[str(column)] for column in columns[name]) for name in tried}
    least = max(gains[str(column)] for column in noise)
    best = sorted((name for name in tried if gain[name] > least), key=lambda name: -gain[name])
    best = best[:MOST_CHOSEN]
    if not best:
        return []
    _, rich = trial.grown(pd.concat([base, *(columns[name] for name in best)], axis=1))
    return [tried[name] for name in best] if _is_better(rich, plain) else []


def _is_better(losses: Array, before: Array) -> bool:
    """Whether rows' losses are lower, by more than half a standard error of the difference."""
    gains = before - losses
    return bool(gains.mean() > LEAST_ERRORS * gains.std() / np.sqrt(len(gains)))


def _is_key(tables: TypedTables, name: str) -> bool:
    return name in tables.categorical or tables.train[name].nunique() <= FEW_VALUES


class _Trial:
    """Training rows that are fitted on, and rows that show whether it helped."""

    def __init__(self, tables: TypedTables, work: Work) -> None:
        rows = work.rows
        kept, held = work.context.inner.hold_out(HELD_OUT)
        self.kept, self.held = _some(rows[kept]), _some(rows[held])
        self.tables, self.classes = tables, work.context.classes
        own = work.context.inner.part(np.searchsorted(rows, self.kept))
        context = Context(work.context.classes, work.y[self.kept], own)
        # The rows held out take the place of test rows: nothing is fitted on them.
        self.y = work.y[np.concatenate([self.kept, self.held])]
        table = work.train[[*tables.numeric, *tables.categorical]].iloc[[*self.kept, *self.held]]
        table = table.astype(dict.fromkeys(tables.categorical, "category"))
        self.work = Work(
            table.iloc[: len(self.kept)].reset_index(drop=True),
            table.iloc[len(self.kept) :].reset_index(drop=True),
            work.y[self.kept],
            np.arange(len(self.kept)),
            context,
        )

    def base(self) -> pd.DataFrame:
        """The table's own columns, for trees."""
        table = self.work.whole
        columns = {name: table[name] for name in self.tables.numeric}
        for name in self.tables.categorical:
            levels = table[name].iloc[: len(self.kept)].dropna().unique()
            columns[name] = pd.Categorical(table[name].where(table[name].isin(levels)), levels)
        return pd.DataFrame(columns)

    def noise(self) -> pd.DataFrame:
        """Columns that say nothing."""
        values = np.random.default_rng(0).normal(size=(len(self.y), NOISE))
        return pd.DataFrame(values, columns=[f"noise {place}" for place in range(NOISE)])

    def columns(self, tried: Sequence[Candidate]) -> Mapping[str, pd.DataFrame]:
        """The candidates' columns, fitted on the kept rows."""
        made = {one.name: make_columns(one.name, one.make, self.work) for one in tried}
        return {name: pd.concat(both, ignore_index=True) for name, both in made.items()}

    def grown(self, table: pd.DataFrame) -> tuple[Mapping[str, float], Array]:
        """What trees gain by each column, and their loss on each of the rows held out."""
        import lightgbm

        count, y = len(self.kept), self.y
        names = [str(name) for name in table]
        safe = table.set_axis([f"c{place}" for place in range(len(names))], axis=1)
        train = lightgbm.Dataset(safe.iloc[:count], y[:count])
        held = lightgbm.Dataset(safe.iloc[count:], y[count:], reference=train)
        booster = lightgbm.train(
            self._options(),
            train,
            num_boost_round=max(LEAST_ROUNDS, ROUNDS // max(1, len(self.classes) - 1)),
            valid_sets=[held],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        predicted = np.asarray(booster.predict(safe.iloc[count:], num_threads=1))
        gains = dict(zip(names, map(float, booster.feature_importance("gain")), strict=True))
        return gains, self._losses(y[count:], predicted)

    def _losses(self, y: Array, predicted: Array) -> Array:
        """The squared error of each row, or the log loss."""
        if not self.classes:
            return np.asarray((y - predicted) ** 2)
        if predicted.ndim == 1:
            predicted = np.stack([1 - predicted, predicted], axis=1)
        return -np.log(np.maximum(predicted[np.arange(len(y)), y.astype(np.int64)], LEAST_SHARE))

    def _options(self) -> dict[str, object]:
        classes = self.classes
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
