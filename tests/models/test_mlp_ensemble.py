"""The portfolio: who goes on, who is weighted, and that it is one model."""

import json

import numpy as np
import pytest
from safetensors.numpy import load

from model_help import fit, make_dataset, with_scheme
from podium.config import Folds
from podium.config.auto import Shape
from podium.config.portfolio import MLPEnsembleParams
from podium.models.mlp_ensemble import dealt, sampled_weights
from podium.models.portfolio import FEWEST, MOST, SPACE, configurations, rules
from podium.runtime.progress import Reporter


def drawn(count=6, task="regression", **knobs):
    params = MLPEnsembleParams(model="mlp_ensemble", configurations=count, **knobs)
    return [
        one.model_dump(exclude_defaults=True, exclude={"model", "seeds", "early_stopping"})
        for one in configurations(params, task)
    ]


def weights_of(result, fold):
    table = result.configurations
    return table[table["fold"] == fold].set_index("configuration")["weight"]


class Heard(Reporter):
    """What was reported; stops after so many epochs."""

    def __init__(self, stop_after=None):
        self.totals, self.done, self.said, self.stop_after = [], [], [], stop_after

    def start(self, total):
        self.totals.append(total)

    def update(self, done, what, loss=None):
        self.done.append(done)
        self.said.append(what)
        if len(self.done) == self.stop_after:
            raise KeyboardInterrupt


def test_halves_leave_and_what_is_left_is_weighted():
    listed = [{}, {"dropout": 0.1}, {"activation": "relu"}, {"input_noise": 0.1}, {"skip": True}]
    result = fit("mlp_ensemble", make_dataset(), epochs=16, configurations=listed, halvings=2)
    for fold in range(4):
        table = result.configurations[result.configurations["fold"] == fold]
        # Of five, three go on after an eighth of the epochs, two after a quarter.
        assert sorted(table["epochs"])[:3] == [2, 2, 4]
        in_full = table["epochs"] == 16
        assert in_full.any()
        assert table["weight"][in_full].sum() == pytest.approx(1, abs=1e-5)
        assert not table["weight"][~in_full].any()
        assert table["loss"][table["epochs"] == 4].max() > table["loss"][in_full].max()
    assert len(result.history) == 4 * 2 * 16


def test_a_hopeless_configuration_leaves():
    listed = [{"learning_rate": rate} for rate in (1e-7, 0.01, 1e-7, 0.02)]
    result = fit("mlp_ensemble", make_dataset(), epochs=20, configurations=listed)
    for fold in range(4):
        weights = weights_of(result, fold)
        assert weights[[0, 2]].sum() == 0
        assert weights[[1, 3]].sum() == pytest.approx(1, abs=1e-5)


def test_without_halvings_all_have_the_same_weight():
    heard = Heard()
    result = fit("mlp_ensemble", make_dataset(), heard, epochs=3, halvings=0)
    assert result.configurations["weight"].to_numpy() == pytest.approx(0.25)
    assert result.configurations["loss"].isna().all()
    assert heard.totals == [4]


def test_weights_prefer_what_is_better_together():
    """Of networks that are equally good the one with errors of its own; a bad one gets little."""
    generator = np.random.default_rng(0)
    y, same, other = (generator.normal(size=300) for _ in range(3))
    own = np.stack([y + same, y + same, y + same, y + other, y + 5 * generator.normal(size=300)])

    def loss(mixed):
        return float(np.mean((mixed - y) ** 2))

    def compared(rows, predictions):
        return predictions, lambda mixed: float(np.mean((mixed - y[rows]) ** 2))

    weights = sampled_weights(compared, np.arange(300), own, seed=0)
    assert weights.sum() == pytest.approx(1)
    assert weights[3] > 1 / 5
    assert weights[4] < 0.02
    assert loss(weights @ own) < 0.8 * min(map(loss, own))
    # One that is clearly the best has nearly all.
    clear = np.stack([y + 0.1 * other, own[0], own[4]])
    assert sampled_weights(compared, np.arange(300), clear, seed=0)[0] > 0.9


def test_networks_are_dealt_by_weights():
    assert dealt({3: 0.5, 5: 0.5}, 4) == {3: 2, 5: 2}
    assert dealt({0: 0.9, 1: 0.06, 2: 0.04}, 4) == {0: 4}
    assert dealt({0: 0.4, 1: 0.35, 2: 0.25}, 2) == {0: 1, 1: 1}
    assert sum(dealt(dict.fromkeys(range(7), 1 / 7), 10).values()) == 10


