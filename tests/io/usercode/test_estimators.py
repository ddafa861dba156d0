"""A model of the competition's own file is trained as one of a package is."""

import pandas as pd
import pytest

from podium.io import paths

NAME = "house-prices"
SAME = """
    from sklearn.linear_model import Ridge


    class Own(Ridge):
        pass
"""
NOTHING = """
    import numpy as np
    from sklearn.linear_model import Ridge


    class Own(Ridge):
        def predict(self, X):
            return np.full(len(X), np.nan)
"""
LATE = """
    from sklearn.linear_model import Ridge


    class Own(Ridge):
        def fit(self, X, y, sample_weight=None):
            return self.nothing
"""


@pytest.fixture
def models(houses):
    """Ridge by its own name in the file, and by its import path."""
    found = {
        "own": {"model": "Own", "alpha": 5.0},
        "package": {"model": "sklearn.linear_model.Ridge", "alpha": 5.0},
    }
    houses.edit(lambda params: params[NAME].update(models=found))
    return found


def test_it_predicts_what_the_same_class_of_a_package_does(models, own_code, podium):
    own_code(SAME)
    assert podium("preprocess", NAME).code == 0
    oofs = []
    for model in models:
        outcome = podium("train", NAME, model)
        assert outcome.code == 0, outcome.err
        oofs.append(pd.read_parquet(paths.model(NAME, model) / "oof.parquet"))
    assert oofs[0].equals(oofs[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NOTHING, "house_prices.py:5: Own: predict gave NaN or infinity for "),
        (LATE, "house_prices.py:6: Own: AttributeError: 'Own' object has no attribute 'nothing'"),
    ],
)
def test_a_mistake_in_it_has_the_files_line(models, own_code, podium, text, said):
    own_code(text)
    assert podium("preprocess", NAME).code == 0
    outcome = podium("train", NAME, "own")
    assert outcome.code == 2
    (line,) = [line for line in outcome.err.splitlines() if line.startswith("podium: error")]
    assert said in line
    assert not paths.model(NAME, "own").exists()


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"model": "sklearn.linear_model.Ridge", "alpha": -1.0}, "alpha: The 'alpha' parameter"),
        ({"model": "odd_estimators.Regressor"}, "fold0: odd_estimators.Regressor: predict gave"),
    ],
)
def test_a_package_that_fails_is_named_where_params_names_it(block, said, houses, podium):
    houses.edit(lambda params: params[NAME].update(models={"package": block}))
    assert podium("preprocess", NAME).code == 0
    (line,) = podium("train", NAME, "package").err.splitlines()
    place, _, rest = line.removeprefix("podium: error: params.yaml:").partition(": ")
    assert "package" in (houses.root / "params.yaml").read_text().splitlines()[int(place) - 1]
    assert rest.startswith(f"{NAME}.models.package: {said}")
