"""Noise: dropout, and Gaussian noise on inputs, activations and weights."""

import numpy as np
import pytest
import torch

from nn_help import (
    CPU,
    coefficients,
    fit,
    fit_linear,
    normal,
    plain,
    straight,
    table,
    trainer,
    training,
)
from podium.nn.knobs.inputs import Columns
from podium.nn.knobs.noise import Dropout, GaussianNoise, WeightNoise
from podium.nn.layers import Step
from podium.nn.network import build_network
from podium.nn.parameters import FREE, WEIGHT, Parameters
from podium.nn.rng import Rng


def dropouts(made) -> list[Dropout]:
    """The dropout layers of a network, from the inputs on."""
    layers = made.network.layers
    layers = [part for layer in layers for part in getattr(layer, "layers", [layer])]
    return [layer for layer in layers if isinstance(layer, Dropout)]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_expected_activation(rate):
    x = torch.ones(2, 2000, 30)
    out = Dropout(rate, 17).forward(x, training()).clone()
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - rate)])
    deviation = (rate / (1 - rate) / out[0].numel()) ** 0.5
    for member in out:
        assert abs(float(member.mean()) - 1) < 4 * deviation + 1e-4


def test_dropout_is_off_at_prediction():
    x = normal(2, 50, 8)
    assert torch.equal(Dropout(0.5, 17).forward(x, Step()), x)


def test_the_gradient_of_a_dropped_unit_is_zero_and_of_a_kept_one_scaled():
    layer, step = Dropout(0.4, 17), training()
    kept = layer.forward(torch.ones(2, 50, 8), step) > 0
    grad = layer.backward(torch.ones(2, 50, 8), step)
    assert torch.allclose(grad, kept / 0.6)


def test_a_dropout_factor_of_zero_turns_it_off_both_ways():
    layer, step = Dropout(0.4, 17), training(dropout_factor=0.0)
    x = normal(2, 50, 8)
    assert torch.equal(layer.forward(x, step), x)
    assert torch.equal(layer.backward(x, step), x)


def test_masks_of_a_training_differ_between_members_steps_and_layers():
    made = trainer(plain(hidden=[16, 16], dropout=0.5, batch_size=40), rows=[np.arange(120)] * 3)
    masks = []
    for index, rows in enumerate(made.orders.epoch(0)):
        made._set_schedules(index)
        made._train_step(rows, index)
        masks += [layer.mask.clone() for layer in dropouts(made)]
    flat = torch.cat(masks).flatten(1) - 1
    assert flat.shape == (3 * 2 * 3, 40 * 16)
    together = (flat @ flat.T / flat.shape[1]).fill_diagonal_(0)
    assert together.abs().max() < 5 / flat.shape[1] ** 0.5


def test_each_layer_has_the_rate_of_its_place_in_the_list():
    knobs = {"hidden": [50, 40, 60], "dropout": [0.2, 0.0, 0.7], "input_dropout": 0.4}
    made = trainer(plain(batch_size=120, **knobs), *table(features=60))
    made.run_epoch()
    inputs, first, third = dropouts(made)
    assert [layer.mask.shape[2] for layer in (inputs, first, third)] == [60, 50, 60]
    rates = [float((layer.mask == 0).float().mean()) for layer in (inputs, first, third)]
    assert rates == pytest.approx([0.4, 0.2, 0.7], abs=0.03)


