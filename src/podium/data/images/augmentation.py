"""Image augmentation: random changes that keep an image's class.

The hyperparameters are those of ``config.images.Augmentation``, all off by default. Each works on a
whole batch at once, gives the same result on CPU and CUDA, and has no state: the changes depend
only on the random numbers passed in.
"""

from torch import Tensor

from podium.config.images import Augmentation
from podium.data.images.appearance import Appearance, Erase
from podium.data.images.knobs import Random
from podium.data.images.warp import Warp


class Augmenter:
    """Changes each image of a batch at random; all images have one size.

    Order: geometry, then pixel values, then erased squares.
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
        """Whether no augmentation is turned on."""
        return not self.parts

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """Augmented images, shape (images, height, width, channels).

        Returns ``x`` itself if nothing is turned on; else writes to ``out`` if given (it may be
        ``x``, which saves an allocation), else to a new tensor. Not thread-safe: buffers are reused
        for the next batch.
        """
        if x.shape[1:] != self.shape:
            raise ValueError(f"images of shape {tuple(x.shape[1:])}, made for {self.shape}")
        for part in self.parts if len(x) else ():
            # After the first part, the images are the augmenter's own and can be overwritten.
            x = out = part(x, random, out)
        return x
