"""CatBoost and XGBoost, with native categories, stopped early on rows held out of a fold's."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.config import BoostingParams
from podium.config.imported import class_path
from podium.data.dataset import Split
from podium.data.inner import Inner
from podium.models.base import Array, Fit, SplitFit
from podium.models.classes import make_estimator
from podium.models.imported import fit_folds, is_constant, split_fit
from podium.models.imported_data import Classes, Table, labels_of, rows_of, tables, with_safe_names
from podium.runtime.resources import cores

MISSING = "(missing)"
# CatBoost's names of one knob.
RATES = ("learning_rate", "eta")
Curves = list[dict[str, float]]


@dataclass(frozen=True)
class Weighted:
    """Rows, what the estimator is fitted on, and the rows' weights if they have any."""

    x: Table
    y: Any
    weight: Array | None


class Library(ABC):
    """What differs between libraries: their tables, early stopping, and files."""

    # Whether folds may be trained side by side in one process.
    side_by_side = True

    @abstractmethod
    def table(self, table: Table) -> Table:
        """A table as the library takes it."""

    @abstractmethod
    def options(self, table: Table) -> dict[str, Any]:
        """What its estimators need beside the knobs."""

    @abstractmethod
    def stop_early(
        self, estimator: Any, train: Weighted, held: Weighted, patience: int
    ) -> tuple[dict[str, Any], Curves]:
        """The knobs to fit with on all rows, and the losses of training and held-out rows."""

    @abstractmethod
    def rounds(self, estimator: Any) -> float:
        """How many rounds there were; 0 for no estimator."""

    @abstractmethod
    def files(self, estimator: Any) -> dict[str, bytes]:
        """A fitted estimator in the library's own format, by the file's ending."""


class XGBoost(Library):
    """XGBoost 2 or later."""

    def table(self, table: Table) -> Table:
        """With names that XGBoost takes."""
        return with_safe_names(table)

    def options(self, table: Table) -> dict[str, Any]:
        """Categories as they are."""
        return {"enable_categorical": isinstance(table, pd.DataFrame)}

    def stop_early(
        self, estimator: Any, train: Weighted, held: Weighted, patience: int
    ) -> tuple[dict[str, Any], Curves]:
        """The number of trees."""
        estimator.set_params(early_stopping_rounds=patience)
        estimator.fit(
            train.x,
            train.y,
            sample_weight=train.weight,
            eval_set=[(train.x, train.y), (held.x, held.y)],
            sample_weight_eval_set=None if held.weight is None else [train.weight, held.weight],
            verbose=False,
        )
        train_losses, held_losses = (
            next(iter(own.values())) for own in estimator.evals_result().values()
        )
        rounds = int(estimator.best_iteration) + 1
        return {"n_estimators": rounds}, _curves(train_losses, held_losses)

    def rounds(self, estimator: Any) -> float:
        """Also of several trees a round."""
        return 0.0 if estimator is None else float(estimator.get_booster().num_boosted_rounds())

    def files(self, estimator: Any) -> dict[str, bytes]:
        """Text."""
        return {"json": bytes(estimator.get_booster().save_raw("json"))}


class CatBoost(Library):
    """CatBoost 1.2 or later."""

    # It has one log for the whole process.
    side_by_side = False

    def table(self, table: Table) -> Table:
        """With categories as text, among which missing ones are a level: CatBoost takes no NaN."""
        if not isinstance(table, pd.DataFrame):
            return table
        names = table.columns[table.dtypes == "category"]
        text = {
            str(name): table[name].astype(object).where(table[name].notna(), MISSING).astype(str)
            for name in names
        }
        return table.assign(**text)

    def options(self, table: Table) -> dict[str, Any]:
        """Which columns are categories; no files and no words while it trains."""
        own = {"allow_writing_files": False, "verbose": False}
        if not isinstance(table, pd.DataFrame):
            return own
        names = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
        return own | {"cat_features": names}

    def stop_early(
        self, estimator: Any, train: Weighted, held: Weighted, patience: int
    ) -> tuple[dict[str, Any], Curves]:
        """The number of trees, and the learning rate, which CatBoost may choose by it."""
        from catboost import Pool

        names = estimator.get_param("cat_features")
        own = Pool(held.x, held.y, cat_features=names, weight=held.weight)
        options = {"eval_set": own, "early_stopping_rounds": patience}
        estimator.fit(train.x, train.y, sample_weight=train.weight, **options)
        found = estimator.get_evals_result()
        losses = (next(iter(found[part].values())) for part in ("learn", "validation"))
        rounds = _given(estimator, ("iterations", "n_estimators", "num_boost_round", "num_trees"))
        rate = _given(estimator, RATES)
        chosen = float(estimator.get_all_params()["learning_rate"])
        return {rounds: int(estimator.tree_count_), rate: chosen}, _curves(*losses)

    def rounds(self, estimator: Any) -> float:
        """Of one tree each, also for several classes."""
        return 0.0 if estimator is None else float(estimator.tree_count_)

    def files(self, estimator: Any) -> dict[str, bytes]:
        """CatBoost's own format, without the time of day."""
        facts = estimator.get_metadata()
        for name in ("train_finish_time", "model_guid"):
            facts[name] = ""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            estimator.save_model(str(path))
            return {"cbm": path.read_bytes()}


