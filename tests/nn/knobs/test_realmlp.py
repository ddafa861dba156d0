"""RealMLP's tricks (Holzmüller et al. 2024), each against a few lines of its own."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nn_help import bound, check_gradients, fit, normal, plain, table, trainer, training, weights_of
from podium.config import MLPParams
from podium.config.auto import Shape
from podium.metrics import METRICS
from podium.nn import Columns, fit_members
from podium.nn.auto import SMOOTHING, without_auto
from podium.nn.knobs.activations import FUNCTIONS, Activation, activation
from podium.nn.knobs.inputs import PHASES, Parts, PeriodicBias
from podium.nn.knobs.optimizers import OPTIMIZERS
from podium.nn.knobs.scaling import RobustScale
from podium.nn.layers import Linear, Step
from podium.nn.network import build_network

STEPS = 10


def test_ntk_is_that_of_a_plain_loop():
    """Matrices of standard normal numbers, products over the root of the number of inputs."""
    x, y = table(40)
    y = (y - y.mean()) / y.std()
    knobs = {"hidden": [24], "batch_size": 40, "standardize_target": False, "learning_rate": 0.1}
    params = plain(parametrization="ntk", initialization="lecun", epochs=STEPS, **knobs)
    start = weights_of(trainer(params, x, y))
    assert float(start["hidden0.weight"].std()) == pytest.approx(1.0, abs=0.15)
    parts = {name: nn.Parameter(value[0].clone()) for name, value in start.items()}
    optimizer = torch.optim.Adam(parts.values(), lr=0.1)

    def forward() -> torch.Tensor:
        out = torch.from_numpy(x)
        for layer in ("hidden0", "output"):
            weight = parts[f"{layer}.weight"]
            out = out @ weight / math.sqrt(len(weight)) + parts[f"{layer}.bias"]
            out = functional.silu(out) if layer == "hidden0" else out
        return out[:, 0]

    for _ in range(STEPS):
        optimizer.zero_grad()
        (forward() - torch.from_numpy(y)).square().mean().backward()
        optimizer.step()
    fitted = fit_members(x, y, [np.arange(40)], params, seeds=[0])
    assert fitted.predict(x)[0, :, 0] == pytest.approx(forward().detach().numpy(), abs=1e-4)


def test_ntk_changes_how_weights_are_stored_and_not_where_a_network_starts():
    x, y = table()
    usual, ntk = (
        trainer(plain(parametrization=name, skip=True, hidden=[16, 8]), x, y)
        for name in ("standard", "ntk")
    )
    given = torch.from_numpy(x)[None]
    out = usual.network.forward(given, Step())
    assert torch.allclose(ntk.network.forward(given, Step()), out, atol=1e-5)
    assert weights_of(ntk)["hidden0.weight"].std() > 2 * weights_of(usual)["hidden0.weight"].std()


EVERY_ROLE = {
    "hidden": [8], "numeric_embedding": "periodic_bias", "input_scale": True,
    "parametric_activation": True,
}  # fmt: skip
ROLES = {
    "bias_rate": "hidden0.bias",
    "scale_rate": "input.scale",
    "embedding_rate": "periodic.weight",
    "activation_rate": "hidden0.activation.share",
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rates_of_their_own(optimizer):
    """A first step is as much longer as the rate is higher, decay included; others' are as long."""

    def step_of(**knobs) -> dict[str, torch.Tensor]:
        params = plain(
            **EVERY_ROLE, optimizer=optimizer, weight_decay=0.5, zero_last=False, **knobs
        )
        made = trainer(params)
        before = weights_of(made)
        made._set_schedules(0)
        made._train_step(made.orders.epoch(0)[0], 0)
        return {name: value - before[name] for name, value in weights_of(made).items()}

    usual = step_of()
    for knob, own in ROLES.items():
        changed = step_of(**{knob: 3.0})
        roles = {spec.name: spec.role for spec in trainer(plain(**EVERY_ROLE)).parameters.specs}
        for name, change in changed.items():
            factor = 3.0 if f"{roles[name]}_rate" == knob else 1.0
            assert torch.allclose(change, factor * usual[name], rtol=2e-3, atol=2e-6), (knob, name)
        assert roles[own] == knob.removesuffix("_rate")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_parametric_activation(name, double):
    x = normal(2, 20, 3).double()
    x += 0.3 * x.sign()
    layer = activation(name, "a", 3, parametric=True)
    parameters = bound(layer)
    assert torch.allclose(layer.forward(x, Step()), Activation(name, 3).forward(x, Step()))
    parameters.values["a.share"].copy_(torch.tensor([[[0.0, 0.5, 1.0]], [[0.2, -0.3, 1.5]]]))
    out, share = layer.forward(x, Step()), parameters.values["a.share"]
    expected = (1 - share) * x + share * Activation(name, 3).forward(x, Step())
    assert torch.allclose(out, expected)
    check_gradients(layer, parameters, x, training())


