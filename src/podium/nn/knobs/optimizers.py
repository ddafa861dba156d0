"""Optimizers (``optimizer``) and decoupled weight decay, on the flat tensors.

The steps are PyTorch's fused ones: one pass over weights, gradients and moments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from podium.config import NetworkParams
from podium.nn.own import runs
from podium.nn.parameters import FREE, WEIGHT, Parameters

TRAINED = (WEIGHT, FREE)
STEP = "step"
# torch's defaults.
ADAM_EPSILON, RMSPROP_EPSILON, ADAGRAD_EPSILON = 1e-8, 1e-8, 1e-10

_ops: Any = torch.ops.aten


@dataclass(frozen=True)
class Part:
    """The tensors of one kind that a run of members with equal hyperparameters has.

    One flat tensor if these are all members and all parameters of that kind, else a view of each
    parameter. ``moments`` have the same shapes, by name; ``steps`` is the count of steps, once for
    each tensor. ``factor``: times the learning rate.
    """

    params: NetworkParams
    decays: bool
    weights: list[Tensor]
    grads: list[Tensor]
    moments: dict[str, list[Tensor]]
    steps: list[Tensor]
    factor: float = 1.0


# A step of a part with a learning rate and, where the optimizer has it inside, a weight decay.
StepOf = Callable[[Part, float, float], None]


def _sgd(momentum: bool, nesterov: bool) -> StepOf:
    def step(part: Part, rate: float, decay: float) -> None:
        _ops._fused_sgd_(
            part.weights,
            part.grads,
            part.moments["momentum_buffer"] if momentum else [],
            weight_decay=0.0,
            momentum=part.params.momentum if momentum else 0.0,
            lr=rate,
            dampening=0.0,
            nesterov=nesterov,
            maximize=False,
            # Buffers start at 0, so the first step needs no case of its own.
            is_first_step=False,
        )

    return step


def _adagrad(part: Part, rate: float, decay: float) -> None:
    _ops._fused_adagrad_(
        part.weights,
        part.grads,
        part.moments["sum"],
        part.steps,
        lr=rate,
        lr_decay=0.0,
        weight_decay=0.0,
        eps=ADAGRAD_EPSILON,
        maximize=False,
    )


def _rmsprop(part: Part, rate: float, decay: float) -> None:
    share = part.params.beta2
    squares = part.moments["square_avg"]
    for weight, grad, square in zip(part.weights, part.grads, squares, strict=True):
        square.mul_(share).addcmul_(grad, grad, value=1.0 - share)
        weight.addcdiv_(grad, square.sqrt().add_(RMSPROP_EPSILON), value=-rate)


def _adam(decoupled: bool) -> StepOf:
    function = _ops._fused_adamw_ if decoupled else _ops._fused_adam_

    def step(part: Part, rate: float, decay: float) -> None:
        function(
            part.weights,
            part.grads,
            part.moments["exp_avg"],
            part.moments["exp_avg_sq"],
            [],
            part.steps,
            lr=rate,
            beta1=part.params.momentum,
            beta2=part.params.beta2,
            weight_decay=decay,
            eps=ADAM_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    return step


# Each optimizer's moments and step. D2L chapter 12 covers all but Nesterov's and AdamW.
OPTIMIZERS: dict[str, tuple[tuple[str, ...], StepOf]] = {
    # Robbins and Monro 1951.
    "sgd": ((), _sgd(momentum=False, nesterov=False)),
    # Polyak 1964.
    "momentum": (("momentum_buffer",), _sgd(momentum=True, nesterov=False)),
    # Nesterov 1983; Sutskever et al. 2013.
    "nesterov": (("momentum_buffer",), _sgd(momentum=True, nesterov=True)),
    # Duchi et al. 2011.
    "adagrad": (("sum",), _adagrad),
    # Tieleman and Hinton 2012.
    "rmsprop": (("square_avg",), _rmsprop),
    # Kingma and Ba 2015.
    "adam": (("exp_avg", "exp_avg_sq"), _adam(decoupled=False)),
    # Loshchilov and Hutter 2019.
    "adamw": (("exp_avg", "exp_avg_sq"), _adam(decoupled=True)),
}
# The one that decays weights in its own step.
DECAYS_INSIDE = "adamw"


class Optimizer:
    """Steps of all members at once; weight decay acts on matrices only.

    ``weight_decay`` is decoupled for every optimizer: in each step weights shrink by rate times
    decay, separately from the gradient (Loshchilov and Hutter 2019). ``params`` are those of each
    member; of neighbours with equal ones all is one call.
    """

    def __init__(self, parameters: Parameters, params: Sequence[NetworkParams]) -> None:
        self.parameters, self.name = parameters, params[0].optimizer
        names, self.step_of = OPTIMIZERS[self.name]
        self.count = torch.zeros((), device=parameters.device)
        self.moments = {
            kind: {name: torch.zeros_like(parameters.flat[kind]) for name in names}
            for kind in TRAINED
        }
        self._set_parts(params)

    def step(self, rates: Sequence[float], decays: Sequence[float]) -> None:
        """One step with the learning rate and the weight decay of each run of equal members."""
        self.count.add_(1.0)
        for parts, rate, decay in zip(self.parts, rates, decays, strict=True):
            for part in parts:
                inside, own = decay if part.decays else 0.0, rate * part.factor
                if inside and self.name != DECAYS_INSIDE:
                    for weight in part.weights:
                        weight.mul_(1.0 - own * decay)
                    inside = 0.0
                self.step_of(part, own, inside)

    def state(self) -> dict[str, Tensor]:
        """All moments and the count of steps, by name."""
        moments = {
            f"{kind}.{name}": value
            for kind, own in self.moments.items()
            for name, value in own.items()
        }
        return moments | {STEP: self.count}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from ``state()``."""
        for name, value in self.state().items():
            value.copy_(state[name])

    def _set_parts(self, params: Sequence[NetworkParams]) -> None:
        """The tensors that each run of equal members steps."""
        found = list(runs(params))
        self.parts = [
            [
                part
                for kind in TRAINED
                for part in self._parts_of(kind, own, places if len(found) > 1 else None)
            ]
            for own, places in found
        ]

    def _parts_of(self, kind: str, params: NetworkParams, places: slice | None) -> list[Part]:
        """One for each factor of the learning rate."""
        names: dict[float, list[str]] = {}
        for spec in self.parameters.specs:
            if spec.kind == kind:
                names.setdefault(_rate_of(params, spec.role), []).append(spec.name)
        if set(names) <= {1.0}:
            return [self._part(kind, params, places, None, 1.0)]
        return [self._part(kind, params, places, own, factor) for factor, own in names.items()]

    def _part(
        self,
        kind: str,
        params: NetworkParams,
        places: slice | None,
        names: Sequence[str] | None,
        factor: float,
    ) -> Part:
        """The parameters of ``names`` (all if None) of the members at ``places`` (all if None)."""
        parameters = self.parameters

        def of(flat: Tensor) -> list[Tensor]:
            if places is None and names is None:
                return [flat]
            views = parameters.views({kind: flat})
            own = views.values() if names is None else [views[name] for name in names]
            return [view if places is None else view[places] for view in own]

        weights = of(parameters.flat[kind])
        return Part(
            params,
            kind == WEIGHT,
            weights,
            of(parameters.flat_grad[kind]),
            {name: of(value) for name, value in self.moments[kind].items()},
            [self.count] * len(weights),
            factor,
        )


def selected(
    state: Mapping[str, Tensor], parameters: Parameters, keep: Tensor
) -> dict[str, Tensor]:
    """An optimizer's state for some members only; the count of steps is all members'."""
    return {
        name: parameters.select(value, name.split(".")[0], keep) if value.dim() else value
        for name, value in state.items()
    }


def _rate_of(params: NetworkParams, role: str) -> float:
    """What the learning rate of parameters in a role is multiplied by (``<role>_rate``)."""
    return float(getattr(params, f"{role}_rate", 1.0))
