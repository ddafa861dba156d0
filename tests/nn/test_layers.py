"""Layers forward and back: each against autograd, whole networks against differences."""

import pytest
import torch
from torch import Tensor

from nn_help import CPU, bound, check_gradients, normal, plain, straight, training
from podium.nn.knobs.activations import Activation
from podium.nn.knobs.inputs import Columns
from podium.nn.knobs.noise import Dropout
from podium.nn.layers import Chain, Linear, Skip, Step, Traced, product
from podium.nn.network import build_network
from podium.nn.parameters import RUNNING, WEIGHT, Parameter, Parameters
from podium.nn.rng import Rng

pytestmark = pytest.mark.usefixtures("one_thread")

COLUMNS = Columns(4, 1, (3, 2))
MEMBERS, ROWS = 2, 6


def random(inputs: int, outputs: int):
    return lambda generator: torch.randn(inputs, outputs, generator=generator)


def linear(inputs: int = 4, outputs: int = 3, name: str = "linear") -> Linear:
    return Linear(name, inputs, outputs, random(inputs, outputs))


def inputs() -> Tensor:
    """Numbers, a flag and one-hot levels."""
    x = normal(MEMBERS, ROWS, COLUMNS.total)
    for start, end in ((5, 8), (8, 10)):
        level = torch.arange(ROWS) % (end - start)
        x[:, :, start:end] = torch.eye(end - start)[level]
    return x


def shaken(params, columns: Columns = COLUMNS, members: int = MEMBERS):
    """A network and its parameters, every trained number moved away from where it starts."""
    network = build_network(params, columns, 2)
    parameters = Parameters(network.parameters(), members, CPU)
    parameters.draw(range(members))
    network.bind(parameters.values, parameters.grads)
    for number, parameter in enumerate(parameters.specs):
        if parameter.kind != RUNNING:
            parameters.values[parameter.name] += 0.3 * normal(
                *parameters.values[parameter.name].shape, seed=number
            )
    return network, parameters


def test_a_matrix_and_a_bias_for_each_member():
    layer = linear()
    parameters = bound(layer)
    parameters.values["linear.bias"].copy_(normal(2, 1, 3, seed=5))
    x = normal(2, 7, 4)
    out = layer.forward(x, training())
    for member in range(2):
        own = {name: value[member] for name, value in parameters.values.items()}
        expected = x[member] @ own["linear.weight"] + own["linear.bias"]
        assert torch.allclose(out[member], expected, atol=1e-6)


def test_the_products_of_the_backward_pass(double):
    layer = linear()
    check_gradients(layer, bound(layer), normal(2, 7, 4), training())


def test_a_first_layer_leaves_the_inputs_gradient_out():
    layer = linear()
    bound(layer)
    layer.first()
    step, grad = training(), normal(2, 7, 3)
    layer.forward(normal(2, 7, 4), step)
    assert layer.backward(grad, step) is grad
    assert not any(name == "grad" for _, name, _ in step.buffers)


def test_memory_is_used_again_while_training_and_fresh_at_prediction():
    layer = linear()
    bound(layer)
    x = normal(2, 7, 4)
    step = training()
    assert layer.forward(x, step).data_ptr() == layer.forward(x, step).data_ptr()
    # One description serves all parts of a prediction.
    still = Step()
    first = layer.forward(x, still)
    clean = first.clone()
    layer.forward(2 * x, still)
    assert torch.equal(first, clean)


def test_memory_follows_the_size_of_the_batch():
    layer = linear()
    bound(layer)
    step = training()
    assert layer.forward(normal(2, 7, 4), step).shape == (2, 7, 3)
    assert layer.forward(normal(2, 5, 4), step).shape == (2, 5, 3)


def test_a_short_type_is_near_the_long_one():
    a, b = normal(2, 30, 20), normal(2, 20, 10, seed=1)
    exact = product(a, b, torch.empty(2, 30, 10))
    short = product(a.bfloat16(), b.bfloat16(), torch.empty(2, 30, 10))
    assert short.dtype == torch.float32
    assert 0 < (short - exact).abs().max() < 0.02 * exact.abs().max()


def test_a_skip_around_nothing_is_the_identity():
    skip = Skip(Chain([linear(4, 4), Activation("tanh", 4)]), None)
    parameters = bound(skip)
    parameters.flat[WEIGHT].zero_()
    x = normal(2, 7, 4)
    assert torch.equal(skip.forward(x, training()), x)