def test_shares_are_learnt():
    state = fit(hidden=[8], parametric_activation=True).outcomes[0].state
    assert (state["hidden0.activation.share"] - 1.0).abs().mean() > 0.02


def test_the_periodic_embedding_with_phases(double):
    layer = PeriodicBias("p", 3, 2, 0.5)
    parameters = bound(layer)
    x = normal(2, 7, 3).double()
    out = layer.forward(x, Step())
    values = {name.removeprefix("p."): value[1] for name, value in parameters.values.items()}
    assert out.shape == (2, 7, 3 * 3)
    assert torch.equal(out[:, :, :3], x)
    cosines = torch.cos(2 * math.pi * values["frequency"][1] * x[1, 4, 1] + values["phase"][1])
    vector = cosines @ values["weight"][1] + values["bias"][0, 1]
    assert cosines.shape == (PHASES,)
    assert torch.allclose(out[1, 4, 3 + 2 : 3 + 4], vector)
    assert values["phase"].abs().max() <= math.pi
    assert values["phase"].std() > 1
    check_gradients(layer, parameters, x, training())


def test_it_fits_a_wave():
    generator = np.random.default_rng(0)
    x = generator.uniform(-2, 2, size=(400, 1)).astype(np.float32)
    y = np.sin(6 * x[:, 0])
    knobs = {"hidden": [16], "epochs": 60}
    errors = [
        np.mean((fit(x, y, **knobs, **more).predict(x)[0, :, 0] - y) ** 2)
        for more in ({}, {"numeric_embedding": "periodic_bias", "frequency_scale": 0.5})
    ]
    assert errors[1] < 0.3 * errors[0]


def test_robust_scales_are_quartiles_of_each_members_rows():
    x, y = table(features=3)
    x[:, 1] = 0
    x[:7, 1] = 4.0
    x[:, 2] = 5.0
    x[5, 0] = 1e6
    rows = [np.arange(60), np.arange(40, 120)]
    fitted = fit(x, y, rows=rows, robust_scale=True, smooth_clip=3.0, epochs=1)
    for member, own in enumerate(rows):
        state = fitted.outcomes[member].state
        below, median, above = np.percentile(x[own, 0], [25, 50, 75])
        assert state["robust.median"][0, 0].item() == pytest.approx(median, abs=1e-5)
        assert state["robust.scale"][0, 0].item() == pytest.approx(1 / (above - below), rel=1e-4)
        assert state["robust.scale"][0, 2] == 0
    # Of a rare number half the range; of a column that is constant there nothing.
    assert [own.state["robust.scale"][0, 1].item() for own in fitted.outcomes] == [0.5, 0.0]


def test_rows_without_weight_have_no_part_in_it():
    layer = RobustScale("r", 1)
    parameters = bound(layer, members=1)
    rows = torch.arange(20.0)[:, None]
    layer.fit(0, rows, (rows[:, 0] < 9).float())
    assert parameters.values["r.median"].item() == 4
    assert parameters.values["r.scale"].item() == pytest.approx(1 / 4)