@pytest.mark.parametrize("knobs", [{"dropout": 0.4}, {"input_dropout": 0.4}])
def test_dropout_narrows_the_gap_between_training_and_fresh_rows(knobs):
    """Rows of noise: the less is learnt by heart the better."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 10)).astype(np.float32)
    y = generator.normal(size=80).astype(np.float32)

    def by_heart(**knobs) -> float:
        knobs = {"hidden": [64], "epochs": 60, "learning_rate": 0.005, **knobs}
        predicted = fit(x, y, members=2, **knobs).predict(x)
        return float(np.square(predicted[:, :, 0] - y).mean())

    assert by_heart(**knobs) > 1.5 * by_heart()


def test_a_deep_network_with_dropout_predicts_without():
    x, y = table()
    fitted = fit(x, y, dropout=0.5, hidden=[32, 32], epochs=3)
    once, twice = fitted.predict(x), fitted.predict(x)
    assert (once == twice).all()
    mean, std = fitted.predict_std(x, passes=10)
    assert (std > 0).all()
    assert not (mean == once).any()


def test_gaussian_noise_has_its_std_and_is_off_at_prediction():
    layer = GaussianNoise(0.3, 2)
    x = torch.full((2, 1000, 20), 5.0)
    noise = layer.forward(x, training(number=1)) - x
    assert float(noise.std()) == pytest.approx(0.3, rel=0.02)
    assert abs(float(noise.mean())) < 0.01
    again = layer.forward(x, training(number=2)) - x
    assert abs(float((noise * again).mean())) < 4 * 0.09 / noise.numel() ** 0.5
    assert abs(float((noise[0] * noise[1]).mean())) < 4 * 0.09 / noise[0].numel() ** 0.5
    assert layer.forward(x, Step(rng=Rng([0, 1], CPU))) is x
    grad = normal(2, 1000, 20)
    assert torch.equal(layer.backward(grad, training()), grad)


def test_input_noise_is_a_ridge_penalty():
    """Noise of variance v on inputs: the least squares of X'X / n + v (Bishop 1995)."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 3)) @ np.array([[1, 0.9, 0], [0, 0.3, 0], [0, 0, 0.5]])
    x = (x - x.mean(0)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 1.5])).astype(np.float32)
    scale = 0.7
    moments = x.T @ x / len(x)
    ridge = np.linalg.solve(moments + scale**2 * np.eye(3), x.T @ y / len(x))
    free = np.linalg.solve(moments, x.T @ y / len(x))
    knobs = {"epochs": 1500, "learning_rate": 0.05, "schedule": "linear"}
    fitted = coefficients(fit_linear(x, y, input_noise=scale, **knobs))
    assert np.abs(fitted - ridge).max() < 0.05
    assert np.abs(fitted - free).max() > 0.5


def test_activation_noise_is_on_hidden_units_and_differs_from_step_to_step():
    params = plain(hidden=[30, 20], activation_noise=0.5)
    network = build_network(params, Columns(4), 1)
    parameters = Parameters(network.parameters(), 2, CPU)
    network.bind(parameters.values, parameters.grads)
    layers = [part for block in network.layers[:-1] for part in block.layers]
    noises = [layer for layer in layers if isinstance(layer, GaussianNoise)]
    assert [noise.scale for noise in noises] == [0.5, 0.5]
    # All weights are zero, so the last hidden layer's output is its noise.
    first, second = (_hidden(network, training(number=number)) for number in (0, 1))
    assert float(first.std()) == pytest.approx(0.5, rel=0.05)
    deviation = 0.25 / first.numel() ** 0.5
    assert abs(float((first * second).mean())) < 4 * deviation
    assert (_hidden(network, Step()) == 0).all()


def _hidden(network, step):
    x = normal(2, 200, 4)
    for block in network.layers[:-1]:
        x = block.forward(x, step)
    return x


def test_activation_noise_keeps_weights_from_growing_on_what_is_not_there():
    """A network that must be sure of its units makes them larger than the noise."""

    def size(noise: float) -> float:
        fitted = fit(activation_noise=noise, hidden=[8], activation="tanh", epochs=60)
        return float(fitted.outcomes[0].state["output.weight"].norm())

    assert size(1.0) < 0.7 * size(0.0)


def store_of(hidden=(40,), members: int = 2) -> Parameters:
    network = build_network(plain(hidden=list(hidden)), Columns(30), 20)
    parameters = Parameters(network.parameters(), members, CPU)
    parameters.draw(range(members))
    return parameters


