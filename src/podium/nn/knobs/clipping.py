"""Gradient clipping (``gradient_clip``)."""

import torch

from podium.nn.own import Value
from podium.nn.parameters import Parameters


def clip_gradients(bound: Value, parameters: Parameters) -> None:
    """Scale each member's gradient down to norm ``bound`` if it is larger (Pascanu et al. 2013)."""
    grads = list(parameters.grads.values())
    squares = torch.stack([grad.flatten(1).square().sum(1) for grad in grads])
    own = bound.flatten() if isinstance(bound, torch.Tensor) else bound
    factor = (own / squares.sum(0).sqrt().clamp(min=1e-12)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(factor.view(-1, *[1] * (grad.dim() - 1)))
