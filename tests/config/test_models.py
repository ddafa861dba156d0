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
