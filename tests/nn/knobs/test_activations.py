"""Activations: forward and back against torch's own."""

from typing import get_args

import pytest
import torch
from torch.nn import functional

from nn_help import bound, check_gradients, fit, normal, training
from podium.config.networks import Activation as Names
from podium.nn.knobs.activations import FUNCTIONS, PReLU, activation
from podium.nn.layers import Step

NAMES = get_args(Names)
# Away from 0, where some have no derivative.
X = torch.cat([normal(2, 20, 3), 5 * normal(2, 20, 3, seed=1)], dim=1)


def test_every_name_has_a_function():
    assert {*FUNCTIONS, "prelu"} == set(NAMES)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_forward_and_back_are_those_of_torch(name, double):
    layer, step = activation(name, "a", 3), training()
    x = X.double().requires_grad_()
    expected = getattr(functional, name)(x)
    given = x.detach().clone()
    out = layer.forward(given, step)
    assert torch.allclose(out, expected.detach(), atol=1e-12)
    grad = normal(*x.shape, seed=2)
    below = layer.backward(grad, step)
    assert torch.allclose(below, torch.autograd.grad(expected, x, grad)[0], atol=1e-12)
    assert torch.equal(given, x)


def test_prelu_is_that_of_torch_with_slopes_of_each_members_own():
    layer = PReLU("slope", 3)
    parameters = bound(layer)
    parameters.values["slope"].copy_(torch.tensor([[[0.1, 0.2, 0.3]], [[0.4, -0.5, 0.6]]]))
    out = layer.forward(X, Step())
    for member in range(2):
        expected = functional.prelu(X[member], parameters.values["slope"][member, 0])
        assert torch.allclose(out[member], expected, atol=1e-6)


def test_the_gradient_of_prelu(double):
    layer = PReLU("slope", 3)
    check_gradients(layer, bound(layer), X.double(), training())


def test_the_slopes_of_prelu_start_at_a_quarter_and_are_learnt():
    layer = PReLU("slope", 3)
    assert (bound(layer).values["slope"] == 0.25).all()
    state = fit(activation="prelu", hidden=[8]).outcomes[0].state
    assert (state["hidden0.activation.slope"] - 0.25).abs().mean() > 0.02


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_learns_what_a_straight_line_cannot(name):
    x = normal(100, 1).numpy()
    y = abs(x[:, 0])
    outcome = fit(x, y, activation=name, hidden=[24], epochs=60, learning_rate=0.03).outcomes[0]
    # A straight line's loss is the variance, 1.
    assert outcome.history[-1].train_loss < 0.15
