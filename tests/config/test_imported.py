"""Models by an import path in params.yaml: what reading it alone finds, and what ``check`` does."""

import sys
from pathlib import Path

import pytest

from podium.config import BoostingParams, ImportedParams, load_config
from podium.config.models import find_model
from podium.io.errors import PodiumError
from projects import DIGITS, HOUSES

SVR = {"model": "sklearn.svm.SVR", "C": 20, "epsilon": 0.01}
OWN = """
from sklearn.base import BaseEstimator, RegressorMixin

class Mean(RegressorMixin, BaseEstimator):
    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.mean_ = y.mean() + self.shift
        return self

    def predict(self, X):
        return [self.mean_] * len(X)
"""


@pytest.fixture
def with_model(project):
    def write(block, competition=HOUSES, name="own"):
        project.edit(lambda params: params[competition].update(models={name: block}))

    return write


def test_other_keys_are_the_estimators_knobs(with_model):
    with_model({**SVR, "scale_target": False})
    params = load_config()[HOUSES].models["own"]
    assert isinstance(params, ImportedParams)
    assert params.knobs == {"C": 20, "epsilon": 0.01}
    assert not params.scale_target
    assert params.version
    assert "sklearn.svm" not in sys.modules or params.inputs == "dense"


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("sklearn.svm.SVR", "dense"),
        ("sklearn.ensemble.HistGradientBoostingRegressor", "native"),
        ("catboost.CatBoostRegressor", "native"),
        ("xgboost.XGBClassifier", "native"),
    ],
)
def test_trees_with_categories_get_them(model, inputs):
    kind = find_model("tabular", model).params
    assert kind(model=model).inputs == inputs
    assert kind(model=model, inputs="dense").inputs == "dense"
    assert issubclass(kind, BoostingParams) == (model.partition(".")[0] in ("catboost", "xgboost"))


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"model": "sklern.svm.SVR"}, "own.model: no package 'sklern' is installed; did you mean"),
        ({"model": "sklearn..SVR"}, "own.model: expected an import path such as"),
        ({"model": "competitions.other.Model"}, "own.model: there is no src/competitions/other.py"),
        ({"model": "competitions.house_prices"}, "own.model: expected competitions.<file>.<class>"),
        ({**SVR, "inputs": "sparse"}, "own.inputs: expected 'dense' or 'native'"),
        ({**SVR, "C": float("nan")}, "C: expected a finite number"),
        ({"model": "SVR"}, "own.model: no model 'SVR'"),
        ({**SVR, "cc": 3}, "own.cc: SVR has no knob 'cc'"),
        ({**SVR, "C": "x"}, "own.C: The 'C' parameter of SVR must be a float"),
        ({"model": "sklearn.svm.SVRR"}, "own.model: no class 'SVRR' in sklearn.svm; did you mean"),
    ],
)
def test_what_is_wrong_is_a_line_with_its_place(with_model, podium, block, says):
    with_model(block)
    outcome = podium("check")
    assert outcome.code == 2
    assert outcome.err.startswith("podium: error: params.yaml:")
    assert f"{HOUSES}.models.{says}" in outcome.err or says in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_wrong_knob_stops_before_anything_is_trained(with_model, podium):
    with_model({**SVR, "epsilom": 3})
    outcome = podium("resolve", HOUSES)
    assert outcome.code == 2
    assert "models.own.epsilom: SVR has no knob 'epsilom'; did you mean 'epsilon'?" in outcome.err
    assert not Path(f"data/resolved/{HOUSES}").exists()


def test_a_model_that_is_unchanged_is_not_looked_at_again(with_model, podium, monkeypatch):
    with_model(SVR)
    assert podium("resolve", HOUSES).code == 0
    monkeypatch.setattr("podium.models.classes.problems", lambda *_: 1 / 0)
    assert podium("resolve", HOUSES).code == 0


def test_images_have_no_estimators(with_model):
    with_model(SVR, DIGITS)
    with pytest.raises(PodiumError, match="no model 'sklearn.svm.SVR'"):
        load_config()


@pytest.mark.parametrize("name", ["Mean", "competitions.house_prices.Mean"])
def test_a_class_of_the_competitions_own_file(with_model, podium, name):
    with_model({"model": name, "shift": 0.5})
    file = Path("src/competitions/house_prices.py")
    assert podium("check").code == 2
    file.write_text(OWN)
    assert podium("check").code == 0
    params = load_config()[HOUSES].models["own"]
    assert params.model == "competitions.house_prices.Mean"
    with_model({"model": f"{name}n", "shift": 0.5})
    assert "did you mean 'Mean'?" in podium("check").err
    with_model({"model": name, "shft": 0.5})
    assert "Mean has no knob 'shft'; did you mean 'shift'?" in podium("check").err
    with_model({"model": name})
    file.write_text(OWN.replace("shift=0.0", "*shift"))
    assert "own.model: scikit-learn estimators should always specify" in podium("check").err
    with_model({"model": name, "shift": 0.5})
    file.write_text(OWN + "1 +")
    assert f"{file}:14: " in podium("check").err