LIBRARIES = {"catboost": CatBoost(), "xgboost": XGBoost()}


def fit_boosting(fit: Fit[BoostingParams]) -> list[SplitFit]:
    """Grow trees on each fold's training rows; their number never depends on the scored rows."""
    library = LIBRARIES[class_path(fit.params.model, fit.target.task).partition(".")[0]]
    workers = min(len(fit.dataset.splits), cores()) if library.side_by_side else 1

    def fit_one(split: Split, threads: int) -> SplitFit:
        return _fit_split(fit, split, library, threads)

    return fit_folds(fit, fit_one, workers)


def _fit_split(fit: Fit[BoostingParams], split: Split, library: Library, threads: int) -> SplitFit:
    given = tables(fit, split).map(library.table)
    rows = split.train_rows
    x, y, weight = rows_of(given.train, rows), fit.y[rows], fit.weights(rows)
    labels, options = labels_of(fit, y, weight), library.options(given.train)
    curves: Curves = []
    found: dict[str, Any] = {}
    estimators: list[Any] = [None]
    if not is_constant(labels):
        params, task = fit.params, fit.target.task
        if fit.found:
            options |= _as_knobs(fit.found)
        elif params.patience is not None:
            first = make_estimator(params, task, params.seed, threads, options)
            weighted = Weighted(x, y, weight)
            found, curves = _stop_early(fit, library, first, weighted, fit.inner(split))
            options |= found
        estimators = [
            make_estimator(params, task, params.seed + seed, threads, options)
            for seed in range(params.seeds)
        ]
        for estimator in estimators:
            estimator.fit(x, labels.encode(y), sample_weight=weight)
    details = {"rounds": max(map(library.rounds, estimators))}
    fitted = split_fit(fit, split, estimators, labels, given, library.files, curves, details)
    return replace(fitted, found={name: float(value) for name, value in found.items()})


def _stop_early(
    fit: Fit[BoostingParams], library: Library, estimator: Any, given: Weighted, inner: Inner
) -> tuple[dict[str, Any], Curves]:
    """The number of rounds by rows held out of the given ones; the scored rows are not used."""
    kept, held = inner.hold_out(fit.params.holdout)
    y, weight = given.y, given.weight
    labels = labels_of(fit, y[kept], None if weight is None else weight[kept])
    if isinstance(labels, Classes):
        # A class of held rows alone has no place among the estimator's.
        held = held[np.isin(y[held], y[kept])]
    if is_constant(labels) or not held.size or fit.params.patience is None:
        return {}, []
    train, valid = (
        Weighted(
            rows_of(given.x, rows),
            labels.encode(y[rows]),
            None if weight is None else weight[rows],
        )
        for rows in (kept, held)
    )
    return library.stop_early(estimator, train, valid, fit.params.patience)


def _as_knobs(found: Mapping[str, float]) -> dict[str, Any]:
    """What the folds found, their mean, as knobs: a rate, and whole numbers of trees."""
    return {name: value if name in RATES else max(1, round(value)) for name, value in found.items()}


def _curves(train: list[float], held: list[float]) -> Curves:
    """The losses of training and held-out rows, one step a round."""
    return [
        {"step": step, "train_loss": float(one), "valid_loss": float(other)}
        for step, (one, other) in enumerate(zip(train, held, strict=True))
    ]


def _given(estimator: Any, names: tuple[str, ...]) -> str:
    """The one of a knob's names that params.yaml uses; else the first."""
    given = estimator.get_params()
    return next((name for name in names if given.get(name) is not None), names[0])
