"""Augmentation of pixel values: contrast, brightness, noise and erased squares."""

import torch
from torch import Tensor

from podium.config.images import Augmentation
from podium.data.images.knobs import (
    BRIGHTNESS,
    CONTRAST,
    ERASE_CHANCE,
    ERASE_POSITION,
    PIXEL_NOISE,
    Random,
    around_zero,
    chosen,
)


class Appearance:
    """Random contrast, brightness and noise for each image, clamped to 0..1."""

    def __init__(self, knobs: Augmentation) -> None:
        self.knobs = knobs
        self.is_off = not (knobs.contrast or knobs.brightness or knobs.pixel_noise)

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """The changed images, in ``out`` if given (it may be ``x``)."""
        knobs = self.knobs
        if knobs.contrast:
            distance = around_zero(random, knobs.contrast, 1, CONTRAST)[:, :, None, None]
            mean = x.mean(dim=(1, 2, 3), keepdim=True)
            # x + distance * (x - mean); brightness is another constant added to all pixels.
            added = mean.mul_(-distance)
            if knobs.brightness:
                added += self._brightness(random)
            x = out = torch.addcmul(added, x, distance + 1.0, out=out)
        elif knobs.brightness:
            x = out = torch.add(x, self._brightness(random), out=out)
        if knobs.pixel_noise:
            noise = random.normal(x.shape[1:].numel(), PIXEL_NOISE).view(x.shape)
            x = torch.add(x, noise, alpha=knobs.pixel_noise, out=out)
        return x.clamp_(0.0, 1.0)

    def _brightness(self, random: Random) -> Tensor:
        """The constant added to all pixels of an image, shape (images, 1, 1, 1)."""
        return around_zero(random, self.knobs.brightness, 1, BRIGHTNESS)[:, :, None, None]


class Erase:
    """A square of zeros at a random position in each image (cutout, DeVries and Taylor 2017).

    The square is entirely inside the image, so its area is exactly as configured. With a
    probability below 1 some images are unchanged (random erasing, Zhong et al. 2020).
    """

    def __init__(self, knobs: Augmentation, height: int, width: int) -> None:
        self.probability = knobs.erase_probability
        shorter = min(height, width)
        self.side = min(max(round(knobs.erase * shorter), 1), shorter) if knobs.erase else 0
        self.height, self.width = height, width
        self.is_off = not self.side

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """The images with erased squares, in ``out`` if given (it may be ``x``)."""
        # One purpose gives both coordinates: its columns are independent.
        position = random.uniform(2, ERASE_POSITION)
        rows = self._covered(position[:, 0], self.height)
        columns = self._covered(position[:, 1], self.width)
        if self.probability < 1.0:
            rows = rows * chosen(random, self.probability, ERASE_CHANCE)[:, None]
        kept = 1.0 - rows[:, :, None] * columns[:, None, :]
        return torch.mul(x, kept[:, :, :, None], out=out)

    def _covered(self, position: Tensor, side: int) -> Tensor:
        """Ones at the rows (or columns) that the square covers, shape (images, side)."""
        positions = side - self.side + 1
        first = position.mul(positions).floor_()[:, None]
        index = torch.arange(side, device=position.device)
        return ((index >= first) & (index < first + self.side)).float()
