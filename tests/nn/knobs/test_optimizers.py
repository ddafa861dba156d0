"""Optimizers: each is torch's own for every member alone; decay goes past the gradient."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from nn_help import fit, plain, straight, table, trainer, weights_of
from podium.config.networks import Optimizer as Names
from podium.nn.knobs.optimizers import OPTIMIZERS, Optimizer
from podium.nn.parameters import FREE, WEIGHT

NAMES = get_args(Names)
# The second member's batch is filled up to the others' size.
ROWS = [np.arange(40), np.arange(35, 70), np.arange(80, 120)]
# Knobs of each optimizer other than the defaults, and torch's words for them.
CHANGED = {
    "sgd": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.7},
    "adagrad": {},
    "rmsprop": {"beta2": 0.9},
    "adam": {"momentum": 0.8, "beta2": 0.95},
    "adamw": {"momentum": 0.7, "beta2": 0.9},
}
THEIRS = {
    "sgd": lambda parts, rate: torch.optim.SGD(parts, lr=rate),
    "momentum": lambda parts, rate: torch.optim.SGD(parts, lr=rate, momentum=0.8),
    "nesterov": lambda parts, rate: torch.optim.SGD(parts, lr=rate, momentum=0.7, nesterov=True),
    "adagrad": lambda parts, rate: torch.optim.Adagrad(parts, lr=rate),
    "rmsprop": lambda parts, rate: torch.optim.RMSprop(parts, lr=rate, alpha=0.9),
    "adam": lambda parts, rate: torch.optim.Adam(parts, lr=rate, betas=(0.8, 0.95)),
    "adamw": lambda parts, rate: torch.optim.AdamW(
        parts, lr=rate, betas=(0.7, 0.9), weight_decay=0
    ),
}
RATE, DECAY, EPOCHS = 0.02, 0.5, 12


def test_every_name_has_an_optimizer_and_a_test():
    assert set(OPTIMIZERS) == set(NAMES) == set(THEIRS)


def plain_loop(start: dict, x: torch.Tensor, y: torch.Tensor, name: str, decay: float) -> dict:
    """One network trained as PyTorch's tutorials do it, all rows at once."""
    parts = {parameter: nn.Parameter(value.clone()) for parameter, value in start.items()}
    weights = [part for parameter, part in parts.items() if parameter.endswith("weight")]
    optimizer = THEIRS[name](list(parts.values()), RATE)
    for _ in range(EPOCHS):
        hidden = torch.tanh(x @ parts["hidden0.weight"] + parts["hidden0.bias"])
        out = hidden @ parts["output.weight"] + parts["output.bias"]
        optimizer.zero_grad()
        (out - y).square().mean().backward()
        with torch.no_grad():
            for weight in weights:
                weight.mul_(1 - RATE * decay)
        optimizer.step()
    return parts


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_each_member_ends_where_a_plain_loop_of_torch_does(name, decay):
    x, y = table()
    params = plain(
        hidden=[6],
        activation="tanh",
        optimizer=name,
        learning_rate=RATE,
        weight_decay=decay,
        epochs=EPOCHS,
        batch_size=40,
        standardize_target=False,
        **CHANGED[name],
    )
    made = trainer(params, x, y, ROWS)
    start = weights_of(made)
    while made.members:
        made.run_epoch()
    for member, rows in enumerate(ROWS):
        own = {parameter: value[member] for parameter, value in start.items()}
        given, wanted = torch.from_numpy(x[rows]), torch.from_numpy(y[rows])[:, None]
        expected = plain_loop(own, given, wanted, name, decay)
        for parameter, value in made.outcomes[member].state.items():
            assert torch.allclose(value, expected[parameter], atol=2e-4), parameter
        assert (made.outcomes[member].state["output.weight"] - own["output.weight"]).norm() > 0.02


def one_step(name: str, decay: float, unit: float = 1.0):
    """Weights before and after one step on targets of a unit."""
    x, y = table()
    params = straight(optimizer=name, weight_decay=decay, learning_rate=0.01, epochs=1)
    made = trainer(params, x, unit * y, ROWS)
    start = {kind: flat.clone() for kind, flat in made.parameters.flat.items()}
    made._set_schedules(0)
    made._train_step(made.orders.epoch(0)[0], 0)
    return start, made.parameters.flat


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_decay_is_decoupled_whatever_the_gradient(name, unit):
    """It takes rate times decay off the weights, no more and no less, and nothing off biases."""
    start, without = one_step(name, 0.0, unit)
    _, decayed = one_step(name, 5.0, unit)
    taken = without[WEIGHT] - decayed[WEIGHT]
    assert torch.allclose(taken, 0.05 * start[WEIGHT], atol=1e-6 * unit)
    assert start[WEIGHT].abs().max() > 1e-3
    assert torch.equal(without[FREE], decayed[FREE])


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_decay_shrinks_the_weights(name):
    def norm(decay: float) -> float:
        rate = 0.1 if name == "sgd" else 0.02
        knobs = {"optimizer": name, "weight_decay": decay, "learning_rate": rate}
        state = fit(epochs=40, **knobs).outcomes[0].state
        return sum(float(state[f"{part}.weight"].norm()) for part in ("hidden0", "output"))

    assert norm(0.0) > 1.05 * norm(0.1) > 1.1 * norm(1.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_every_optimizer_learns(name, loss):
    rate = 0.1 if name in ("sgd", "momentum", "nesterov", "adagrad") else 0.02
    history = fit(optimizer=name, loss=loss, learning_rate=rate).outcomes[0].history
    assert history[-1].train_loss < 0.3 * history[0].train_loss


def test_momentum_goes_on_where_the_gradient_is_the_same():
    """A constant pull: steps grow to 1 / (1 - momentum) of the first."""
    x, y = np.zeros((40, 1), np.float32), np.full(40, 1e3, np.float32)

    def last_step(**knobs) -> float:
        made = trainer(straight(loss="absolute", epochs=40, learning_rate=1.0, **knobs), x, y)
        places = [0.0]
        while made.members:
            made.run_epoch()
            places.append(float(made.parameters.values["output.bias"]))
        return places[-1] - places[-2]

    assert last_step(optimizer="sgd") == pytest.approx(1)
    assert last_step(optimizer="momentum", momentum=0.8) == pytest.approx(5, rel=0.01)
    assert last_step(optimizer="nesterov", momentum=0.5) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_that_is_loaded_goes_on_the_same(name):
    params = plain(optimizer=name)

    def steps(optimizer: Optimizer, parameters, count: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for _ in range(count):
            for grad in parameters.flat_grad.values():
                grad.copy_(torch.randn(grad.shape, generator=generator))
            optimizer.step([0.01], [0.1])

    with torch.no_grad():
        first = trainer(params).parameters
        each = [params] * first.members
        optimizer = Optimizer(first, each)
        steps(optimizer, first, 3, seed=0)
        second = trainer(params).parameters
        for kind, flat in first.flat.items():
            second.flat[kind].copy_(flat)
        other = Optimizer(second, each)
        other.load({name: value.clone() for name, value in optimizer.state().items()})
        steps(optimizer, first, 3, seed=1)
        steps(other, second, 3, seed=1)
    for kind in (WEIGHT, FREE):
        assert torch.equal(first.flat[kind], second.flat[kind])