def test_predictions_are_clamped_to_the_members_training_targets():
    x, y = table()
    far = 5 * x
    rows = [np.arange(60), np.arange(30, 120)]
    # Of rows without weight nothing is learnt.
    weight = np.ones(len(y))
    weight[np.argmax(y[:60])] = 0.0
    knobs = {"rows": rows, "epochs": 15, "sample_weight": weight}
    free, kept = (fit(x, y, clamp_output=on, **knobs).predict(far)[..., 0] for on in (False, True))
    for member, own in enumerate(rows):
        low, high = y[own][weight[own] > 0].min(), y[own][weight[own] > 0].max()
        assert free[member].max() > high
        assert kept[member] == pytest.approx(np.clip(free[member], low, high), abs=1e-6)
    assert kept[0].max() < kept[1].max()


def test_clamped_outputs_of_several_targets_and_of_implicit_members():
    x, y = table()
    both = np.stack([y, -10 * y], axis=1)
    fitted = fit(5 * x, both, epochs=10, clamp_output=True, implicit_members=3)
    predicted = fitted.predict(50 * x)[0]
    for output in range(2):
        low, high = both[:, output].min(), both[:, output].max()
        assert low <= predicted[:, output].min() < predicted[:, output].max() <= high
    assert fitted.outcomes[0].target.shape == (4, 2)


@pytest.mark.parametrize(
    ("metric", "smoothing"),
    [("accuracy", SMOOTHING), ("auc", 0.0), ("logloss", 0.0), ("rmse", 0.0), (None, 0.0)],
)
def test_automatic_label_smoothing(metric, smoothing):
    shape = Shape(500, 5, 2, METRICS[metric] if metric else None)
    assert without_auto(MLPParams(label_smoothing="auto"), shape).label_smoothing == smoothing
    assert without_auto(MLPParams(), shape).label_smoothing == 0.0


@pytest.mark.parametrize("knobs", [{}, {"input_noise": 0.1}])
def test_columns_below_which_nothing_is_trained_get_no_gradient(knobs):
    """Flags and levels, beside embedded numbers; the numbers' gradients are the same."""
    columns = Columns(3, 2, (4,))
    grads = []
    for wanted in (True, False):
        params = plain(numeric_embedding="piecewise_linear", embedding_size=2, **knobs)
        network = build_network(params, columns, 1)
        (matrix,) = (
            layer.layers[0] for layer in network.layers if hasattr(layer, "layers")
        )  # fmt: skip
        assert isinstance(matrix, Linear)
        assert matrix.wanted_inputs == 9
        if not wanted:
            matrix.wanted_inputs = None
        parameters = bound(network)
        x = normal(2, 20, 9)
        for member in range(2):
            network.fit(member, x[member], torch.ones(20))
        step = training()
        network.backward(torch.ones_like(network.forward(x, step)), step)
        grads.append({name: grad.clone() for name, grad in parameters.grads.items()})
    for name, grad in grads[0].items():
        assert grad.abs().sum() > 0
        assert torch.allclose(grad, grads[1][name], atol=1e-6), name


@pytest.mark.parametrize(
    "knobs", [{"category_embedding": 2}, {"input_scale": True}, {"skip": True}, {"dropout": 0.0}]
)
def test_elsewhere_all_inputs_have_a_gradient(knobs):
    """Where something else is trained there, or nothing is."""
    embedding = "none" if "dropout" in knobs else "periodic"
    network = build_network(plain(numeric_embedding=embedding, **knobs), Columns(3, 2, (4,)), 1)
    for layer in network.layers:
        for own in getattr(layer, "layers", [layer]):
            if isinstance(own, Linear):
                assert own.wanted_inputs is None
    assert isinstance(network.layers[0], Parts) is (embedding != "none")


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"parametric_activation": True, "activation": "prelu"}, "with activation: prelu"),
        ({"activation_rate": 2.0}, "activation_rate does nothing without parametric_activation"),
        ({"scale_rate": 2.0}, "scale_rate does nothing without input_scale"),
        (
            {"embedding_rate": 2.0, "numeric_embedding": "none"},
            "embedding_rate does nothing without numeric_embedding or category_embedding",
        ),
        ({"parametric_activation": True, "hidden": []}, "does nothing without hidden layers"),
    ],
)
def test_what_does_not_go_together(knobs, words):
    with pytest.raises(ValueError, match=words):
        MLPParams(**knobs)
