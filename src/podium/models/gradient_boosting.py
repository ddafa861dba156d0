"""Gradient-boosted trees with LightGBM (Ke et al. 2017), on raw numbers and native categories."""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import LightGBMParams
from podium.config.auto import AUTO, Shape
from podium.data.dataset import Split
from podium.data.tabular.dataset import TableSplit
from podium.data.targets import Target
from podium.metrics import Metric
from podium.models.base import Fit, SplitFit, timed
from podium.runtime.compute import stop_if_cancelled
from podium.runtime.resources import cores

Array = NDArray[np.float64]
# A table of Arrow, categories as codes; or an array of pixels, shape (rows, pixels).
Table = Any

# From so many rows on, counted once for each tree of a round, steps are larger: they cost more,
# and there are enough of them.
LARGE_STEPS = 5_000
# By metric, what ``objective: auto`` is if not l2 (docs/metrics.md).
OBJECTIVES = {
    "pinball": "quantile",
    "mape": "mape",
    "poisson": "poisson",
    "gamma": "gamma",
    "tweedie": "tweedie",
}
# From so many rows on, trees have more leaves, and see all rows but not all columns.
LARGE_TREES = 10_000
MOST_COLUMNS = 0.7
# A mean of boosters: from so many rows on one is enough for the time it takes.
SEEDS, ONE_SEED_FROM = 5, 50_000
# From so many rows on, counted as for LARGE_STEPS, steps are larger still: on 30,000 rows a third
# less time for a hundredth of the error.
LARGEST_STEPS = 20_000
# What early stopping finds.
ROUNDS = "rounds"


def rules(params: LightGBMParams, shape: Shape) -> Mapping[str, Any]:
    """What ``auto`` means, chosen on eight tables of 700 to 37,758 rows (docs/results.md).

    A tree sees all columns where there are up to 16, and fewer where there are many, whose noise
    would add up: Breiman's (2001) root of their number, four times. The trees of a mean must
    differ: where rows are few, by these (Friedman 2002), else by the columns.
    """
    large = shape.rows >= LARGE_TREES
    columns = MOST_COLUMNS if large else 1.0
    work = shape.rows * shape.trees
    steps = 0.15 if work >= LARGEST_STEPS else 0.1 if work >= LARGE_STEPS else 0.05
    rate = steps if params.learning_rate == AUTO else params.learning_rate
    return {
        "objective": _objective(shape),
        "learning_rate": rate,
        "num_leaves": 31 if large else 15,
        "feature_fraction": round(min(columns, 4 / math.sqrt(shape.columns)), 3),
        "bagging_fraction": 1.0 if large else 0.9,
        "seeds": 1 if shape.rows >= ONE_SEED_FROM else SEEDS,
        # The same way downhill, whatever the size of a step; early stopping ends it before.
        "rounds": math.ceil(100 / rate),
    }


def _objective(shape: Shape) -> str:
    """The metric's loss where that is clearly right: quantiles on any monotone scale, deviances,
    which come with a logarithm, on the target's own. For MAE l1 was no better than l2
    (docs/metrics.md).
    """
    if shape.classes:
        return "log_loss"
    found = OBJECTIVES.get(shape.metric.family, "l2") if shape.metric else "l2"
    return found if found == "quantile" or shape.transform == "none" else "l2"


def fit_lightgbm(fit: Fit[LightGBMParams]) -> list[SplitFit]:
    """Grow trees on each fold's training rows; their number never depends on the scored rows."""
    splits = fit.dataset.splits
    # Small tables can't use more than one core, so parallel folds beat threads within a fold.
    workers = min(len(splits), cores())
    counts = _threads(len(splits), workers, len(fit.y))
    threads = {split.name: count for split, count in zip(splits, counts, strict=True)}

    def fit_one(split: Split) -> SplitFit:
        # On a cluster a task may have fewer cores than here.
        return _fit_split(fit, split, min(threads[split.name], cores()))

    return fit.each_split(fit_one, "trees", workers)


