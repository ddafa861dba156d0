"""What the regularizers of images share: random numbers and their purposes, and memory.

Images have shape (images, height, width, channels), float32 in 0..1, contiguous.
"""

from typing import Protocol

import torch
from torch import Tensor

# What random numbers are drawn for: one knob turned on leaves the draws of the others as they are.
(
    SHIFT,
    ROTATION,
    SCALE,
    SHEAR,
    ELASTIC,
    HORIZONTAL_FLIP,
    VERTICAL_FLIP,
    CROP,
    ERASE_PLACE,
    ERASE_CHANCE,
    PIXEL_NOISE,
    BRIGHTNESS,
    CONTRAST,
) = range(13)


class Random(Protocol):
    """Random numbers of a batch, the same ones each time it is asked for the same purpose."""

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
    """Whole numbers in 0..count - 1, shape (images, columns), dtype int64."""
    # The largest float32 below 1 times a whole number is below that number, rounded too.
    return random.uniform(columns, purpose).mul(count).long()


def chosen(random: Random, probability: float, purpose: int) -> Tensor:
    """Ones with the probability, else zeros, shape (images,)."""
    return (random.uniform(1, purpose)[:, 0] < probability).float()


class Memory:
    """Memory for what is needed on the way, kept from batch to batch.

    Handing large blocks back to the system and asking for them again costs more than the
    arithmetic on them. One buffer a name and device, as long as the largest batch; its zeros stay
    where nobody writes.
    """

    def __init__(self) -> None:
        self.buffers: dict[tuple[str, torch.device], Tensor] = {}

    def __call__(self, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """A block of the shape; for a name, only the first axis may differ between calls."""
        buffer = self.buffers.get((name, device))
        if buffer is None or len(buffer) < shape[0]:
            # What inference mode makes could not be written on outside of it.
            with torch.inference_mode(False):
                buffer = torch.zeros(shape, device=device)
            self.buffers[name, device] = buffer
        return buffer[: shape[0]]
