"""Gradient clipping: a bound on each member's own norm."""

import numpy as np
import pytest
import torch

from nn_help import CPU, fit, plain, straight, table, trainer, weights_of
from podium.nn.knobs.clipping import clip_gradients
from podium.nn.knobs.inputs import Columns
from podium.nn.network import build_network
from podium.nn.parameters import Parameters

HALVES = [np.arange(60), np.arange(60, 120)]


def store_of(sizes: list[float]) -> Parameters:
    """Gradients of each member with the given norm over all its parameters."""
    network = build_network(plain(), Columns(3), 1)
    parameters = Parameters(network.parameters(), len(sizes), CPU)
    for number, grad in enumerate(parameters.grads.values()):
        grad.copy_(torch.randn(grad.shape, generator=torch.Generator().manual_seed(number)))
    for member, size in enumerate(sizes):
        norm = norms(parameters)[member]
        for grad in parameters.grads.values():
            grad[member] *= size / norm
    return parameters


def norms(parameters: Parameters) -> torch.Tensor:
    return sum(grad.flatten(1).square().sum(1) for grad in parameters.grads.values()).sqrt()


def test_a_longer_gradient_is_cut_to_the_bound_and_a_shorter_one_left():
    parameters = store_of([0.5, 2.0, 1000.0, 0.0])
    clean = {name: grad.clone() for name, grad in parameters.grads.items()}
    clip_gradients(2.5, parameters)
    assert norms(parameters).tolist() == pytest.approx([0.5, 2.0, 2.5, 0.0], rel=1e-5)
    for name, grad in parameters.grads.items():
        assert torch.equal(grad[:2], clean[name][:2])
        assert torch.allclose(grad[2], clean[name][2] * 2.5 / 1000, rtol=1e-4)


def test_a_bound_for_each_member_is_that_of_torch():
    parameters = store_of([3.0, 7.0])
    single = [torch.nn.Parameter(value[1].clone()) for value in parameters.values.values()]
    for part, grad in zip(single, parameters.grads.values(), strict=True):
        part.grad = grad[1].clone()
    torch.nn.utils.clip_grad_norm_(single, 1.5)
    clip_gradients(1.5, parameters)
    for part, grad in zip(single, parameters.grads.values(), strict=True):
        assert torch.allclose(grad[1], part.grad, rtol=1e-4)


def step_lengths(clip: float | None, outlier: float) -> list[float]:
    """How far each member goes in one step; the second has an outlier among its rows."""
    x, y = table()
    y[100] = outlier
    made = trainer(straight(gradient_clip=clip, learning_rate=0.1, epochs=1), x, y, HALVES)
    before = weights_of(made)
    made._set_schedules(0)
    made._train_step(made.orders.epoch(0)[0], 0)
    after = made.parameters.values
    moved = [(after[name] - value).flatten(1).square().sum(1) for name, value in before.items()]
    return torch.stack(moved).sum(0).sqrt().tolist()


def test_clipping_bounds_a_members_step_and_leaves_its_neighbour_alone():
    free, clipped = step_lengths(None, 1e4), step_lengths(5.0, 1e4)
    assert free[1] > 10
    assert clipped[1] == pytest.approx(0.1 * 5.0, rel=1e-4)
    assert clipped[0] == free[0] == step_lengths(5.0, 0.0)[0]


def test_the_penalty_is_clipped_too():
    x, y = table()
    made = trainer(straight(gradient_clip=0.01, l2=1e6, learning_rate=1.0, epochs=1), x, y)
    before = weights_of(made)["output.weight"]
    made._set_schedules(0)
    made._train_step(made.orders.epoch(0)[0], 0)
    assert 0.005 < (made.parameters.values["output.weight"] - before).norm() < 0.0101


def test_clipping_keeps_a_wild_rate_from_diverging():
    knobs = {"optimizer": "sgd", "learning_rate": 1.0, "members": 2, "epochs": 5}
    x, y = table()
    free = fit(100 * x, y, rows=HALVES, gradient_clip=0.1, **knobs)
    assert not free.diverged
    losses = [outcome.history[-1].train_loss for outcome in free.outcomes]
    assert max(losses) < 1e6