def test_draws_are_by_number_alone():
    """More configurations change none; knobs of the block are those of all."""
    few, many = drawn(6), drawn(12)
    assert many[:6] == few
    assert not few[0]
    assert len({json.dumps(one, sort_keys=True) for one in many}) == 12
    assert drawn(6, seed=1)[1:] != [one | {"seed": 1} for one in few[1:]]
    assert all(one["hidden"] == [8] for one in drawn(12, hidden=[8]))
    assert not any("huber_delta" in one for one in drawn(12, task="binary"))
    assert {knob for one in many for knob in one} == set(SPACE)


def test_a_knob_is_left_out_where_it_does_nothing():
    each = drawn(12, embedding_size=3)
    sizes = {one.get("numeric_embedding", "piecewise_linear"): one.get("embedding_size")
             for one in each}  # fmt: skip
    assert sizes == {"none": None, "periodic": 3, "piecewise_linear": 3}


def test_own_space_and_its_conditions():
    space = {
        "optimizer": {"choices": ["sgd", "adamw"]},
        "momentum": {"range": [0.1, 0.5], "when": {"optimizer": "adamw"}},
        "hidden": {"layers": [1, 2], "width": [4, 8]},
    }
    each = drawn(20, space=space)[1:]
    assert {len(one["hidden"]) for one in each} == {1, 2}
    assert all(4 <= width <= 8 for one in each for width in one["hidden"])
    # adamw is the default.
    assert all(("momentum" in one) == ("optimizer" not in one) for one in each)


def test_fewer_configurations_of_more_rows():
    def count(rows):
        params = MLPEnsembleParams(model="mlp_ensemble")
        return rules(params, Shape(rows, 10))["configurations"]

    assert count(100) == MOST
    assert FEWEST < count(6_000) < MOST
    assert count(1_000_000) == FEWEST


def test_one_bar_for_all_that_trains():
    heard = Heard()
    fit("mlp_ensemble", make_dataset(), heard, epochs=4, seeds=2)
    assert len(heard.totals) == 1
    assert heard.done == sorted(heard.done)
    assert heard.done[-1] <= heard.totals[0]
    assert heard.done[-1] == pytest.approx(heard.totals[0], rel=0.3)
    assert heard.said[0] == "4 configurations, 4 left  epoch 1"
    assert "left, on all rows" in heard.said[-1]


@pytest.mark.parametrize("stop_after", [2, 7])
def test_a_stopped_training_continues_to_the_same_bits(tmp_path, stop_after):
    """Stopped in its first part, and in its last; nothing is trained twice."""
    whole = fit("mlp_ensemble", make_dataset(), epochs=4)
    with pytest.raises(KeyboardInterrupt):
        fit("mlp_ensemble", make_dataset(), Heard(stop_after), scratch=tmp_path, epochs=4)
    assert list(tmp_path.iterdir())
    heard = Heard()
    again = fit("mlp_ensemble", make_dataset(), heard, scratch=tmp_path, epochs=4)
    assert (again.oof == whole.oof).all()
    assert (again.test == whole.test).all()
    assert again.weights == whole.weights
    every = Heard()
    fit("mlp_ensemble", make_dataset(), every, epochs=4)
    assert len(heard.done) <= len(every.done) - stop_after + 1


def test_stored_networks_and_weights_give_the_test_predictions():
    dataset = make_dataset()
    plain = {"activation": "relu", "numeric_embedding": "none", "input_margin": None, "seeds": 2}
    result = fit("mlp_ensemble", dataset, **plain, configurations=[{}, {"dropout": 0.1}])
    mixed = []
    for split in dataset.splits:
        x, total = split.transform.dense(dataset.test), 0.0
        for row in json.loads(result.weights[f"{split.name}.configurations.json"]):
            if not row["weight"]:
                continue
            name = f"{split.name}.configuration{row['configuration']}.safetensors"
            stored = load(result.weights[name])
            hidden = np.maximum(x @ stored["hidden0.weight"] + stored["hidden0.bias"], 0)
            out = hidden @ stored["output.weight"] + stored["output.bias"]
            shift, scale = stored["target"][:, :1], stored["target"][:, 1:]
            total += row["weight"] * (out * scale + shift).mean(axis=0)
        mixed.append(total)
    assert np.mean(mixed, axis=0) == pytest.approx(result.test, abs=1e-4)


@pytest.mark.parametrize("scheme", ["time", "contiguous"])
def test_folds_in_time(scheme):
    dataset = make_dataset()
    in_time = with_scheme(dataset, Folds(scheme=scheme, count=3), np.arange(200))
    result = fit("mlp_ensemble", in_time, epochs=4)
    assert np.isfinite(result.oof[in_time.validated]).all()


def test_networks_may_stop_early():
    listed = [{}, {"dropout": 0.1}]
    result = fit(
        "mlp_ensemble", make_dataset(), configurations=listed, epochs=200, early_stopping=2
    )
    assert (result.configurations["epochs"] < 200).all()
    assert np.isfinite(result.configurations["loss"]).all()
