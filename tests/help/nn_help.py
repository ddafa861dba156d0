"""Shared by the tests of networks: a small table, short fits, and checks of gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from podium.config import LinearParams, MLPParams, NetworkParams
from podium.nn import Columns, FittedMembers, fit_members
from podium.nn.data import Data, Member, Task
from podium.nn.layers import Layer, Step
from podium.nn.parameters import Parameters
from podium.nn.rng import Rng
from podium.nn.trainer import Trainer

ROWS, FEATURES = 120, 5
CPU = torch.device("cpu")
ALL_ROWS = np.arange(ROWS)
# A plain network: every knob that can be off is off, whatever the defaults are.
PLAIN: dict[str, Any] = {
    "hidden": [16],
    "epochs": 30,
    "batch_size": 40,
    "optimizer": "adam",
    "learning_rate": 0.02,
    "schedule": "constant",
    "loss": "squared",
    "weight_decay": 0.0,
    "averaging": "none",
    "early_stopping": None,
    "standardize_target": True,
    "activation": "silu",
    "initialization": "he",
    "zero_last": False,
    "normalization": "none",
    "skip": False,
    "dropout": 0.0,
    "standardize_inputs": False,
    "input_margin": None,
    "smooth_clip": None,
    "input_scale": False,
    "numeric_embedding": "none",
    "category_embedding": None,
    "device": "cpu",
}
# A linear model by plain gradient descent.
LINEAR: dict[str, Any] = {
    "epochs": 50,
    "batch_size": 10_000,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "constant",
    "loss": "squared",
    "standardize_target": False,
    "device": "cpu",
}


def table(rows: int = ROWS, features: int = FEATURES, noise: float = 0.1, seed: int = 0):
    """Inputs and a target that depends on the first two of them."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, features)).astype(np.float32)
    y = np.sin(x[:, 0]) + x[:, 1] + noise * generator.normal(size=rows)
    return x, y.astype(np.float32)


def plain(**knobs: Any) -> MLPParams:
    return MLPParams(**{**PLAIN, **knobs})


def straight(**knobs: Any) -> LinearParams:
    return LinearParams(**{**LINEAR, **knobs})


def fit(x=None, y=None, members: int = 1, rows: Sequence | None = None, **knobs: Any):
    """Networks of ``plain(**knobs)`` on the table, or on the given one."""
    return _fit(plain, x, y, members, rows, knobs)


def fit_linear(x=None, y=None, members: int = 1, rows: Sequence | None = None, **knobs: Any):
    """Linear models of ``straight(**knobs)``."""
    return _fit(straight, x, y, members, rows, knobs)


def _fit(make: Callable, x, y, members: int, rows: Sequence | None, knobs) -> FittedMembers:
    if x is None:
        x, y = table()
    own = rows if rows is not None else [np.arange(len(x))] * members
    names = ("seeds", "classes", "columns", "sample_weight", "valid_rows_per_member")
    given = {name: knobs.pop(name) for name in names if name in knobs}
    seeds = given.pop("seeds", range(len(own)))
    return fit_members(x, y, own, make(**knobs), seeds=seeds, **given)


def coefficients(fitted: FittedMembers, member: int = 0) -> np.ndarray:
    """The matrix of a linear model with one output, as a vector."""
    return fitted.outcomes[member].state["output.weight"][:, 0].double().numpy()


def trainer(params: NetworkParams, x=None, y=None, rows: Sequence | None = None, **more: Any):
    """A trainer to look into: ``rows`` are each member's, its seed is its number."""
    if x is None:
        x, y = table()
    rows = [np.arange(len(x))] if rows is None else rows
    seeds, stop = more.get("seeds", range(len(rows))), more.get("stop", [()] * len(rows))
    members = [
        Member(
            index,
            seeds[index],
            np.asarray(own),
            stop=np.asarray(stop[index], dtype=np.int64),
            params=params,
        )
        for index, own in enumerate(rows)
    ]
    task = more.get("task", Task(False, 1))
    numbers = torch.from_numpy(np.asarray(y, dtype=np.float64)).view(len(y), -1)
    targets = task.shares(y) if task.classification else numbers
    columns = more.get("columns", Columns(x.shape[1]))
    return Trainer(Data(x, targets, columns, task), members, CPU)


def weights_of(trainer: Trainer) -> dict[str, Tensor]:
    """A copy of all current numbers by parameter."""
    return {name: value.clone() for name, value in trainer.parameters.values.items()}


def bound(layer: Layer, members: int = 2) -> Parameters:
    """The layer's parameters for some members, drawn and bound."""
    parameters = Parameters(layer.parameters(), members, CPU)
    parameters.draw(range(members))
    layer.bind(parameters.values, parameters.grads)
    return parameters


def training(members: int = 2, **more: Any) -> Step:
    """A training step's description."""
    return Step(training=True, rng=Rng(range(members), CPU), **more)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers of the default type."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def check_gradients(
    layer: Layer, parameters: Parameters, x: Tensor, step: Step, tolerance: float = 1e-6
):
    """Compare every trained parameter's and the input's gradient with central differences.

    Wants float64. Along a random direction for all members at once, each member's own change
    against its own gradient: so a gradient that leaks between members is seen too.
    """
    out = layer.forward(x, step)
    pull = normal(*out.shape, seed=1)
    below = layer.backward(pull.clone(), step).clone()
    grads = {name: grad.clone() for name, grad in parameters.grads.items()}

    def change(target: Tensor, direction: Tensor) -> Tensor:
        sums, clean, small = [], target.clone(), 1e-6
        for sign in (1, -1):
            target.copy_(clean + sign * small * direction)
            sums.append((layer.forward(x, step) * pull).flatten(1).sum(1))
        target.copy_(clean)
        return (sums[0] - sums[1]) / (2 * small)

    def compare(target: Tensor, grad: Tensor, name: str) -> None:
        direction = normal(*target.shape, seed=2)
        ours, theirs = (grad * direction).flatten(1).sum(1), change(target, direction)
        assert torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance), name

    for name, grad in grads.items():
        assert grad.abs().sum() > 0, f"{name} has no gradient at all"
        compare(parameters.values[name], grad, name)
    if layer.wants_input_grad:
        compare(x, below, "input")
