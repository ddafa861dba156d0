"""Resizing images."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from podium.data.images.raw import Pixels
from podium.io.errors import PodiumError
from podium.runtime.resources import cores

# The limit for all images together; more would leave no memory for a model.
MAX_BYTES = 16 * 1024**3


def resize(images: Pixels, size: Sequence[int] | None) -> Pixels:
    """Images (n, height, width, channels) at ``size`` = [height, width]; None: unchanged.

    The sides are scaled independently, with linear interpolation; when shrinking, every input pixel
    contributes (Pillow's ``BILINEAR``), so no detail is skipped.
    """
    if size is None or list(images.shape[1:3]) == list(size):
        return images
    height, width = size
    out = np.empty((len(images), height, width, images.shape[3]), dtype=np.uint8)

    def resize_one(row: int) -> None:
        out[row] = as_array(resized(as_image(images[row]), size))

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(resize_one, range(len(images))))
    return out


def check_memory(images: int, size: Sequence[int], channels: int) -> None:
    """Check the memory needed for all images before allocating it.

    Raises:
        PodiumError: the images need more than ``MAX_BYTES``.
    """
    needed = images * size[0] * size[1] * channels
    if needed > MAX_BYTES:
        raise PodiumError(
            f"{images} images of {size[0]} x {size[1]} pixels take "
            f"{needed / 1024**3:.0f} GiB of memory; set preprocess.size to a smaller one"
        )


def resized(image: Image.Image, size: Sequence[int]) -> Image.Image:
    """One image at [height, width]."""
    height, width = size
    return image.resize((width, height), Image.Resampling.BILINEAR)


def as_image(pixels: Pixels) -> Image.Image:
    """Pixels (height, width, channels) as Pillow's image."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def as_array(image: Image.Image) -> Pixels:
    """Pillow's image, grey or RGB, as pixels (height, width, channels)."""
    return np.asarray(image).reshape(image.height, image.width, -1)
