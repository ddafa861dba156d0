"""What the regularizers of images share: knobs, random numbers and their purposes, memory.

Images have shape (images, height, width, channels), float32 in 0..1, contiguous.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Augmentation:
    """The knobs; the defaults turn everything off."""

    # Of the side; up to it in both directions, along each axis on its own.
    shift: float = 0.0
    # Degrees, up to it in both directions.
    rotation: float = 0.0
    # Sizes from 1 / (1 + scale) to 1 + scale of what they were, their logarithm uniform.
    scale: float = 0.0
    # Degrees, up to it in both directions: how far vertical lines lean.
    shear: float = 0.0
    # The standard deviation of a pixel's displacement along each axis, of the side.
    elastic: float = 0.0
    # The deviation of the Gaussian that smooths the displacements, of the side: 4 of 28 pixels.
    elastic_smoothness: float = 0.14
    horizontal_flip: bool = False
    vertical_flip: bool = False
    # Whole pixels, up to it in both directions along each axis; what comes in is zero.
    crop_padding: int = 0
    # The side of the square that is blanked, of the shorter side.
    erase: float = 0.0
    erase_probability: float = 1.0
    # The standard deviation of what is added to each number.
    pixel_noise: float = 0.0
    # Added to an image, up to it in both directions.
    brightness: float = 0.0
    # An image's distance from its mean is multiplied by 1 - contrast to 1 + contrast.
    contrast: float = 0.0


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
