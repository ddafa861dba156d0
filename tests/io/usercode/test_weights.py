"""``sample_weight`` of a user's own file: models that are fitted look at rows by their weights."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from projects import SMALL_MODELS

FILE = "src/competitions/house_prices.py"
# One model in daily work, the others in the deep tests.
MODELS = ["ridge", *(pytest.param(name, marks=pytest.mark.deep) for name in list(SMALL_MODELS)[1:])]
CHEAP = """
    import numpy as np

    def sample_weight(train):
        return np.where(train["SalePrice"] < train["SalePrice"].median(), 10.0, 0.1)
"""


def oof(podium, model: str) -> pd.DataFrame:
    for words in (("preprocess", "house-prices"), ("train", "house-prices", model)):
        outcome = podium(*words)
        assert outcome.code == 0, outcome.err
    return pd.read_parquet(f"models/house-prices/{model}/oof.parquet")


@pytest.mark.parametrize("model", MODELS)
def test_rows_of_large_weight_are_fitted_better(houses, own_code, podium, model):
    """Cheap houses count 100 times as much: predictions are lower than without weights."""
    houses.edit(lambda params: params["house-prices"].update(models={model: SMALL_MODELS[model]}))
    plain = oof(podium, model)
    own_code(CHEAP)
    weighted = oof(podium, model)
    assert weighted["prediction"].mean() < plain["prediction"].mean()
    # The score is that of the metric, without weights.
    metrics = json.loads(Path(f"models/house-prices/{model}/metrics.json").read_text())
    error = np.log1p(weighted["prediction"]) - np.log1p(weighted["true_SalePrice"])
    assert metrics["cv"] == pytest.approx(float(np.sqrt((error**2).mean())), abs=1e-5)


@pytest.mark.deep
@pytest.mark.parametrize("model", [*MODELS[:2], MODELS[3]])
def test_equal_weights_change_nothing(houses, own_code, podium, model):
    houses.edit(lambda params: params["house-prices"].update(models={model: SMALL_MODELS[model]}))
    plain = oof(podium, model)
    own_code("def sample_weight(train):\n    return [3] * len(train)\n")
    pd.testing.assert_frame_equal(plain, oof(podium, model), rtol=1e-3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1", "expected an array of 80 numbers, one for each training row"),
        ("return train['LotArea'][:-1]", "the rows have another order or index"),
        ("return train['LotArea'].sort_values()", "the rows have another order or index"),
        ("return -train['LotArea']", "is negative in row 2 of the training rows"),
        ("return train['LotArea'] * 0", "is always 0"),
        ("return train['LotArea'] / 0", "is inf in line 2 of the training rows"),
        ("return train['Street']", "expected numbers, found"),
        ("return train['SalePric']", "KeyError: 'SalePric'; did you mean 'SalePrice'?"),
    ],
)
def test_a_wrong_return_is_one_line(own_code, podium, body, said):
    own_code(f"def sample_weight(train):\n    {body}\n")
    outcome = podium("preprocess", "house-prices")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith(f"podium: error: {FILE}:")
    assert f"sample_weight: {said}" in outcome.err