def _threads(splits: int, workers: int, rows: int) -> list[int]:
    """Threads for each fold: on many rows, the last folds, fewer than the cores, share them all.

    LightGBM's results don't depend on it (``deterministic``).
    """
    each = max(1, cores() // workers)
    left = splits % workers
    if rows < LARGE_TREES or not left:
        return [each] * splits
    return [each] * (splits - left) + [max(1, cores() // left)] * left


def _fit_split(fit: Fit[LightGBMParams], split: Split, threads: int) -> SplitFit:
    params = fit.params
    given, given_test = fit.dataset.trees(split)
    (table, columns, levels), (test, _, _) = _narrow(given), _narrow(given_test)
    options = {**_options(params, fit.target, fit.metric), "num_threads": threads}
    rounds = params.rounds
    found: dict[str, float] = {}
    if ROUNDS in fit.found:
        rounds = max(1, round(fit.found[ROUNDS]))
    elif params.patience is not None:
        rounds = _find_rounds(fit, split, table, options)
        found = {ROUNDS: float(rounds)}
    valid = _rows(table, split.valid_rows)
    boosters, history = [], []
    for seed in range(params.seeds):
        own = {**options, "seed": params.seed + seed}
        booster, curve = _train(fit, split, (table, valid), own, rounds)
        # As of a table of pandas: so that its categories can be predicted.
        booster.pandas_categorical = levels
        boosters.append(booster)
        history += [{"seed": seed, **row} for row in curve]

    def predict(rows: pd.DataFrame) -> Array:
        own = _narrow(cast(TableSplit, split).transform.native(rows))[0]
        return _predict(boosters[:1], own, fit.target, threads)

    of_valid = _predict(boosters, valid, fit.target, threads)
    of_test, spent = timed(lambda: _predict(boosters, test, fit.target, threads))
    return SplitFit(
        valid=of_valid,
        test=of_test,
        history=history,
        details={"rounds": float(rounds), "features": float(table.shape[1])},
        weights={
            f"seed{seed}.txt": booster.model_to_string().encode()
            for seed, booster in enumerate(boosters)
        }
        | ({"columns.json": json.dumps(columns, indent=1).encode()} if columns else {}),
        predict_seconds=spent,
        predict=predict,
        found=found,
    )


def _narrow(table: pd.DataFrame | Array) -> tuple[Table, dict[str, str], list[list[str]] | None]:
    """A table of Arrow, categories as codes, its columns' names, and the categories' levels.

    Of pandas' tables LightGBM makes a matrix of 8 bytes a value, beside a copy of the rows. Columns
    are ``c0``, ``c1`` ...: it takes neither JSON's characters in a name nor two names that differ
    in blanks only.
    """
    if not isinstance(table, pd.DataFrame):
        return table, {}, None
    import pyarrow as pa

    names = [f"c{index}" for index in range(table.shape[1])]
    categories = [table[name] for name in table if is_category(table[name])]
    levels = [column.cat.categories.tolist() for column in categories]
    arrays = [_codes(table[name]) if is_category(table[name]) else pa.array(table[name].to_numpy())
              for name in table]  # fmt: skip
    return pa.table(arrays, names), dict(zip(names, map(str, table), strict=True)), levels


def is_category(column: "pd.Series[Any]") -> bool:
    """Whether a column of a table for trees is no number."""
    return isinstance(column.dtype, pd.CategoricalDtype)


def _codes(column: "pd.Series[Any]") -> Any:
    """A category's codes as Arrow has them, null for missing."""
    import pyarrow as pa

    codes = column.cat.codes.to_numpy()
    return pa.array(codes, mask=codes < 0)


def _rows(table: Table, rows: NDArray[np.int64]) -> Table:
    """Some rows of a table or an array."""
    return table[rows] if isinstance(table, np.ndarray) else table.take(rows)


def _dataset(table: Table, y: Array, weight: Array | None, reference: Any = None) -> Any:
    """Rows as LightGBM bins them; those of ``reference`` decide about bins, if given."""
    import lightgbm
    import pyarrow as pa

    categories: Any = "auto"
    if isinstance(table, pa.Table):
        categories = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    return lightgbm.Dataset(
        table, y, weight=weight, reference=reference, categorical_feature=categories
    )


def _options(params: LightGBMParams, target: Target, metric: Metric) -> dict[str, Any]:
    options = params.model_dump(
        include={
            "learning_rate", "num_leaves", "min_child_samples", "feature_fraction",
            "bagging_fraction", "lambda_l1", "lambda_l2", "cat_smooth", "min_data_per_group",
        }
    )  # fmt: skip
    options |= {
        "objective": params.objective if target.is_regression else target.task,
        "bagging_freq": 1,
        "seed": params.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if target.task == "multiclass":
        options["num_class"] = target.outputs
    if params.objective == "quantile" and metric.family == "pinball":
        options["alpha"] = metric.parameter
    if params.objective == "tweedie" and metric.family == "tweedie":
        options["tweedie_variance_power"] = metric.parameter
    return options


def _find_rounds(
    fit: Fit[LightGBMParams], split: Split, table: Table, options: dict[str, Any]
) -> int:
    """Early stopping on ``holdout`` of the fold's training rows; its scored rows are not used."""
    import lightgbm

    params, rows = fit.params, split.train_rows
    weight = fit.weights(rows)
    kept, held = fit.inner(split).hold_out(params.holdout)
    own, other = (None if weight is None else weight[part] for part in (kept, held))
    train = _dataset(_rows(table, rows[kept]), fit.y[rows[kept]], own)
    stop = _dataset(_rows(table, rows[held]), fit.y[rows[held]], other, train)
    booster = lightgbm.train(
        options,
        train,
        num_boost_round=params.rounds,
        valid_sets=[stop],
        callbacks=[lightgbm.early_stopping(params.patience, verbose=False), _while_wanted],
    )
    return max(1, booster.best_iteration)


def _while_wanted(environment: Any) -> None:
    """Called after each round: ends a task on a cluster whose parent was stopped."""
    stop_if_cancelled()


def _train(
    fit: Fit[LightGBMParams],
    split: Split,
    tables: tuple[Table, Table],
    options: dict[str, Any],
    rounds: int,
) -> tuple[Any, list[dict[str, float]]]:
    """A booster and its curves. Validation rows are used only for the curve."""
    import lightgbm

    (table, valid), rows = tables, split.train_rows
    data = _dataset(_rows(table, rows), fit.y[rows], fit.weights(rows))
    scored = _dataset(valid, fit.y[split.valid_rows], None, data)
    curves: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        options,
        data,
        num_boost_round=rounds,
        valid_sets=[data, scored],
        valid_names=["train", "valid"],
        callbacks=[lightgbm.record_evaluation(curves), _while_wanted],
    )
    (train_loss,), (valid_loss,) = curves["train"].values(), curves["valid"].values()
    return booster, [
        {"step": step, "train_loss": train_loss[step], "valid_loss": valid_loss[step]}
        for step in range(rounds)
    ]


def _predict(boosters: list[Any], x: Table, target: Target, threads: int) -> Array:
    """The mean of the boosters, shape (rows, outputs).

    The number of threads must be passed each time: without it LightGBM resets it for the whole
    process, and folds in training at that moment would sum in another order.
    """
    predictions = [booster.predict(x, num_threads=threads) for booster in boosters]
    mean = np.mean(predictions, axis=0)
    if target.task == "binary":
        return np.stack([1.0 - mean, mean], axis=1)
    return np.asarray(mean[:, None] if mean.ndim == 1 else mean)