def test_a_skip_of_another_width_goes_through_a_matrix():
    network = build_network(plain(hidden=[6, 6, 3], skip=True), Columns(5), 1)
    shapes = {
        parameter.name: parameter.shape
        for parameter in network.parameters()
        if ".skip.weight" in parameter.name
    }
    assert shapes == {"hidden0.skip.weight": (5, 6), "hidden2.skip.weight": (6, 3)}
    parameters = bound(network)
    for name, value in parameters.values.items():
        if name.endswith("weight") and ".skip" not in name:
            value.zero_()
    x = normal(2, 7, 5)
    path = parameters.values["hidden0.skip.weight"] @ parameters.values["hidden2.skip.weight"]
    block = x
    for layer in network.layers[:-1]:
        block = layer.forward(block, training())
    assert torch.allclose(block, x @ path, atol=1e-5)


@pytest.mark.parametrize("widths", [(4, 4), (4, 3)])
def test_both_paths_of_a_skip_have_gradients(widths, double):
    inner = Chain([linear(*widths), Activation("tanh", widths[1])])
    skip = Skip(inner, linear(*widths, name="skip") if widths[0] != widths[1] else None)
    check_gradients(skip, bound(skip), normal(2, 7, 4), training())


@pytest.mark.parametrize(
    "knobs",
    [
        {"hidden": []},
        {"hidden": [8, 4]},
        {"hidden": [8, 4], "skip": True, "activation": "prelu"},
        {"hidden": [8, 4], "numeric_embedding": "periodic", "embedding_size": 3},
        {"hidden": [8, 4], "numeric_embedding": "piecewise_linear", "bins": 7},
    ],
)
def test_a_row_is_held_as_input_encoding_and_twice_a_hidden_layer(knobs):
    """And each number of the network is used once a row."""
    network = build_network(plain(**knobs), Columns(5, 2, (3,)), 2)
    encoded = {"none": 0, "periodic": 3 * 3 + 3, "piecewise_linear": 7 + 4}
    own = encoded[knobs.get("numeric_embedding", "none")]
    assert network.row_size == 10 + 5 * own + 2 * sum(knobs["hidden"])
    assert network.row_work == sum(parameter.size for parameter in network.parameters())
    assert not network.fills_a_core


class Squared(Traced):
    """A traced layer: a factor and a running number that isn't trained."""

    def parameters(self):
        return [
            Parameter("factor", (1, 4), WEIGHT, random(1, 4)),
            Parameter("shift", (1, 4), RUNNING, random(1, 4)),
        ]

    def compute(self, x, values, step):
        self.traces = torch.is_grad_enabled()
        return (x * values["factor"] + values["shift"]).square()


def test_what_torch_derives(double):
    layer = Squared()
    check_gradients(layer, bound(layer), normal(2, 7, 4), training())


@pytest.mark.parametrize("is_training", [True, False])
def test_only_training_records(is_training):
    layer = Squared()
    bound(layer)
    with torch.no_grad():
        out = layer.forward(normal(2, 7, 4), Step(training=is_training))
    assert layer.traces is is_training
    assert not out.requires_grad


def test_nothing_goes_back_below_the_first_trained_layer():
    class Lowest(Dropout):
        def backward(self, grad, step):
            raise AssertionError("not wanted")

    chain = Chain([Lowest(0.5, 1), linear(4, 3, "a"), linear(3, 2, "b")])
    parameters = bound(chain)
    chain.first()
    step = training()
    chain.forward(normal(2, 7, 4), step)
    chain.backward(normal(2, 7, 2), step)
    assert all(grad.abs().sum() > 0 for grad in parameters.grads.values())


