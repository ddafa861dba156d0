"""Regularizers of images: images that a class's images could have been.

The knobs are those of ``config.images.Augmentation``, all off by default. Each works on a whole
batch at once, the same on CPU and CUDA, and none has a state: an image's geometry and looks follow
from the random numbers that are handed in.
"""

from torch import Tensor

from podium.config.images import Augmentation
from podium.data.images.appearance import Appearance, Erase
from podium.data.images.knobs import Random
from podium.data.images.warp import Warp


class Augmenter:
    """Images, each changed in its own way, from images of one size.

    First where pixels come from, then how bright they are, then what is blanked.
    """

    def __init__(self, knobs: Augmentation, height: int, width: int, channels: int) -> None:
        self.shape = (height, width, channels)
        parts: list[Warp | Appearance | Erase] = [
            Warp(knobs, height, width),
            Appearance(knobs),
            Erase(knobs, height, width),
        ]
        self.parts = [part for part in parts if not part.is_off]

    @property
    def is_off(self) -> bool:
        """No knob changes an image."""
        return not self.parts

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """Changed images, shape (images, height, width, channels).

        With nothing to do they are ``x``, else in ``out`` if given, which may be ``x`` and saves
        the time of new memory, else in memory of their own. Not for two threads at a time: what is
        needed on the way is kept for the next batch.
        """
        if x.shape[1:] != self.shape:
            raise ValueError(f"images of shape {tuple(x.shape[1:])}, made for {self.shape}")
        for part in self.parts if len(x) else ():
            # From the second part on, the images are the augmenter's to write on.
            x = out = part(x, random, out)
        return x
