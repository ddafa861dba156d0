"""Exploratory data analysis as tidy tables, one row per column of the data.

This is descriptive only: no model uses the results. The tables are those of ``type_columns``;
``y`` is the target of the training rows, shape (n,).
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import HuberRegressor

from podium.config import Preprocess
from podium.data.tabular.columns import NONE_LEVEL, TypedTables

Array = NDArray[np.float64]
Column: TypeAlias = "pd.Series[Any]"

NONE, UNKNOWN = "none", "unknown"
NUMBER, CATEGORY = "number", "category"

# The quantile of shuffles reported as ``chance``, and their number.
CONFIDENCE = 0.95
SHUFFLES = 200


def first_rows(tables: TypedTables, count: int | None) -> TypedTables:
    """The first ``count`` rows of train and of test, or all for None; types are kept."""
    train, test = tables.train.iloc[:count], tables.test.iloc[:count]
    return TypedTables(train, test, tables.numeric, tables.categorical)


def missing_values(tables: TypedTables, spec: Preprocess) -> pd.DataFrame:
    """Columns with missing values, sorted by share, largest first.

    Columns: ``column``; ``meaning``, which is ``none`` if ``spec.na_is_category`` says that a
    missing value means "none" (e.g. no pool), else ``unknown``; the counts ``train`` and ``test``;
    the shares ``train_share`` and ``test_share``.
    """
    rows = []
    for name in tables.train:
        none = name in spec.na_is_category
        missing = [_missing(frame[name], none) for frame in (tables.train, tables.test)]
        rows.append((name, NONE if none else UNKNOWN, *(int(part.sum()) for part in missing)))
    table = pd.DataFrame(rows, columns=["column", "meaning", "train", "test"])
    table["train_share"] = table["train"] / max(len(tables.train), 1)
    table["test_share"] = table["test"] / max(len(tables.test), 1)
    table = table[table["train"] + table["test"] > 0]
    return _sorted(table, ["train_share", "test_share"])


def _missing(column: Column, none: bool) -> Column:
    """``type_columns`` has already replaced missing values that mean "none" by a level."""
    return column == NONE_LEVEL if none else column.isna()


def doubtful_nones(tables: TypedTables, sizes: Mapping[str, str]) -> pd.DataFrame:
    """Rows whose category says "none" although the size of the same thing is above zero.

    ``sizes`` maps a category column to the number column that measures the same thing. Columns:
    ``column``, ``size``, the count ``none`` over train and test, and how many of those are
    ``doubtful`` (size above zero).
    """
    both = pd.concat([tables.train, tables.test], ignore_index=True)
    rows = []
    for name, size in sizes.items():
        none = both[name] == NONE_LEVEL
        rows.append((name, size, int(none.sum()), int((none & (both[size] > 0)).sum())))
    return pd.DataFrame(rows, columns=["column", "size", "none", "doubtful"])


def feature_strength(tables: TypedTables, y: Array) -> pd.DataFrame:
    """How well each feature alone orders the target, the strongest first.

    Both kinds of column are measured on the ranks of ``y``, so that they are comparable and a log
    of the target changes nothing. A number's ``strength`` is the absolute value of its Spearman
    correlation; a category's is the correlation ratio: the root of the share of the ranks' variance
    between levels, minus the share that as many random levels would explain (epsilon squared:
    Kelley 1935, "An unbiased correlation ratio measure", PNAS 21(9)).

    Columns: ``column``; ``type``; ``strength`` from 0 to 1, NaN if undefined (too few rows, a
    constant target, a level per row); ``direction``, the sign of a number's correlation;
    ``levels``, the number of distinct values; ``rows``, the number of rows with a value.
    """
    rows = []
    for name in tables.train:
        present = tables.train[name].notna().to_numpy()
        values, ranks = tables.train.loc[present, name], _ranks(y[present])
        numeric = name in tables.numeric
        signed = _spearman(values, ranks) if numeric else _correlation_ratio(values, ranks)
        rows.append(
            {
                "column": name,
                "type": NUMBER if numeric else CATEGORY,
                "strength": abs(signed),
                "direction": np.sign(signed) if numeric else np.nan,
                "levels": values.nunique(),
                "rows": len(values),
            }
        )
    return _sorted(pd.DataFrame(rows), ["strength"])


def _ranks(values: Any) -> Array:
    """Ranks from 1, ties sharing their mean; shape (n,)."""
    return pd.Series(values).rank().to_numpy(dtype=np.float64)


def _spearman(values: Column, ranks: Array) -> float:
    """Correlation of ranks: 0 for a constant feature, NaN for fewer than 3 rows."""
    if len(values) < 3 or np.ptp(ranks) == 0:
        return np.nan
    own = _ranks(values.to_numpy())
    return 0.0 if np.ptp(own) == 0 else float(np.corrcoef(own, ranks)[0, 1])


def _correlation_ratio(values: Column, ranks: Array) -> float:
    """Root of epsilon squared, from 0 to 1; NaN if no level has two rows."""
    count, levels = len(values), values.nunique()
    if count <= levels or np.ptp(ranks) == 0:
        return np.nan
    means = pd.Series(ranks).groupby(values.to_numpy()).transform("mean").to_numpy()
    within = np.sum((ranks - means) ** 2) / (count - levels)
    total = np.sum((ranks - ranks.mean()) ** 2) / (count - 1)
    return float(np.sqrt(max(0.0, 1 - within / total)))


def train_test_shift(tables: TypedTables, seed: int = 0) -> pd.DataFrame:
    """How much each feature's distribution differs between train and test, largest first.

    ``distance`` is the Kolmogorov-Smirnov statistic for numbers (the largest gap between the two
    cumulative distributions) and the total variation distance for categories (the share of rows
    that would have to change level); 0 is identical, 1 is disjoint. Missing values are left out.
    ``chance`` is the 95 % quantile of the distance over random splits of the same rows (a
    permutation test): a random split exceeds it in 1 column of 20.

    Columns: ``column``, ``type``, ``distance``, ``chance`` (both NaN if a side has no values);
    ``new_rows``, test rows with a level or a number outside the range of train; ``new_levels``,
    those levels as text.
    """
    labels = _shuffled_labels(len(tables.train), len(tables.test), seed)
    rows = []
    for name in tables.train:
        numeric = name in tables.numeric
        train, test = tables.train[name], tables.test[name]
        distances = _distances(pd.concat([train, test]), labels, numeric)
        new = _outside_range(train, test) if numeric else ~test.isin(train.dropna()) & test.notna()
        rows.append(
            {
                "column": name,
                "type": NUMBER if numeric else CATEGORY,
                "distance": distances[0],
                "chance": np.quantile(distances[1:], CONFIDENCE),
                "new_rows": int(new.sum()),
                "new_levels": "" if numeric else ", ".join(sorted(test[new].unique())),
            }
        )
    return _sorted(pd.DataFrame(rows), ["distance"])


def _shuffled_labels(train_rows: int, test_rows: int, seed: int) -> NDArray[np.bool_]:
    """Which rows are test rows: first the real split, then shuffled; shape (1 + SHUFFLES, n)."""
    truth = np.arange(train_rows + test_rows) >= train_rows
    shuffled = np.tile(truth, (SHUFFLES, 1))
    return np.vstack([truth, np.random.default_rng(seed).permuted(shuffled, axis=1)])


def _distances(values: Column, labels: NDArray[np.bool_], numeric: bool) -> Array:
    """Distance between labelled and other rows, for each row of ``labels``."""
    codes, levels = pd.factorize(values, sort=True)
    order = np.argsort(codes, kind="stable")[np.count_nonzero(codes < 0) :]
    if len(levels) == 0:
        return np.full(len(labels), np.nan)
    starts = np.searchsorted(codes[order], np.arange(len(levels)))
    test = np.add.reduceat(labels[:, order], starts, axis=1, dtype=np.int64)
    train = np.bincount(codes[order]) - test
    with np.errstate(invalid="ignore"):  # a side without values: 0 / 0
        gaps = train / train.sum(axis=1, keepdims=True) - test / test.sum(axis=1, keepdims=True)
    return np.abs(gaps.cumsum(axis=1)).max(axis=1) if numeric else np.abs(gaps).sum(axis=1) / 2


def _outside_range(train: Column, test: Column) -> Column:
    return (test < train.min()) | (test > train.max())


def robust_line(x: Array, y: Array) -> tuple[Array, Array]:
    """A robust regression line and each point's residual from it.

    The line is a Huber regression (Huber 1964), which a few outliers hardly change. The standard
    deviation is 1.4826 times the median absolute residual, which equals the usual one for normal
    residuals.

    Returns:
        The line's values at ``x``, and the residuals in standard deviations (all 0 if most points
        are on the line); ``x``, ``y`` and both have shape (n,).
    """
    centred = (x - x.mean()) / (x.std() or 1.0)
    inputs = centred.reshape(-1, 1)
    line = HuberRegressor(max_iter=1000).fit(inputs, y).predict(inputs)
    residuals = y - line
    std = 1.4826 * float(np.median(np.abs(residuals)))
    return line, residuals / std if std > 0 else np.zeros_like(residuals)


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Largest first, ties in the order of the file, NaN last."""
    return table.sort_values(by, ascending=False, kind="stable", ignore_index=True)