SMOOTH = {"activation": "gelu", "hidden": [5, 5, 3]}
NETWORKS = {
    "plain": {},
    "prelu": {"activation": "prelu"},
    "all noise": {
        "dropout": [0.3, 0.0, 0.5],
        "input_dropout": 0.2,
        "input_noise": 0.3,
        "activation_noise": 0.3,
    },
    "batch, skip, periodic, dropout": {
        "normalization": "batch",
        "skip": True,
        "numeric_embedding": "periodic",
        "embedding_size": 3,
        "dropout": 0.3,
    },
    "layer, skip, both embeddings": {
        "normalization": "layer",
        "skip": True,
        "numeric_embedding": "piecewise_linear",
        "embedding_size": 3,
        "bins": 4,
        "category_embedding": 2,
    },
    "everything before the first matrix": {
        "standardize_inputs": True,
        "smooth_clip": 2.0,
        "numeric_embedding": "periodic",
        "category_embedding": 2,
        "input_scale": True,
        "input_dropout": 0.2,
    },
    "all of RealMLP": {
        "parametrization": "ntk",
        "parametric_activation": True,
        "robust_scale": True,
        "smooth_clip": 3.0,
        "numeric_embedding": "periodic_bias",
        "embedding_size": 2,
        "skip": True,
    },
    "scaled inputs alone": {"input_scale": True, "smooth_clip": 2.0, "standardize_inputs": True},
}


@pytest.mark.parametrize("knobs", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("filled", [False, True])
def test_whole_networks_against_differences(knobs, filled, double):
    network, parameters = shaken(plain(**{**SMOOTH, **knobs}))
    x = inputs()
    for member in range(MEMBERS):
        network.fit(member, x[member], torch.ones(ROWS))
    real = None
    if filled:
        real = torch.ones(MEMBERS, ROWS, 1)
        real[1, -1] = 0.0
    if "category_embedding" in knobs:
        # Only blocks are trained; one-hot levels find nothing elsewhere.
        parameters.values["categories.weight"].mul_(
            torch.block_diag(torch.ones(3, 2), torch.ones(2, 2))
        )
        check = _only_blocks(parameters)
    else:
        check = parameters
    check_gradients(network, check, x, training(real=real, number=3))


def _only_blocks(parameters: Parameters) -> Parameters:
    """Without the embedding's matrix, whose gradient is masked (it has its own test)."""
    parameters.grads = {
        name: grad for name, grad in parameters.grads.items() if name != "categories.weight"
    }
    return parameters


def test_a_linear_model_against_differences(double):
    network, parameters = shaken(straight(input_dropout=0.2, input_noise=0.1))
    check_gradients(network, parameters, inputs(), training(number=3))


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_rows_that_only_fill_up_change_no_gradient(normalization):
    """With the filling rows' numbers at 50 or at -50, and no gradient from them."""
    params = plain(normalization=normalization, hidden=[5, 4], activation="gelu", skip=True)
    real = torch.ones(MEMBERS, ROWS, 1)
    real[:, 4:] = 0.0
    grads = []
    for filling in (50.0, -50.0):
        network, parameters = shaken(params)
        x = inputs()
        x[:, 4:] = filling
        step = training(real=real)
        out = network.forward(x, step)
        network.backward(out * real, step)
        grads.append({name: grad.clone() for name, grad in parameters.grads.items()})
    for name, grad in grads[0].items():
        assert torch.allclose(grad, grads[1][name], atol=1e-5), name


@pytest.mark.parametrize("knobs", NETWORKS.values(), ids=NETWORKS)
def test_prediction_is_the_same_twice_and_row_by_row(knobs):
    network, _ = shaken(plain(**{**SMOOTH, **knobs}))
    x = inputs()
    network.fit(0, x[0], torch.ones(ROWS))
    network.fit(1, x[1], torch.ones(ROWS))
    out = network.forward(x, Step())
    assert torch.equal(out, network.forward(x, Step()))
    assert torch.allclose(out[:, 2:3], network.forward(x[:, 2:3], Step()), atol=1e-6)


def test_draws_without_training_drop_units_and_add_no_noise():
    """Monte-Carlo dropout."""
    network, _ = shaken(plain(dropout=0.5))
    x = inputs()
    step = Step(rng=Rng(range(MEMBERS), CPU), number=1)
    assert not torch.equal(network.forward(x, step), network.forward(x, Step()))
    noisy, _ = shaken(plain(activation_noise=0.5, input_noise=0.5))
    assert torch.equal(noisy.forward(x, step), noisy.forward(x, Step()))


def test_slots_that_are_off_are_not_there():
    names = {parameter.name for parameter in build_network(plain(), Columns(3), 1).parameters()}
    assert names == {"hidden0.weight", "hidden0.bias", "output.weight", "output.bias"}
