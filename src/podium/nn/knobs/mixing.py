"""Training on mixtures of rows: ``mixup`` (Zhang et al. 2018) and ``cutmix`` (Yun et al. 2019)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from podium.nn.rng import generator

PURPOSE, CUT_PURPOSE = 3, 7


class Mixup:
    """Mixes each row with the next one of its member's batch; the weight is from Beta(a, a)."""

    def __init__(self, alphas: Sequence[float], seeds: Sequence[int]) -> None:
        self.alphas, self.seeds = list(alphas), list(seeds)

    def __call__(self, x: Tensor, y: Tensor, counts: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Mixed inputs and targets; ``counts`` has each member's real rows, shape (members,)."""
        drawn = [
            # A member that mixes nothing keeps its rows.
            generator(seed, PURPOSE, step).beta(alpha, alpha) if alpha else 1.0
            for alpha, seed in zip(self.alphas, self.seeds, strict=True)
        ]
        share = torch.tensor(drawn, dtype=x.dtype, device=x.device)[:, None, None]
        member = torch.arange(len(x), device=x.device)[:, None]
        # Rows come in random order, so the next row is a random partner.
        partner = (torch.arange(x.shape[1], device=x.device) + 1) % counts[:, None]
        return (
            share * x + (1.0 - share) * x[member, partner],
            share * y + (1.0 - share) * y[member, partner],
        )


class CutMix:
    """Pastes a box of the next image of its member's batch into each image; see ``cutmix``."""

    def __init__(
        self, alphas: Sequence[float], seeds: Sequence[int], image: tuple[int, int, int]
    ) -> None:
        self.alphas, self.seeds, self.image = list(alphas), list(seeds), image

    def __call__(self, x: Tensor, y: Tensor, counts: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Mixed inputs and targets; ``counts`` has each member's real rows, shape (members,)."""
        drawn = [generator(seed, CUT_PURPOSE, step) for seed in self.seeds]
        shares = [
            own.beta(alpha, alpha) if alpha else 1.0
            for alpha, own in zip(self.alphas, drawn, strict=True)
        ]
        kept = torch.tensor(shares).to(x)
        center = torch.tensor(np.stack([own.random(2) for own in drawn])).to(x)
        images = x.view(*x.shape[:2], *self.image)
        images, y = cutmix(images, y, counts, kept, center)
        return images.view(x.shape), y


def cutmix(
    x: Tensor, y: Tensor, counts: Tensor, kept: Tensor, center: Tensor
) -> tuple[Tensor, Tensor]:
    """Paste a box of the next image of the same group into each image (Yun et al. 2019).

    Args:
        x: images, shape (groups, rows, height, width, channels).
        y: targets, shape (groups, rows, outputs); mixed by the box's area inside the image.
        counts: each group's real rows, shape (groups,).
        kept: the share of the area outside the box, from Beta(a, a), shape (groups,).
        center: the box's centre (x, y) as shares of the sides, uniform, shape (groups, 2). Each
            group has one box; the part of it outside the image is cut off.
    """
    height, width = x.shape[2:4]
    side = (1.0 - kept).clamp(min=0.0).sqrt()
    columns = _covered(center[:, 0], side, width)
    rows = _covered(center[:, 1], side, height)
    box = rows[:, None, :, None, None] & columns[:, None, None, :, None]
    share = (rows.sum(1) * columns.sum(1) / (height * width)).to(y.dtype)[:, None, None]
    group = torch.arange(len(x), device=x.device)[:, None]
    # Rows come in random order, so the next row is a random partner.
    partner = (torch.arange(x.shape[1], device=x.device) + 1) % counts[:, None]
    return (
        torch.where(box, x[group, partner], x),
        torch.lerp(y, y[group, partner], share),
    )


def _covered(center: Tensor, share: Tensor, side: int) -> Tensor:
    """Which rows (or columns) the boxes cover, shape (groups, side)."""
    first = ((center - 0.5 * share) * side).round()[:, None]
    index = torch.arange(side, device=center.device)
    return (index >= first) & (index < first + (share * side).round()[:, None])
