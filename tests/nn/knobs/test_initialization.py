"""How weights start: their std, orthogonality, and a last layer at zero."""

from typing import get_args

import numpy as np
import pytest
import torch

from nn_help import fit, normal, plain, table, trainer
from podium.config.networks import Initialization
from podium.nn.knobs.activations import activation
from podium.nn.knobs.initialization import INITIALIZATIONS, OUTPUT_SCALE, last_layer
from podium.nn.layers import Step

INPUTS, OUTPUTS = 200, 300


def drawn(name: str, inputs: int = INPUTS, outputs: int = OUTPUTS, seed: int = 0) -> torch.Tensor:
    return INITIALIZATIONS[name](inputs, outputs)(torch.Generator().manual_seed(seed))


def test_every_name_has_a_function():
    assert set(INITIALIZATIONS) == set(get_args(Initialization))


@pytest.mark.parametrize(
    ("name", "variance"),
    [("he", 2 / INPUTS), ("xavier", 2 / (INPUTS + OUTPUTS)), ("lecun", 1 / INPUTS)],
)
def test_the_variance_is_the_papers(name, variance):
    weight = drawn(name)
    assert weight.shape == (INPUTS, OUTPUTS)
    assert float(weight.var()) == pytest.approx(variance, rel=0.03)
    assert abs(float(weight.mean())) < 4 * (variance / weight.numel()) ** 0.5


@pytest.mark.parametrize(("inputs", "outputs"), [(20, 8), (8, 20), (12, 12), (1, 5)])
def test_orthogonal_rows_or_columns(inputs, outputs):
    weight = drawn("orthogonal", inputs, outputs)
    assert weight.shape == (inputs, outputs)
    short = weight if inputs < outputs else weight.T
    assert torch.allclose(short @ short.T, 2 * torch.eye(min(inputs, outputs)), atol=1e-5)


def test_an_orthogonal_draw_has_no_preferred_sign():
    corner = torch.stack([drawn("orthogonal", 3, 3, seed).diagonal() for seed in range(400)])
    assert corner.mean().abs() < 0.12


@pytest.mark.parametrize("name", sorted(INITIALIZATIONS.keys() - {"zeros"}))
def test_another_member_starts_elsewhere(name):
    assert torch.equal(drawn(name), drawn(name))
    assert not torch.equal(drawn(name), drawn(name, seed=1))


@pytest.mark.parametrize(("name", "kind"), [("he", "relu"), ("lecun", "selu")])
def test_ten_layers_keep_the_size_of_what_goes_through(name, kind):
    x = normal(1, 500, 100)
    start = float(x.square().mean())
    for layer in range(10):
        x = activation(kind, "a", 100).forward(x @ drawn(name, 100, 100, layer), Step())
    assert 0.4 < float(x.square().mean()) / start < 2.5


def test_the_knob_reaches_the_hidden_layers():
    def std(name: str) -> float:
        made = trainer(plain(initialization=name, hidden=[300]))
        return float(made.parameters.values["hidden0.weight"].var())

    assert std("he") == pytest.approx(2 * std("lecun"), rel=0.15)
    assert std("xavier") < 0.1 * std("lecun")


def test_the_output_starts_near_zero_and_zero_last_at_zero():
    assert float(last_layer(400, 1, False)(torch.Generator()).std()) == pytest.approx(
        OUTPUT_SCALE, rel=0.15
    )
    assert (last_layer(400, 1, True)(torch.Generator()) == 0).all()


def test_zero_last_predicts_the_mean_before_it_learns_and_learns_all_the_same():
    x, y = table()
    rows = [np.arange(50), np.arange(50, 120)]
    knobs = {"members": 2, "rows": rows, "epochs": 1, "learning_rate": 1e-12}
    predicted = fit(x, y + 100, zero_last=True, **knobs).predict(x)
    for member in range(2):
        assert predicted[member] == pytest.approx(100 + y[rows[member]].mean(), abs=1e-4)
    assert fit(x, y + 100, **knobs).predict(x).std(axis=1).min() > 1e-3
    assert fit(x, y, zero_last=True).outcomes[0].history[-1].train_loss < 0.2


def test_of_zeros_nothing_but_a_constant_is_learnt():
    x, y = table()
    fitted = fit(x, y, initialization="zeros", zero_last=True, activation="relu", epochs=3)
    assert np.ptp(fitted.predict(x)) == 0
    assert (fitted.tensors([0])["hidden0.weight"] == 0).all()
