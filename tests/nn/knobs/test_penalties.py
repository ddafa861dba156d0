"""Penalties: their gradients, and the ridge, lasso and elastic net that they lead to."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso

from nn_help import CPU, coefficients, fit, fit_linear, plain
from podium.nn.knobs.inputs import Columns
from podium.nn.knobs.penalties import Penalty
from podium.nn.network import build_network
from podium.nn.parameters import FREE, WEIGHT, Parameters


def noisy() -> tuple[np.ndarray, np.ndarray]:
    """Two features that matter, eight that don't."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 10))
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    y = 2 * x[:, 0] - x[:, 1] + 0.5 * generator.normal(size=80)
    return x, (y - y.mean()).astype(np.float32)


def penalized(**knobs) -> np.ndarray:
    x, y = noisy()
    return coefficients(fit_linear(x, y, epochs=300, learning_rate=0.1, schedule="linear", **knobs))


def test_the_gradient_is_that_of_the_penalty_and_of_matrices_alone():
    network = build_network(plain(), Columns(3), 1)
    parameters = Parameters(network.parameters(), 2, CPU)
    parameters.draw([0, 1])
    for flat in parameters.flat_grad.values():
        flat.fill_(0.25)
    leaf = parameters.flat[WEIGHT].clone().requires_grad_()
    (0.3 / 2 * leaf.square().sum() + 0.7 * leaf.abs().sum()).backward()
    Penalty(l2=0.3, l1=0.7)(parameters)
    assert torch.allclose(parameters.flat_grad[WEIGHT], 0.25 + leaf.grad, atol=1e-6)
    assert (parameters.flat_grad[FREE] == 0.25).all()


def test_l2_is_ridge():
    x, y = noisy()
    ridge = np.linalg.solve(x.T @ x / len(x) + 0.5 / 2 * np.eye(10), x.T @ y / len(x))
    assert penalized(l2=0.5) == pytest.approx(ridge, abs=1e-3)


def test_l1_is_lasso_with_weights_at_zero():
    lasso = Lasso(alpha=0.3 / 2).fit(*noisy()).coef_
    fitted = penalized(l1=0.3)
    assert fitted == pytest.approx(lasso, abs=5e-3)
    assert np.abs(fitted[lasso == 0]).max() < 5e-3


def test_both_are_an_elastic_net():
    l1, l2 = 0.2, 0.4
    alpha = l1 / 2 + l2 / 2
    net = ElasticNet(alpha=alpha, l1_ratio=(l1 / 2) / alpha).fit(*noisy()).coef_
    assert penalized(l1=l1, l2=l2) == pytest.approx(net, abs=5e-3)


def test_l1_leaves_more_at_zero_than_an_elastic_net_and_that_more_than_l2():
    def zeros(**knobs) -> int:
        return int((np.abs(penalized(**knobs)) < 5e-3).sum())

    assert zeros(l1=0.3) > zeros(l1=0.1, l2=0.3) > zeros(l2=0.6)


@pytest.mark.parametrize("knob", ["l1", "l2"])
def test_the_more_penalty_the_smaller_the_weights_of_a_network(knob):
    def norm(strength: float) -> float:
        state = fit(epochs=40, **{knob: strength}).outcomes[0].state
        return sum(float(state[f"{name}.weight"].norm()) for name in ("hidden0", "output"))

    assert norm(0.0) > norm(0.01) > norm(0.1)


@pytest.mark.parametrize("knob", ["l1", "l2"])
def test_the_bias_is_free(knob):
    """However strong the penalty, the mean is still fitted."""
    x, y = noisy()
    fitted = fit_linear(x, y + 10, epochs=200, learning_rate=0.02, **{knob: 20.0})
    assert float(fitted.outcomes[0].state["output.bias"]) == pytest.approx(10, abs=0.3)
    # A subgradient step goes to and fro by rate times strength.
    assert np.abs(coefficients(fitted)).max() < 0.45
