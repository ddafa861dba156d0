"""Adversarial validation: can a model tell test rows from training rows, and by which features?

If it can't, folds that are drawn from train are like test, and so are their scores.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.runtime.resources import cores

Array = NDArray[np.float64]
FOLDS, ROUNDS, SHOWN = 5, 40, 10
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
    def _verdict(self) -> str:
        names = ", ".join(self.features["feature"][:3])
        if self.auc <= max(ALIKE, self.chance):
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
    both = pd.concat([train, test], ignore_index=True)
    is_test = np.arange(len(both)) >= len(train)
    fold_of_row = _folds(is_test)
    # LightGBM takes no name with a colon or a bracket.
    table = both.set_axis([f"f{index}" for index in range(both.shape[1])], axis=1)
    aucs, gains = [], np.zeros(both.shape[1])
    for fold in range(FOLDS):
        auc, gain = _fold(table, is_test, fold_of_row == fold)
        aucs.append(auc)
        gains += gain
    return Comparison(aucs, _features(train, test, gains))


def _folds(is_test: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A fold for each row, shape (n,), each with the same share of test rows."""
    random, folds = np.random.default_rng(0), np.empty(len(is_test), dtype=np.int64)
    for part in (is_test, ~is_test):
        folds[part] = random.permutation(np.arange(part.sum()) % FOLDS)
    return folds


def _fold(
    table: pd.DataFrame, is_test: NDArray[np.bool_], valid: NDArray[np.bool_]
) -> tuple[float, Array]:
    """The ROC AUC of a fold's rows, and the gain of each feature, shape (columns,)."""
    import lightgbm
    from sklearn.metrics import roc_auc_score

    settings = {**SETTINGS, "num_threads": cores()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = lightgbm.Dataset(table[~valid], is_test[~valid].astype(np.float64))
        booster = lightgbm.train(settings, rows, num_boost_round=ROUNDS)
    predicted = np.asarray(booster.predict(table[valid]))
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    return float(roc_auc_score(is_test[valid], predicted)), gain


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
    more = f", {missing:.0%} missing" if missing else ""
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = (column if of is None else of).value_counts()
        level = levels.index[0] if len(levels) else ""
        return f"{(column == level).mean():.0%} {level}{more}"
    return f"mean {column.mean():.4g}{more}"
