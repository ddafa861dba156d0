"""Noise, independent per member: dropout, and Gaussian noise on inputs, activations and weights.

``purpose`` is part of the RNG key, so that each layer has its own random numbers.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.nn.layers import Layer, Step
from podium.nn.own import Rates, Value
from podium.nn.parameters import WEIGHT, Parameters
from podium.nn.rng import Threshold, threshold

# RNG purposes of weight noise: one per matrix, from here on.
WEIGHT_PURPOSE = 1024


class Dropout(Layer):
    """Inverted dropout (Srivastava et al. 2014; D2L 5.6), off at prediction.

    ``rate``: of all members, or each one's, shape (members,).
    """

    def __init__(self, rate: Rates, purpose: int) -> None:
        self.rate, self.purpose = rate, purpose
        self.drawn: tuple[NDArray[np.float64], Threshold, Value] | None = None

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Drop units at random and scale the kept ones, so that the expectation is unchanged."""
        rate = self.rate * step.dropout_factor
        self.dropping = step.rng is not None and _any_above_0(rate)
        if step.rng is None or not self.dropping:
            return x
        members, rows, features = x.shape
        self.mask = step.memory(self, "mask", x.shape, x.device)
        threshold, scale = self._numbers(rate, x.device)
        step.rng.keep(threshold, (members, rows, features), self.purpose, step.number, self.mask)
        self.mask.mul_(scale)
        return torch.mul(x, self.mask, out=step.memory(self, "out", x.shape, x.device))

    def _numbers(self, rate: Rates, device: torch.device) -> tuple[Threshold, Value]:
        """The threshold of random bits, and what kept units are multiplied by."""
        if not isinstance(rate, np.ndarray):
            return threshold(rate, device), 1.0 / (1.0 - rate)
        if self.drawn is None or not np.array_equal(self.drawn[0], rate):
            scale = torch.from_numpy(1.0 / (1.0 - rate)).float().to(device)[:, None, None]
            self.drawn = (rate, threshold(rate, device), scale)
        return self.drawn[1:]

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """Through the kept units only."""
        if not self.dropping:
            return grad
        return torch.mul(grad, self.mask, out=step.memory(self, "grad", grad.shape, grad.device))


def _any_above_0(rate: Rates) -> bool:
    return bool(rate.any()) if isinstance(rate, np.ndarray) else rate > 0


class GaussianNoise(Layer):
    """Normal noise of standard deviation ``scale``, added to each number while training.

    Small noise on inputs acts like a ridge penalty (Bishop 1995; D2L 5.6).
    """

    def __init__(self, scale: Rates, purpose: int) -> None:
        self.scale, self.purpose = scale, purpose

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """``x`` plus noise."""
        if not step.training or step.rng is None:
            return x
        members, rows, features = x.shape
        noise = step.rng.normal((members, rows, features), self.purpose, step.number)
        return x + self._scale(noise) * noise

    def _scale(self, like: Tensor) -> Value:
        if isinstance(self.scale, np.ndarray):
            return torch.from_numpy(self.scale).to(like)[:, None, None]
        return self.scale

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradient unchanged: the noise doesn't depend on ``x``."""
        return grad


class WeightNoise:
    """Normal noise on all matrices during one step (Graves 2011).

    Its std is ``scale`` times each matrix's own std, so that one value fits every layer.
    """

    def __init__(self, scale: Value) -> None:
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
            noise = noise * std * (matrix != 0)
            if isinstance(self.scale, Tensor):
                matrix.add_(noise.mul_(self.scale))
            else:
                matrix.add_(noise, alpha=self.scale)

    def remove(self, parameters: Parameters) -> None:
        """Restore the clean weights; the gradients remain those at the noisy weights."""
        parameters.flat[WEIGHT].copy_(self.clean)