def test_weight_noise_is_a_share_of_each_matrix_and_leaves_it_clean():
    parameters = store_of()
    parameters.values["output.weight"].mul_(100)
    clean = {kind: flat.clone() for kind, flat in parameters.flat.items()}
    noise = WeightNoise(0.2)
    noise.add(parameters, training())
    for name in ("hidden0.weight", "output.weight"):
        before = parameters.views(clean)[name]
        change = parameters.values[name] - before
        for member in range(2):
            share = float(change[member].std() / before[member].std())
            assert share == pytest.approx(0.2, rel=0.1)
    assert torch.equal(parameters.flat[FREE], clean[FREE])
    noise.remove(parameters)
    assert torch.equal(parameters.flat[WEIGHT], clean[WEIGHT])


def test_weight_noise_differs_between_steps_members_and_matrices():
    drawn = []
    for number in (0, 1):
        parameters = store_of((30, 30))
        clean = parameters.views({WEIGHT: parameters.flat[WEIGHT].clone()})
        WeightNoise(0.1).add(parameters, training(number=number))
        for name in ("hidden0.weight", "hidden1.weight"):
            drawn.append((parameters.values[name] - clean[name]).flatten(1))
    flat = torch.cat(drawn)
    flat = flat / flat.std(1, keepdim=True)
    together = (flat @ flat.T / flat.shape[1]).fill_diagonal_(0)
    assert flat.shape[0] == 8
    assert together.abs().max() < 4.5 / flat.shape[1] ** 0.5


def test_weight_noise_stays_inside_a_category_embeddings_blocks():
    """Outside them one level's vector would be disturbed by another category's noise."""
    network = build_network(plain(category_embedding=2), Columns(0, 0, (3, 2)), 1)
    parameters = Parameters(network.parameters(), 2, CPU)
    parameters.draw([0, 1])
    outside = torch.block_diag(torch.ones(3, 2), torch.ones(2, 2)) == 0
    WeightNoise(0.5).add(parameters, training())
    assert (parameters.values["categories.weight"][:, outside] == 0).all()


def test_gradients_are_those_at_the_disturbed_weights_and_the_step_is_from_the_clean_ones():
    """A linear model, one step: the gradient of the squared error at the noisy matrix."""
    x, y = table(rows=40, features=4)
    made = trainer(straight(weight_noise=0.5, learning_rate=0.1), x, y)
    clean = made.parameters.values["output.weight"].clone()
    noisy = []
    add = made.callbacks.on_weights[0].add

    def spy(parameters, step):
        add(parameters, step)
        noisy.append(parameters.values["output.weight"].clone())

    made.callbacks.on_weights[0].add = spy
    rows = made.orders.epoch(0)[0]
    made._set_schedules(0)
    made._train_step(rows, 0)
    given, wanted = torch.from_numpy(x), torch.from_numpy(y)[:, None]
    grad = 2 * given.T @ (given @ noisy[0][0] - wanted) / len(x)
    assert torch.allclose(
        made.parameters.values["output.weight"][0], clean[0] - 0.1 * grad, atol=1e-6
    )
    assert not torch.equal(noisy[0], clean)


def test_weight_noise_of_a_single_weight_is_none_rather_than_nan():
    x, y = table()
    x = x[:, :1]
    assert np.isfinite(fit_linear(x, y, weight_noise=0.3, epochs=3).predict(x)).all()


@pytest.mark.parametrize(
    "knob", ["dropout", "input_dropout", "input_noise", "activation_noise", "weight_noise"]
)
def test_training_noise_is_drawn_again_the_same_for_a_seed(knob):
    def losses(value: float) -> list[float]:
        history = fit(seeds=[3], epochs=3, **{knob: value}).outcomes[0].history
        return [log.train_loss for log in history]

    assert losses(0.3) == losses(0.3) != losses(0.0)
