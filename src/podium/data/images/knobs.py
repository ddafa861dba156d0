"""Shared by all image augmentation: random numbers with their purposes, and buffers.

Images have shape (images, height, width, channels), float32 in 0..1, contiguous.
"""

from typing import Protocol

import torch
from torch import Tensor

# Purposes of random numbers: turning one augmentation on doesn't change the numbers of the others.
(
    SHIFT,
    ROTATION,
    SCALE,
    SHEAR,
    ELASTIC,
    HORIZONTAL_FLIP,
    VERTICAL_FLIP,
    CROP,
    ERASE_POSITION,
    ERASE_CHANCE,
    PIXEL_NOISE,
    BRIGHTNESS,
    CONTRAST,
) = range(13)


class Random(Protocol):
    """Random numbers of a batch; the same purpose always returns the same numbers."""

    def uniform(self, columns: int, purpose: int) -> Tensor:
        """Numbers in (0, 1), shape (images, columns)."""
        ...

    def normal(self, columns: int, purpose: int) -> Tensor:
        """Standard normal numbers, shape (images, columns)."""
        ...


def around_zero(random: Random, reach: float, columns: int, purpose: int) -> Tensor:
    """Uniform numbers in -reach..reach, shape (images, columns)."""
    return random.uniform(columns, purpose).sub(0.5).mul_(2.0 * reach)


def whole(random: Random, count: int, columns: int, purpose: int) -> Tensor:
    """Integers in 0..count - 1, shape (images, columns), dtype int64."""
    # The largest float32 below 1, times ``count``, is below ``count`` even after rounding.
    return random.uniform(columns, purpose).mul(count).long()


def chosen(random: Random, probability: float, purpose: int) -> Tensor:
    """1 with the given probability, else 0, shape (images,)."""
    return (random.uniform(1, purpose)[:, 0] < probability).float()


class Memory:
    """Buffers for intermediate results, reused from batch to batch.

    Freeing and allocating large blocks costs more than the arithmetic on them. There is one buffer
    per name and device, as long as the largest batch; it starts as zeros, which remain wherever
    nothing is written.
    """

    def __init__(self) -> None:
        self.buffers: dict[tuple[str, torch.device], Tensor] = {}

    def __call__(self, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """A buffer of this shape; for one name, only the first axis may differ between calls."""
        buffer = self.buffers.get((name, device))
        if buffer is None or len(buffer) < shape[0]:
            # A tensor made in inference mode can't be written to outside of it.
            with torch.inference_mode(False):
                buffer = torch.zeros(shape, device=device)
            self.buffers[name, device] = buffer
        return buffer[: shape[0]]
