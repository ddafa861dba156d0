"""Noise, independent per member: dropout, and Gaussian noise on inputs, activations and weights.

``purpose`` is part of the RNG key, so that each layer has its own random numbers.
"""

import torch
from torch import Tensor

from podium.nn.layers import Layer, Step
from podium.nn.parameters import WEIGHT, Parameters

# RNG purposes of weight noise: one per matrix, from here on.
WEIGHT_PURPOSE = 1024


class Dropout(Layer):
    """Inverted dropout (Srivastava et al. 2014; D2L 5.6), off at prediction."""

    def __init__(self, rate: float, purpose: int) -> None:
        self.rate, self.purpose = rate, purpose

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Drop units at random and scale the kept ones, so that the expectation is unchanged."""
        rate = self.rate * step.dropout_factor
        self.dropping = step.rng is not None and rate > 0
        if step.rng is None or not self.dropping:
            return x
        members, rows, features = x.shape
        self.mask = step.memory(self, "mask", x.shape, x.device)
        step.rng.keep(rate, (members, rows, features), self.purpose, step.number, self.mask)
        self.mask.mul_(1.0 / (1.0 - rate))
        return torch.mul(x, self.mask, out=step.memory(self, "out", x.shape, x.device))

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """Through the kept units only."""
        if not self.dropping:
            return grad
        return torch.mul(grad, self.mask, out=step.memory(self, "grad", grad.shape, grad.device))


class GaussianNoise(Layer):
    """Normal noise of standard deviation ``scale``, added to each number while training.

    Small noise on inputs acts like a ridge penalty (Bishop 1995; D2L 5.6).
    """

    def __init__(self, scale: float, purpose: int) -> None:
        self.scale, self.purpose = scale, purpose

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """``x`` plus noise."""
        if not step.training or step.rng is None:
            return x
        members, rows, features = x.shape
        noise = step.rng.normal((members, rows, features), self.purpose, step.number)
        return x + self.scale * noise

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradient unchanged: the noise doesn't depend on ``x``."""
        return grad


class WeightNoise:
    """Normal noise on all matrices during one step (Graves 2011).

    Its std is ``scale`` times each matrix's own std, so that one value fits every layer.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def add(self, parameters: Parameters, step: Step) -> None:
        """Add noise to the weights and keep a copy of the clean ones."""
        assert step.rng is not None
        self.clean = parameters.flat[WEIGHT].clone()
        matrices = [parameter for parameter in parameters.specs if parameter.kind == WEIGHT]
        for index, parameter in enumerate(matrices):
            matrix = parameters.values[parameter.name].view(
                parameters.members, parameter.shape[0], -1
            )
            members, rows, columns = matrix.shape
            shape = (members, rows, columns)
            noise = step.rng.normal(shape, WEIGHT_PURPOSE + index, step.number)
            std = matrix.std(dim=(1, 2), keepdim=True, correction=0)
            # Zeros stay zero: category embeddings are block-diagonal.
            matrix.add_(noise * std * (matrix != 0), alpha=self.scale)

    def remove(self, parameters: Parameters) -> None:
        """Restore the clean weights; the gradients remain those at the noisy weights."""
        parameters.flat[WEIGHT].copy_(self.clean)
