"""Optimizers (``optimizer``) and decoupled weight decay, on the flat tensors.

The steps are PyTorch's fused ones: one pass over weights, gradients and moments.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from podium.config import NetworkParams
from podium.nn.parameters import FREE, WEIGHT, Parameters

TRAINED = (WEIGHT, FREE)


def _sgd(**arguments: Any) -> dict[str, Any]:
    return {"cls": torch.optim.SGD, "fused": True, **arguments}


# Each optimizer's class and arguments. D2L chapter 12 covers all but Nesterov's and AdamW.
OPTIMIZERS: dict[str, Callable[[NetworkParams], dict[str, Any]]] = {
    # Robbins and Monro 1951.
    "sgd": lambda params: _sgd(),
    # Polyak 1964.
    "momentum": lambda params: _sgd(momentum=params.momentum),
    # Nesterov 1983; Sutskever et al. 2013.
    "nesterov": lambda params: _sgd(momentum=params.momentum, nesterov=True),
    # Duchi et al. 2011.
    "adagrad": lambda params: {"cls": torch.optim.Adagrad, "fused": True},
    # Tieleman and Hinton 2012.
    "rmsprop": lambda params: {"cls": torch.optim.RMSprop, "alpha": params.beta2},
    # Kingma and Ba 2015.
    "adam": lambda params: _adam(torch.optim.Adam, params),
    # Loshchilov and Hutter 2019.
    "adamw": lambda params: _adam(torch.optim.AdamW, params),
}


def _adam(cls: type[torch.optim.Optimizer], params: NetworkParams) -> dict[str, Any]:
    return {"cls": cls, "fused": True, "betas": (params.momentum, params.beta2)}


class Optimizer:
    """Steps of all members at once; weight decay acts on matrices only.

    ``weight_decay`` is decoupled for every optimizer: in each step weights shrink by rate times
    decay, separately from the gradient (Loshchilov and Hutter 2019).
    """

    def __init__(self, parameters: Parameters, params: NetworkParams) -> None:
        self.params = params
        self.decays_inside = params.optimizer == "adamw"
        groups = []
        for kind in TRAINED:
            flat = nn.Parameter(parameters.flat[kind])
            flat.grad = parameters.flat_grad[kind]
            groups.append({"params": [flat], "weight_decay": 0.0})
        arguments = OPTIMIZERS[params.optimizer](params)
        self.inner: Any = arguments.pop("cls")(groups, lr=params.learning_rate, **arguments)

    def step(self, rate: float, decay: float) -> None:
        """One step with this learning rate and weight decay."""
        weights, free = self.inner.param_groups
        weights["lr"] = free["lr"] = rate
        if self.decays_inside:
            weights["weight_decay"] = decay
        elif decay:
            weights["params"][0].data.mul_(1.0 - rate * decay)
        self.inner.step()

    def state(self) -> dict[str, Tensor]:
        """All moments and step counts, by name."""
        return {
            f"{kind}.{name}": value
            for kind, flat in zip(TRAINED, self._flats(), strict=True)
            for name, value in self.inner.state[flat].items()
            if isinstance(value, Tensor)
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Continue from ``state()``."""
        for kind, flat in zip(TRAINED, self._flats(), strict=True):
            own = {
                name.removeprefix(f"{kind}."): value
                for name, value in state.items()
                if name.startswith(f"{kind}.")
            }
            self.inner.state[flat] = own

    def _flats(self) -> list[Tensor]:
        return [group["params"][0] for group in self.inner.param_groups]


def selected(state: dict[str, Tensor], parameters: Parameters, keep: Tensor) -> dict[str, Tensor]:
    """An optimizer's state for some members only; step counts are shared by all members."""
    return {
        name: parameters.select(value, name.split(".")[0], keep) if value.dim() else value
        for name, value in state.items()
    }
