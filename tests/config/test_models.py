"""A knob of a model that does nothing is an error that names it and says why."""

import pytest

from podium.config import load_config
from podium.io.errors import PodiumError
from projects import DIGITS, HOUSES


@pytest.fixture
def checked(project):
    """What is said about a model's knobs in a competition."""

    def check(competition, model, knobs, **keys):
        def change(params):
            block = params[competition]
            block["models"] = {model: knobs}
            block.update(keys)

        project.edit(change)
        try:
            load_config(only=competition)
        except PodiumError as error:
            return str(error)
        return None

    return check


CLASSES = {"task": "binary", "target_transform": "none", "metric": "logloss"}
GROUPS = {"folds": {"scheme": "group", "count": 5, "group": "Neighborhood"}}
ORDERED = {"folds": {"scheme": "contiguous", "count": 5}}


@pytest.mark.parametrize(
    ("model", "knobs", "keys", "says"),
    [
        ("ridge", {"seed": 1}, {}, "ridge.seed: does nothing for regression"),
        ("ridge", {"inner_folds": 3}, {}, "ridge.inner_folds: does nothing for regression"),
        ("ridge", {"seed": 1}, GROUPS, "seed: does nothing with folds that are not shuffled"),
        ("lasso", {"seed": 1}, ORDERED, "seed: does nothing with folds that are not shuffled"),
        ("elastic_net", {"seed": 1}, CLASSES | ORDERED, "elastic_net.seed: does nothing with"),
        ("lightgbm", {"patience": None, "holdout": 0.3}, {}, "holdout does nothing with patience"),
    ],
)
def test_idle_knobs_of_tables(checked, model, knobs, keys, says):
    assert says in (checked(HOUSES, model, knobs, **keys) or "accepted")


@pytest.mark.parametrize(
    ("model", "knobs", "keys"),
    [
        ("ridge", {"seed": 0, "inner_folds": 5}, {}),
        ("ridge", {"seed": 1, "inner_folds": 3}, CLASSES),
        ("ridge", {"inner_folds": 3}, GROUPS),
        ("lasso", {"seed": 1, "alpha_ratio": 0.01, "alpha_count": 10}, {}),
        ("lasso", {"seed": 1, "alpha_ratio": 0.01, "alpha_count": 10}, CLASSES),
        ("lightgbm", {"seed": 1, "holdout": 0.3}, GROUPS),
        ("lightgbm", {"patience": None, "holdout": 0.2}, {}),
    ],
)
def test_knobs_that_do_something(checked, model, knobs, keys):
    assert checked(HOUSES, model, knobs, **keys) is None


@pytest.mark.parametrize("knob", ["cat_smooth", "min_data_per_group"])
def test_pixels_are_no_categories(checked, knob):
    said = checked(DIGITS, "lightgbm", {knob: 50})
    assert f"models.lightgbm.{knob}: does nothing for pixels" in said


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"droput": 0.1}, "mlp_ensemble.droput: unknown key 'droput'; did you mean 'dropout'?"),
        ({"lr": 0.1}, "unknown key 'lr'; did you mean 'learning_rate'?"),
        ({"dropout": 2}, "mlp_ensemble.dropout: expected a number below 1, found 2"),
        ({"mc_dropout": 9}, "mlp_ensemble.mc_dropout: no knob of a configuration: the ensemble"),
        ({"configurations": 0}, "configurations: expected auto, a whole number from 1 to 500, or"),
        ({"configurations": [{"droput": 0.1}]}, "mlp_ensemble.configurations.droput: unknown key"),
        ({"configurations": [{"seed": 1}]}, "configurations.seed: no knob of a configuration: it"),
        ({"configurations": [{"device": "cpu"}]}, "configurations.device: no knob of a config"),
        ({"configurations": [{"dropout": 0.1}], "dropout": 0.2}, "as the same in all of them"),
        ({"configurations": [{"bins": 9, "numeric_embedding": "none"}]}, "bins does nothing with"),
        ({"configurations": [{}], "space": {"skip": {"choices": [True, False]}}}, "remove one"),
        ({"space": {"droput": {"range": [0, 0.5]}}}, "space.droput: the model has no knob"),
        ({"space": {"dropout": {"range": [0, 2]}}}, "space.dropout.range: expected a number below"),
        ({"space": {"device": {"choices": ["cpu", "cuda"]}}}, "space.device: 'device' is no"),
        (
            {"space": {"skip": {"choices": [True, False]}}, "skip": True},
            "can't be drawn: it st",
        ),
        ({"patience": 3}, "unknown key 'patience'; did you mean 'early_stopping'?"),
        ({"label_smoothing": 0.1}, "label_smoothing: does nothing for task 'regression'"),
    ],
)
def test_what_a_portfolio_refuses(checked, knobs, says):
    assert says in (checked(HOUSES, "mlp_ensemble", knobs) or "accepted")


@pytest.mark.parametrize(
    "knobs",
    [
        {"batch_size": 32, "early_stopping": 20},
        {"configurations": [{}, {"hidden": [512]}], "activation": "relu"},
        {"space": {"dropout": {"range": [0, 0.5]}}, "configurations": 4, "halvings": 0},
        {"embedding_size": 8, "device": "cpu"},
    ],
)
def test_portfolios(checked, knobs):
    assert checked(HOUSES, "mlp_ensemble", knobs) is None
