"""How bright a pixel is: contrast, brightness, noise, and squares that are blanked."""

import torch
from torch import Tensor

from podium.config.images import Augmentation
from podium.data.images.knobs import (
    BRIGHTNESS,
    CONTRAST,
    ERASE_CHANCE,
    ERASE_PLACE,
    PIXEL_NOISE,
    Random,
    around_zero,
    chosen,
)


class Appearance:
    """Contrast, brightness and noise of images, clamped to 0..1; another draw for each image."""

    def __init__(self, knobs: Augmentation) -> None:
        self.knobs = knobs
        self.is_off = not (knobs.contrast or knobs.brightness or knobs.pixel_noise)

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """The images as they look now, in ``out`` if given (it may be ``x``)."""
        knobs = self.knobs
        if knobs.contrast:
            distance = around_zero(random, knobs.contrast, 1, CONTRAST)[:, :, None, None]
            mean = x.mean(dim=(1, 2, 3), keepdim=True)
            # x + distance * (x - mean), and the brightness with what is added to all pixels.
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
        """What is added to all pixels of an image, shape (images, 1, 1, 1)."""
        return around_zero(random, self.knobs.brightness, 1, BRIGHTNESS)[:, :, None, None]


class Erase:
    """A square of zeros somewhere in each image (cutout, DeVries and Taylor 2017).

    The square is whole within the image, so that its area is the knob's, and with a probability
    below 1 some images stay as they are (random erasing, Zhong et al. 2020).
    """

    def __init__(self, knobs: Augmentation, height: int, width: int) -> None:
        self.probability = knobs.erase_probability
        shorter = min(height, width)
        self.side = min(max(round(knobs.erase * shorter), 1), shorter) if knobs.erase else 0
        self.height, self.width = height, width
        self.is_off = not self.side

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """The images, blanked in part, in ``out`` if given (it may be ``x``)."""
        # One purpose gives both places: columns of it are independent.
        place = random.uniform(2, ERASE_PLACE)
        rows = self._covered(place[:, 0], self.height)
        columns = self._covered(place[:, 1], self.width)
        if self.probability < 1.0:
            rows = rows * chosen(random, self.probability, ERASE_CHANCE)[:, None]
        kept = 1.0 - rows[:, :, None] * columns[:, None, :]
        return torch.mul(x, kept[:, :, :, None], out=out)

    def _covered(self, place: Tensor, side: int) -> Tensor:
        """Ones at the rows (or columns) that the square covers, shape (images, side)."""
        places = side - self.side + 1
        first = place.mul(places).floor_()[:, None]
        index = torch.arange(side, device=place.device)
        return ((index >= first) & (index < first + self.side)).float()
