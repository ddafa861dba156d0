"""``encoders`` of a user's own file: transformers fitted on each fold's training rows alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FILE = "src/competitions/house_prices.py"
MEANS = """
    from sklearn.base import BaseEstimator, TransformerMixin

    class Means(TransformerMixin, BaseEstimator):
        def fit(self, X, y):
            self.mean = y.mean()
            self.means = y.groupby(X["MSZoning"]).mean() if hasattr(y, "groupby") else {}
            self.level = dict(zip(X["MSZoning"], y))
            self.rows = len(X)
            return self

        def transform(self, X):
            return X[["LotArea"]].assign(level=X["MSZoning"].map(self.level).fillna(self.mean),
                                         rows=self.rows)[["level", "rows"]]

    def encoders():
        return [Means()]
"""


def preprocess(podium):
    outcome = podium("preprocess", "house-prices")
    assert outcome.code == 0, outcome.err
    folder = Path("data/processed/house-prices/features")
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def test_they_are_fitted_for_each_fold_and_cross_fitted_if_they_use_the_target(own_code, podium):
    own_code(MEANS)
    learnt = preprocess(podium)
    folds = pd.read_parquet("data/processed/house-prices/folds.parquet")["repeat_0"]
    assert set(learnt) == {f"repeat0-fold{fold}" for fold in range(5)}
    for fold in range(5):
        rows = learnt[f"repeat0-fold{fold}"]["Means rows"].to_numpy()
        train = (folds != fold).to_numpy()
        count = int(train.sum())
        # Test and validation rows: of all training rows; a training row: of four fifths of them.
        assert (rows[len(folds) :] == count).all()
        assert (rows[: len(folds)][~train] == count).all()
        assert (rows[: len(folds)][train] < count).all()
    outcome = podium("train", "house-prices", "ridge")
    assert outcome.code == 0, outcome.err
    summary = pd.read_csv("data/processed/house-prices/summary.csv")
    treatment = summary.set_index("column")["treatment"]["Means level"]
    assert "learnt in each fold by encoders()" in treatment


SOMETIMES = """
    import warnings

    from sklearn.base import BaseEstimator, TransformerMixin

    class Sometimes(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            self.is_first = X["LotArea"].sum() == FIRST
            warnings.warn(f"{len(X)} rows, which are few\\nand more words")
            warnings.warn("for who writes it", DeprecationWarning)
            return self

        def transform(self, X):
            made = X[["LotArea"]].fillna(0) * 1.0
            return made.assign(more=X["LotArea"] % 7) if not self.is_first else made

    def encoders():
        return [Sometimes()]
"""


def test_a_column_of_other_folds_alone_and_warnings_of_a_library(houses, own_code, podium):
    folds = Path("data/processed/house-prices/folds.parquet")
    assert podium("preprocess", "house-prices").code == 0
    areas = pd.read_csv("data/raw/house-prices/train.csv")["LotArea"]
    first = areas[pd.read_parquet(folds)["repeat_0"].to_numpy() != 0].sum()
    own_code(SOMETIMES.replace("FIRST", str(first)))
    outcome = podium("preprocess", "house-prices")
    assert outcome.code == 0, outcome.err
    summary = pd.read_csv("data/processed/house-prices/summary.csv").set_index("column")
    assert "not in the first" in summary["treatment"]["Sometimes more"]
    told = [line for line in outcome.err.splitlines() if "UserWarning" in line]
    rows = int(told[0].split("UserWarning: ")[1].split()[0])
    assert told == [f"podium: warning: UserWarning: {rows} rows, which are few (5 times)"]
    assert "for who writes it" not in outcome.err


def test_validation_rows_are_not_learnt_from(own_code, podium):
    """Whatever the targets of a fold's validation rows, its columns are the same."""
    own_code(MEANS)
    before = preprocess(podium)["repeat0-fold0"]
    folds = pd.read_parquet("data/processed/house-prices/folds.parquet")["repeat_0"]
    path = Path("data/raw/house-prices/train.csv")
    table = pd.read_csv(path, keep_default_na=False)
    table.loc[(folds == 0).to_numpy(), "SalePrice"] = 7
    table.to_csv(path, index=False)
    pd.testing.assert_frame_equal(before, preprocess(podium)["repeat0-fold0"])


def test_those_without_target_are_fitted_once_a_fold(own_code, podium):
    own_code("""
        from sklearn.compose import make_column_transformer
        from sklearn.decomposition import PCA

        def encoders():
            return [make_column_transformer((PCA(2), ["LotArea", "GrLivArea"]))]
    """)
    learnt = preprocess(podium)["repeat0-fold1"]
    assert learnt.shape == (120, 2)
    assert np.isfinite(learnt.to_numpy()).all()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("def encoders():\n    return 3\n", 1, "expected a list of transformers, found int"),
        ("def encoders():\n    return [3]\n", 1,
         "expected transformers with fit and transform, found int"),
        ("def encoders():\n    return 1 / 0\n", 2, "ZeroDivisionError"),
        ("def encoders(x):\n    return []\n", 1, "expected encoders(), found encoders(x)"),
        ("from sklearn.decomposition import PCA\ndef encoders():\n    return [PCA(2)]\n", 2,
         "ValueError: "),
        ("from sklearn.base import BaseEstimator\nclass A(BaseEstimator):\n"
         "    def fit(self, X, y=None):\n        return self\n"
         "    def transform(self, X):\n        return X[['LotAre']]\n"
         "def encoders():\n    return [A()]\n", 6,
         "KeyError: \"None of [Index(['LotAre']"),
        ("from sklearn.base import BaseEstimator\nclass A(BaseEstimator):\n"
         "    def fit(self, X, y=None):\n        return self\n"
         "    def transform(self, X):\n        return X[['LotArea']] / 0\n"
         "def encoders():\n    return [A()]\n", 7,
         "A returned an infinite number in column 'LotArea'"),
        ("from sklearn.base import BaseEstimator\nclass A(BaseEstimator):\n"
         "    def fit(self, X, y=None):\n        return self\n"
         "    def transform(self, X):\n        return X[['LotArea']][:3]\n"
         "def encoders():\n    return [A()]\n", 7, "A returned 3 rows for"),
    ],
)  # fmt: skip
def test_a_wrong_return_is_one_line(own_code, podium, text, line, said):
    own_code(text)
    outcome = podium("preprocess", "house-prices")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith(f"podium: error: {FILE}:{line}: encoders: ")
    assert said in outcome.err


@pytest.mark.deep
def test_for_nested_full_they_are_fitted_without_each_other_fold_too(houses, own_code, podium):
    houses.edit(lambda params: params["house-prices"]["ensemble"].update(nested="full"))
    own_code(MEANS)
    pairs = [(fold, other) for fold in range(5) for other in range(5) if fold != other]
    expected = {f"repeat0-fold{fold}" for fold in range(5)}
    expected |= {f"repeat0-fold{fold}-without{other}" for fold, other in pairs}
    assert set(preprocess(podium)) == expected
