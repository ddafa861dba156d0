"""``folds: {scheme: own}``: fold numbers that a user's own file gives."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FILE = "src/competitions/house_prices.py"


@pytest.fixture
def own_scheme(houses):
    houses.edit(lambda params: params["house-prices"].update(folds={"scheme": "own"}))
    return houses


def test_rows_are_validated_in_the_folds_that_it_returns(own_scheme, own_code, podium):
    own_code("""
        import numpy as np

        def folds(train):
            assert train["SalePrice"].dtype == "float64"
            return np.where(train["YrSold"] == 2008, -1, train["YrSold"] % 2)
    """)
    for words in (("check",), ("preprocess", "house-prices"), ("train", "house-prices", "ridge")):
        outcome = podium(*words)
        assert outcome.code == 0, outcome.err
    table = pd.read_parquet("data/processed/house-prices/train.parquet")
    folds = pd.read_parquet("data/processed/house-prices/folds.parquet")["repeat_0"]
    expected = np.where(table["YrSold"] == 2008, -1, table["YrSold"] % 2)
    assert (folds == expected).all()
    oof = pd.read_parquet("models/house-prices/ridge/oof.parquet")
    assert oof["prediction"].isna().equals(folds == -1)


def test_rows_of_weight_zero_are_validated_and_not_trained_on(houses, own_code, podium):
    """Whatever their target: 1,000 times the price of half of the houses changes no prediction."""
    predictions = []
    for factor in (1, 1000):
        own_code("def sample_weight(train):\n    return train['Id'].astype(int) % 2\n")
        path = Path("data/raw/house-prices/train.csv")
        table = pd.read_csv(path, keep_default_na=False)
        even = table["Id"] % 2 == 0
        table.loc[even, "SalePrice"] *= factor
        table.to_csv(path, index=False)
        for words in (("preprocess", "house-prices"), ("train", "house-prices", "ridge")):
            outcome = podium(*words)
            assert outcome.code == 0, outcome.err
        predictions.append(pd.read_parquet("models/house-prices/ridge/oof.parquet")["prediction"])
    assert predictions[0].notna().all()
    pd.testing.assert_series_equal(*predictions)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return [0, 1]", "expected an array of 80 numbers, one for each training row, found list"),
        ("return train['LotArea'] * 0 + 0.5", "expected fold numbers 0, 1, 2 ... (-1: never"),
        ("return train['LotArea'] * 0 - 2", "found -2.0 in line 2 of the training rows"),
        ("return train['LotArea'] % 2 * 2", "expected folds 0, 1, 2 ..., found [0, 2]"),
        ("return train['LotArea'] * 0", "returned one fold of all rows, and none to train on"),
        ("return train['Street']", "expected numbers, found"),
        ("return train['Yr']", "KeyError: 'Yr'"),
    ],
)
def test_a_wrong_return_is_one_line(own_scheme, own_code, podium, body, said):
    own_code(f"def folds(train):\n    {body}\n")
    outcome = podium("preprocess", "house-prices")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith(f"podium: error: {FILE}:")
    assert f"folds: {said}" in outcome.err or said in outcome.err


def test_own_without_a_function_says_where_it_is_expected(own_scheme, podium):
    outcome = podium("check")
    assert outcome.code == 2
    assert (
        "house-prices.folds.scheme: 'own' needs a function folds(train) in " + FILE in outcome.err
    )
