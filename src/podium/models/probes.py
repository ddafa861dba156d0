"""What a fold's model makes of probes: some of its validation rows with one feature changed.

Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): how much worse the score
gets when a feature's values are permuted among the rows. Partial dependence (Friedman 2001): the
mean prediction when all rows have the same value of a feature. A feature is a column as models see
it before it is standardized or one-hot: all that is made of it changes together.

It happens while the fold's model is in memory, and where it is: it is not kept, nor sent. There are
few probes, so that they take a small part of the time of the fit; nothing else depends on them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from podium.data.dataset import Rows, Split
from podium.data.tabular.dataset import TableDataset, TableSplit
from podium.metrics import Decision, decided, tune
from podium.models.absent import without_absent
from podium.models.base import Array, Curve, Fit, Predict, Probed, SplitFit
from podium.runtime.resources import is_out_of_memory

# Rows of a fold that are changed, at least, and how many copies of rows there are for importance;
# with more features there is none. At most: ``ModelParams.probe_rows``. No time is measured: two
# runs have the same numbers.
LEAST_ROWS, PROBES = 4, 8_000
MOST_FEATURES = PROBES // LEAST_ROWS
# A fold has curves of so many features, of so many values each, by one in ``PART`` of the rows. The
# result has those of fewer features, chosen by all folds.
CURVES, VALUES, PART = 8, 12, 3
# Quantiles of a number with more values; by so many rows of the table at most.
QUANTILES, SEEN_ROWS = np.linspace(0.02, 0.98, VALUES), 10_000
# Values of the matrix of a batch of probes: 32 MiB.
BATCH = 2**22
# A feature, and its values in one or several copies of all rows.
Block = tuple[str, Any]


@dataclass(frozen=True)
class _Model:
    """A fold's model, and what is needed to score its predictions."""

    fit: Fit[Any]
    split: TableSplit
    predict: Predict
    decision: Decision | None

    def decoded(self, table: pd.DataFrame) -> Array:
        """Predictions on the target's own scale, or probabilities, shape (rows, outputs)."""
        predicted = without_absent(self.fit, self.split, self.predict(table))
        with np.errstate(over="ignore"):
            return self.fit.target.decode(predicted)

    def loss(self, rows: Rows, predicted: Array) -> float:
        """The metric with a sign such that lower is better; NaN if predictions are not finite."""
        if not np.isfinite(predicted).all():
            return float("nan")
        scored = self.fit.target.scorable(decided(self.decision, predicted))
        return self.fit.metric.loss(self.fit.dataset.y[rows], scored)

    def of_blocks(self, table: pd.DataFrame, blocks: Sequence[Block]) -> Iterator[Array]:
        """Decoded predictions of each block of copies of a table's rows."""
        values = sum(len(block) for _, block in blocks) * len(self.split.transform.feature_names)
        size = -(-len(blocks) // max(1, round(values / BATCH)))
        for start in range(0, len(blocks), size):
            batch = blocks[start : start + size]
            ends = np.cumsum([len(block) for _, block in batch])
            yield from np.split(self.decoded(changed(table, batch)), ends[:-1])


def probe(fit: Fit[Any], split: Split, fitted: SplitFit) -> Probed:
    """Importance and curves of a fold's model; a problem where there can be none.

    Args:
        fit: what the model was fitted with.
        split: the fold.
        fitted: its predictions, and the model (``predict``).
    """
    try:
        return _probed(fit, cast(TableSplit, split), fitted)
    except Exception as error:
        # Others' code may fail on rows that no table has, and that must not cost a training.
        if is_out_of_memory(error):
            raise
        return Probed(problem=str(error))


def _probed(fit: Fit[Any], split: TableSplit, fitted: SplitFit) -> Probed:
    assert fitted.predict is not None
    features = seen_features(split)
    if not 0 < len(features) <= MOST_FEATURES:
        return Probed(problem=f"there are {len(features):,}" if features else "there are none")
    rows = _rows(fit, split, len(features))
    valid, numbers = split.valid_rows, split.transform.numeric
    decision = tune(fit.metric, fit.dataset.y[valid], fit.target.decode(fitted.valid))
    model = _Model(fit, split, fitted.predict, decision)
    dataset = cast(TableDataset, fit.dataset)
    table = dataset.table(split, "train")
    base = _with_codes(table.iloc[rows], split)
    importance = _importance(model, base, rows, features)
    ranked = sorted(importance, key=lambda name: -np.nan_to_num(importance[name]))[:CURVES]
    seen = table.iloc[evenly(np.arange(len(table)), SEEN_ROWS)]
    grids = {name: grid(seen[name], name in numbers, name not in dataset.train) for name in ranked}
    few = base.iloc[evenly(np.arange(len(rows)), max(LEAST_ROWS, len(rows) // PART))]
    return Probed(importance, _curves(model, few, {n: own for n, own in grids.items() if own}))


def seen_features(split: TableSplit) -> list[str]:
    """The columns that a fold's models get, of numbers and of categories."""
    used = [name for name, fit in split.transform.categorical.items() if fit.is_used]
    return [*split.transform.numeric, *used]


def _rows(fit: Fit[Any], split: TableSplit, features: int) -> Rows:
    """The rows that are changed: as many as the bounds allow."""
    count = min(fit.params.probe_rows, PROBES // features)
    classes = 0 if fit.target.is_regression else fit.target.outputs
    return spread_rows(split.valid_rows, fit.dataset.y, count, classes)


def spread_rows(rows: Rows, y: Array, count: int, classes: int = 0) -> Rows:
    """About so many of the rows at most, in the order of their targets, and spread as all are.

    Of up to ``count`` classes each that the rows have is there, for metrics that need it.
    """
    ordered = rows[np.argsort(y[rows], kind="stable")]
    picked = evenly(ordered, count)
    if 0 < classes <= count:
        rare = ordered[~np.isin(y[ordered], y[picked])]
        firsts = np.unique(y[rare], return_index=True)[1]
        picked = np.concatenate([picked, rare[firsts]])
        picked = picked[np.argsort(y[picked], kind="stable")]
    return picked


def evenly(values: Rows, count: int) -> Rows:
    """So many of the values at most, at equal distances."""
    count = min(count, len(values))
    return values[((np.arange(count) + 0.5) * len(values) / max(1, count)).astype(np.int64)]


def orders(fit: Fit[Any], split: Split, features: Sequence[str], rows: int) -> dict[str, Rows]:
    """A permutation of the rows for each feature."""
    random = np.random.default_rng([fit.params.seed, split.repeat, split.fold])
    return {name: random.permutation(rows) for name in features}


def _importance(
    model: _Model, table: pd.DataFrame, rows: Rows, features: Sequence[str]
) -> dict[str, float]:
    """The loss that each feature adds when it is permuted among the rows."""
    order = orders(model.fit, model.split, features, len(rows))
    blocks: list[Block] = [(name, table[name].array.take(own)) for name, own in order.items()]
    # The first block is as it was.
    asis = (features[0], table[features[0]].array)
    losses = [model.loss(rows, own) for own in model.of_blocks(table, [asis, *blocks])]
    return {name: own - losses[0] for name, own in zip(features, losses[1:], strict=True)}


def changed(table: pd.DataFrame, blocks: Sequence[Block]) -> pd.DataFrame:
    """Copies of the rows below each other; in a block's, one or several, a feature is replaced."""
    ends = np.cumsum([0, *(len(values) for _, values in blocks)])
    places = np.tile(np.arange(len(table)), ends[-1] // len(table))
    columns = {name: table[name].array.take(places) for name in table}
    for start, end, (name, values) in zip(ends[:-1], ends[1:], blocks, strict=True):
        columns[name][start:end] = values
    return pd.DataFrame(columns)


def grid(column: "pd.Series[Any]", is_number: bool, is_learnt: bool) -> list[float] | list[str]:
    """The values of a feature that a curve has, the same in each fold.

    Of a number all, or quantiles where there are many; of one that was learnt, whose values are
    others in each fold, the same quantiles. Of a category the most frequent levels.
    """
    present = column.dropna()
    if not is_number:
        counts = present.astype(str).value_counts().sort_index()
        return [
            str(level)
            for level in counts.sort_values(ascending=False, kind="stable").index[:VALUES]
        ]
    values = present.to_numpy(dtype=np.float64)
    distinct = np.unique(values)
    if is_learnt and len(values):
        return np.quantile(values, QUANTILES, method="inverted_cdf").tolist()
    if len(distinct) > VALUES:
        distinct = np.unique(np.quantile(values, QUANTILES, method="inverted_cdf"))
    return distinct.tolist()


def _curves(
    model: _Model, table: pd.DataFrame, grids: Mapping[str, list[float] | list[str]]
) -> dict[str, Curve]:
    """The mean predictions of the rows when all have each of the values."""
    if not grids:
        return {}
    blocks: list[Block] = []
    for name, values in grids.items():
        repeated = pd.Series(np.repeat(values, len(table)))
        if name in model.split.transform.categorical:
            levels = table[name].cat.categories.union(values)
            table = table.assign(**{name: table[name].cat.set_categories(levels)})
            repeated = repeated.astype(table[name].dtype)
        blocks.append((name, repeated.array))
    found = zip(grids.items(), model.of_blocks(table, blocks), strict=True)
    return {
        name: Curve(values, own.reshape(len(values), len(table), -1).mean(axis=1))
        for (name, values), own in found
    }


def _with_codes(table: pd.DataFrame, split: TableSplit) -> pd.DataFrame:
    """Texts as categories, so that each is looked up once."""
    names = split.transform.categorical
    return table.assign(**{name: table[name].astype("category") for name in names})
