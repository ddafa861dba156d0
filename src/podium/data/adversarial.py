"""Adversarial validation: can a model tell test rows from training rows, and by which features?

If it can't, folds that are drawn from train are like test, and so are their scores.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.runtime.resources import cores

if TYPE_CHECKING:
    import lightgbm

Array = NDArray[np.float64]
FOLDS, ROUNDS, SHOWN = 5, 30, 10
# Small trees and few of them: what they don't find does no harm to a score.
SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.2,
    "num_leaves": 8,
    "min_data_in_leaf": 20,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
    "verbosity": -1,
}
# ROC AUC up to which train and test are alike, and from which they are different: below, a random
# test row is taken for the later of a pair in less than two of three cases.
ALIKE, DIFFERENT = 0.55, 0.67


@dataclass(frozen=True)
class Comparison:
    """The ROC AUC of each fold, and the features that tell the most, by their share of the gain."""

    aucs: list[float]
    features: pd.DataFrame

    @property
    def auc(self) -> float:
        """The mean of the folds."""
        return float(np.mean(self.aucs))

    @property
    def chance(self) -> float:
        """A bound of the ROC AUC of rows that are alike: two standard errors, as folds differ."""
        return 0.5 + 2 * float(np.std(self.aucs)) / np.sqrt(len(self.aucs))

    @property
    def meaning(self) -> str:
        """What it says about scores on the folds, in one line."""
        return f"ROC AUC {self.auc:.3f} ± {np.std(self.aucs):.3f} (0.5 is chance): {self._verdict}"

    @property
    def are_alike(self) -> bool:
        """Whether the ROC AUC may be chance."""
        return self.auc <= max(ALIKE, self.chance)

    @property
    def _verdict(self) -> str:
        names = ", ".join(self.features["feature"][:3])
        if self.are_alike:
            return "test rows are like training rows, so folds may be drawn from them"
        if self.auc < DIFFERENT:
            return f"test rows differ a little ({names}); trust small differences of scores less"
        return (
            f"test rows differ from training rows ({names}): scores on the folds say less about "
            "test; look at folds.scheme (time, group), or do without these features"
        )


def compare(train: pd.DataFrame, test: pd.DataFrame) -> Comparison | None:
    """Train against test, columns being numbers or categories; None if rows are too few."""
    if min(len(train), len(test)) < 2 * FOLDS:
        return None
    import lightgbm

    both = pd.concat([train, test], ignore_index=True)
    is_test = np.arange(len(both)) >= len(train)
    categories = [_is_category(both[name]) for name in both]
    values = np.column_stack([_numbers(both[name]) for name in both])
    # Numbers are cut into bins once, for all folds.
    table = lightgbm.Dataset(
        values,
        is_test.astype(np.float64),
        categorical_feature=[int(index) for index in np.flatnonzero(categories)],
        params={**SETTINGS, "num_threads": cores()},
        free_raw_data=False,
    )
    fold_of_row = _folds(is_test)
    aucs, gains = [], np.zeros(both.shape[1])
    for fold in range(FOLDS):
        auc, gain = _fold(table, fold_of_row == fold)
        aucs.append(auc)
        gains += gain
    return Comparison(aucs, _features(train, test, gains))


def _folds(is_test: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A fold for each row, shape (n,), each with the same share of test rows."""
    random, folds = np.random.default_rng(0), np.empty(len(is_test), dtype=np.int64)
    for part in (is_test, ~is_test):
        folds[part] = random.permutation(np.arange(part.sum()) % FOLDS)
    return folds


def _is_category(column: "pd.Series[Any]") -> bool:
    """Whether a column has levels, not numbers."""
    return isinstance(column.dtype, pd.CategoricalDtype)


def _numbers(column: "pd.Series[Any]") -> Array:
    """A column as numbers: a level is its code."""
    if not _is_category(column):
        return column.to_numpy(dtype=np.float64)
    codes = column.cat.codes.to_numpy()
    return np.where(codes < 0, np.nan, codes)


def _fold(table: "lightgbm.Dataset", valid: NDArray[np.bool_]) -> tuple[float, Array]:
    """The ROC AUC of a fold's rows, and the gain of each feature, shape (columns,)."""
    import lightgbm
    from sklearn.metrics import roc_auc_score

    settings = {**SETTINGS, "num_threads": cores()}
    rows = table.subset(np.flatnonzero(~valid).tolist())
    booster = lightgbm.train(settings, rows, num_boost_round=ROUNDS)
    predicted = np.asarray(booster.predict(np.asarray(table.data)[valid], num_threads=cores()))
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    return float(roc_auc_score(np.asarray(table.label)[valid], predicted)), gain


def _features(train: pd.DataFrame, test: pd.DataFrame, gains: Array) -> pd.DataFrame:
    """The features with most of the gain, and what each is like in both tables."""
    most = [int(index) for index in np.argsort(-gains, kind="stable")[:SHOWN] if gains[index] > 0]
    rows = [
        {
            "feature": str(train.columns[index]),
            "share of gain": round(float(gains[index] / gains.sum()), 3),
            "train": _described(train.iloc[:, index]),
            "test": _described(test.iloc[:, index], train.iloc[:, index]),
        }
        for index in most
    ]
    return pd.DataFrame(rows, columns=["feature", "share of gain", "train", "test"])


def _described(column: "pd.Series[Any]", of: "pd.Series[Any] | None" = None) -> str:
    """The mean of numbers, or the share of the most frequent level (of another column's)."""
    missing = float(column.isna().mean())
    more = f", {missing:.0%} missing" if missing >= 0.005 else ""
    if _is_category(column):
        levels = (column if of is None else of).value_counts()
        level = levels.index[0] if len(levels) else ""
        return f"{(column == level).mean():.0%} {level}{more}"
    return f"mean {column.mean():.4g}{more}"
