"""Mixup (knob ``mixup``): training on points between rows (Zhang et al. 2018)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from podium.nn.draws import generator

PURPOSE = 3


class Mixup:
    """Convex pairs: each row with the next one of its member's batch, weights from Beta(a, a)."""

    def __init__(self, alpha: float, seeds: Sequence[int]) -> None:
        self.alpha, self.seeds = alpha, list(seeds)

    def __call__(self, x: Tensor, y: Tensor, counts: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Mixed inputs and targets; ``counts`` has each member's real rows, shape (members,)."""
        drawn = [generator(seed, PURPOSE, step).beta(self.alpha, self.alpha) for seed in self.seeds]
        share = torch.tensor(drawn, dtype=x.dtype, device=x.device)[:, None, None]
        member = torch.arange(len(x), device=x.device)[:, None]
        # Rows come in random order, so the next row is a random partner.
        partner = (torch.arange(x.shape[1], device=x.device) + 1) % counts[:, None]
        return (
            share * x + (1.0 - share) * x[member, partner],
            share * y + (1.0 - share) * y[member, partner],
        )
