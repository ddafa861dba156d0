"""Gradient clipping (knob ``gradient_clip``)."""

import torch

from podium.nn.store import Store


def clip_gradients(bound: float, store: Store) -> None:
    """Scale each member's gradient down to norm ``bound`` (Pascanu et al. 2013)."""
    grads = list(store.grads.values())
    squares = torch.stack([grad.flatten(1).square().sum(1) for grad in grads])
    factor = (bound / squares.sum(0).sqrt().clamp(min=1e-12)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(factor.view(-1, *[1] * (grad.dim() - 1)))
