"""The search space: the current values are in it, and a point means what it says."""

import json

import pytest

from podium.config import MLPParams, RidgeParams
from podium.config.search import read_search
from podium.config.space import Space, make_space
from podium.io.errors import PodiumError

SEARCH = {
    "learning_rate": {"range": [0.001, 0.1], "log": True},
    "batch_size": {"choices": [32, 64]},
    "hidden": {"layers": [1, 2], "width": [8, 64], "log": True},
    "seeds": {"range": [1, 3]},
    "optimizer": {"choices": ["adamw", "momentum"]},
    "momentum": {"range": [0.5, 0.99], "when": {"optimizer": "momentum"}},
}


def space(search=SEARCH, block=None):
    return make_space(block or MLPParams(model="mlp"), read_search(search))


def draw(made, seed=0):
    import optuna

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return study.ask(made.distributions()).params


def test_knobs_of_drawn_points():
    for seed in range(20):
        values = space().values(draw(space(), seed))
        assert 0.001 <= values["learning_rate"] <= 0.1
        assert values["batch_size"] in (32, 64)
        assert 1 <= len(values["hidden"]) <= 2
        assert all(isinstance(width, int) and 8 <= width <= 64 for width in values["hidden"])
        assert values["seeds"] in (1, 2, 3)
        assert ("momentum" in values) == (values["optimizer"] == "momentum")


@pytest.mark.parametrize(
    "own",
    [
        {"learning_rate": 0.5},
        {"learning_rate": 1e-6, "batch_size": 17},
        {"hidden": [100, 4, 7, 512]},
        {"optimizer": "momentum", "momentum": 0.1},
        {"seeds": 9},
    ],
)
def test_the_current_values_are_in_the_space(own):
    current = {
        "learning_rate": 0.01, "batch_size": 32, "hidden": [16], "seeds": 1, "optimizer": "adamw",
        "momentum": 0.9,
    } | own  # fmt: skip
    made = space().including(current)
    values = made.values(made.point(current))
    assert values == {name: value for name, value in current.items() if name in values}
    assert values.keys() >= own.keys()
    for axis in made.axes:
        assert axis.distribution()


@pytest.mark.parametrize("value", [[0.1, 0.2], None, "auto"])
def test_a_current_value_that_the_space_has_no_word_for(value):
    made = space({"dropout": {"range": [0.0, 0.5]}}).including({"dropout": value})
    assert 0 <= made.point({"dropout": value})["dropout"] <= 0.5


def test_stepped_ranges_keep_their_steps_when_widened():
    made = space({"dropout": {"range": [0.2, 0.4], "step": 0.1}}).including({"dropout": 0.05})
    (axis,) = made.axes
    assert axis.low == pytest.approx(0.0)
    assert axis.high == 0.4


def test_a_grid_has_each_configuration_once():
    points = space().grid()
    found = [json.dumps(space().values(point), sort_keys=True) for point in points]
    assert len(set(found)) == len(found)
    # Momentum has three values where it is used, and one where it isn't.
    with_momentum = [text for text in found if '"momentum":' in text]
    assert len(with_momentum) == 3 * (len(found) - len(with_momentum))


def test_a_grid_that_nobody_waits_for():
    search = {knob: {"range": [0.1, 0.5], "points": 20} for knob in ("dropout", "l1", "l2")}
    with pytest.raises(PodiumError, match="20 x 20 x 20 = 8,000 points"):
        space(search).grid()


def test_points_of_a_log_range_are_evenly_spaced():
    search = {"learning_rate": {"range": [0.001, 0.1], "log": True, "points": 3}}
    assert sorted(p["learning_rate"] for p in space(search).grid()) == pytest.approx(
        [0.001, 0.01, 0.1]
    )


def test_a_knob_that_takes_a_list_gets_one():
    made = space({"alphas": {"range": [0.1, 10], "log": True}}, RidgeParams(model="ridge"))
    assert made.values({"alphas": 2.0}) == {"alphas": [2.0]}


def test_a_condition_on_a_knob_that_is_not_searched():
    search = {"momentum": {"range": [0.5, 0.9], "when": {"optimizer": ["momentum"]}}}
    assert not space(search).knobs
    assert space(search, MLPParams(model="mlp", optimizer="momentum")).knobs


def test_a_space_is_stored_and_read():
    assert Space.from_json(space().to_json()) == space()
