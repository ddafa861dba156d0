"""Batch and layer normalization, against torch's own for each member."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nn_help import bound, check_gradients, fit, normal, plain, table, trainer, training
from podium.io.errors import PodiumError
from podium.nn.knobs.normalization import EPSILON, BatchNorm, LayerNorm, normalization
from podium.nn.layers import Step

X = 3 * normal(2, 12, 5) + torch.arange(5.0)


def shaken(layer: LayerNorm):
    """Its parameters, with a scale and a shift that do something."""
    parameters = bound(layer)
    parameters.values["n.scale"].copy_(1 + normal(2, 1, 5, seed=3))
    parameters.values["n.shift"].copy_(normal(2, 1, 5, seed=4))
    return parameters


def test_none_is_no_layer():
    assert normalization("none", "n", 5) == []


def test_layer_norm_is_that_of_torch_row_by_row():
    layer = LayerNorm("n", 5)
    parameters = shaken(layer)
    for step in (training(), Step()):
        out = layer.forward(X, step)
        for member in range(2):
            scale, shift = (
                parameters.values["n.scale"][member, 0],
                parameters.values["n.shift"][member, 0],
            )
            expected = functional.layer_norm(X[member], (5,), scale, shift, EPSILON)
            assert torch.allclose(out[member], expected, atol=1e-5)


def test_a_row_of_layer_norm_does_not_see_the_others():
    layer = LayerNorm("n", 5)
    shaken(layer)
    assert torch.allclose(
        layer.forward(X, training())[:, 3:4], layer.forward(X[:, 3:4], training()), atol=1e-6
    )


def test_batch_norm_is_that_of_torch_with_the_batchs_statistics():
    layer = BatchNorm("n", 5)
    parameters = shaken(layer)
    out = layer.forward(X, training())
    for member in range(2):
        expected = functional.batch_norm(
            X[member],
            None,
            None,
            parameters.values["n.scale"][member, 0],
            parameters.values["n.shift"][member, 0],
            training=True,
            eps=EPSILON,
        )
        assert torch.allclose(out[member], expected, atol=1e-5)


def test_rows_that_only_fill_up_are_no_part_of_the_statistics():
    real = torch.ones(2, 12, 1)
    real[1, 9:] = 0
    spoilt = X.clone()
    spoilt[1, 9:] = 1e4
    layer = BatchNorm("n", 5)
    parameters = shaken(layer)
    out = layer.forward(spoilt, training(real=real))
    running = parameters.values["n.mean"][1].clone(), parameters.values["n.variance"][1].clone()
    parameters = shaken(layer)
    short = layer.forward(X[:, :9], training())
    assert torch.allclose(out[1, :9], short[1], atol=1e-5)
    assert torch.allclose(running[0], parameters.values["n.mean"][1], atol=1e-5)
    assert torch.allclose(running[1], parameters.values["n.variance"][1], atol=1e-4)


def test_running_statistics_near_those_of_the_batches():
    layer = BatchNorm("n", 5)
    parameters = shaken(layer)
    mean, variance = X.mean(1, keepdim=True), X.var(1, keepdim=True)
    layer.forward(X, training())
    assert torch.allclose(parameters.values["n.mean"], 0.1 * mean, atol=1e-5)
    assert torch.allclose(parameters.values["n.variance"], 0.9 + 0.1 * variance, atol=1e-4)
    for _ in range(100):
        layer.forward(X, training())
    assert torch.allclose(parameters.values["n.mean"], mean, atol=1e-2)
    assert torch.allclose(parameters.values["n.variance"], variance, rtol=1e-2)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("padded", [False, True])
def test_running_statistics_are_those_of_torch(members, padded):
    layer = BatchNorm("n", 5)
    parameters = bound(layer, members)
    theirs = [torch.nn.BatchNorm1d(5) for _ in range(members)]
    real = None
    if padded:
        real = torch.ones(members, 12, 1)
        real[-1, 9:] = 0
    for batch in range(3):
        x = X[:members] + batch
        layer.forward(x, training(members, real=real))
        for member, module in enumerate(theirs):
            module(x[member, : 9 if padded and member == members - 1 else 12])
    for member, module in enumerate(theirs):
        for ours, running in (("mean", module.running_mean), ("variance", module.running_var)):
            assert torch.allclose(parameters.values[f"n.{ours}"][member, 0], running, rtol=1e-5)


def test_a_batch_of_one_row_is_an_error():
    x, y = table(rows=61)
    knobs = {"epochs": 1, "normalization": "batch", "batch_size": 2}
    assert fit(x[:60], y[:60], **knobs).outcomes
    with pytest.raises(PodiumError, match="needs 2 rows in every batch, and one has 1: raise batc"):
        fit(x, y, **knobs)
    with pytest.raises(PodiumError, match="one has 1"):
        fit(x, y, rows=[[3]], epochs=1, normalization="batch", skip=True)
    assert fit(x, y, epochs=1, batch_size=1, normalization="layer").outcomes


def test_prediction_uses_running_statistics_and_leaves_them():
    layer = BatchNorm("n", 5)
    parameters = shaken(layer)
    parameters.values["n.mean"].copy_(normal(2, 1, 5, seed=5))
    parameters.values["n.variance"].fill_(4.0)
    out = layer.forward(X, Step())
    expected = (X - parameters.values["n.mean"]) / (4 + EPSILON) ** 0.5
    expected = expected * parameters.values["n.scale"] + parameters.values["n.shift"]
    assert torch.allclose(out, expected, atol=1e-5)
    assert (parameters.values["n.variance"] == 4).all()
    assert torch.allclose(out[:, :1], layer.forward(X[:, :1], Step()), atol=1e-6)


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_gradients(kind, double):
    layer = normalization(kind, "n", 5)[0]
    real = torch.ones(2, 12, 1)
    real[1, 9:] = 0
    check_gradients(layer, shaken(layer), X.double(), training(real=real))


def test_a_training_with_batch_norm_predicts_as_it_trained():
    """After training, a whole batch with its own statistics and with the running ones is alike."""
    x, y = table()
    # Rows differ by member and don't deal evenly: batches are filled up.
    rows = [np.arange(120), np.arange(113)]
    made = trainer(plain(normalization="batch", batch_size=50, epochs=40), x, y, rows)
    while made.epoch < 39:
        made.run_epoch()
    assert made.orders.real is not None
    given = torch.from_numpy(x).expand(2, -1, -1)
    running = {name: value.clone() for name, value in made.parameters.values.items()}
    predicted = made.network.forward(given, Step())
    trained = made.network.forward(given, training())
    for name, value in running.items():
        made.parameters.values[name].copy_(value)
    assert (predicted - trained).abs().mean() < 0.1
    assert float((running["hidden0.norm.mean"]).abs().mean()) > 0.01


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_with_normalization_the_inputs_unit_hardly_matters(kind):
    x, y = table()

    def change(normalization: str) -> float:
        """Of the training loss, when inputs are a hundred times as large."""
        losses = [
            fit(unit * x, y, epochs=10, normalization=normalization).outcomes[0].history[-1]
            for unit in (1, 100)
        ]
        return abs(losses[1].train_loss / losses[0].train_loss - 1)

    assert change(kind) < 0.15
    assert change("none") > 1


def test_a_matrix_before_batch_norm_has_no_bias():
    """Its gradient would be rounding alone, which Adam would blow up to whole steps."""
    x, y = table()
    knobs = {"normalization": "batch", "epochs": 10}
    together = fit(x, y, rows=[np.arange(120)] * 5, seeds=range(5), **knobs)
    alone = fit(x, y, seeds=[3], **knobs)
    assert "hidden0.bias" not in alone.outcomes[0].state
    assert "hidden0.bias" in fit(x, y, epochs=1, normalization="layer").outcomes[0].state
    assert alone.predict(x)[0] == pytest.approx(together.predict(x)[3], abs=1e-4)
