"""Speed of the regularizers of images, on one thread, beside kornia's and a loop over images.

    python benchmarks/augmentation.py [--rounds 40] [--batch 128]

Batches of 28x28x1 and of 32x32x3. First each knob alone, then affine and elastic together: ours;
kornia's RandomAffine and RandomElasticTransform, if it is installed, with the same ranges and the
same smoothness; and what a data loader does with transforms of single images, Pillow's affine map
and scipy's elastic one. All draw from torch's or numpy's generators, so that the hashes of a
network's own draws are not in the numbers. Contestants take turns; times are the best of all
rounds, ratios the median of the rounds' own.
"""

import argparse
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from common import machine
from podium.config.images import Augmentation
from podium.data.images.augmentation import Augmenter
from rounds import alternate, spread

SHIFT, ROTATION, SCALE, SHEAR, ELASTIC, SMOOTHNESS = 0.1, 15.0, 0.15, 10.0, 0.04, 0.14
BOTH = Augmentation(shift=SHIFT, rotation=ROTATION, scale=SCALE, shear=SHEAR, elastic=ELASTIC)
KNOBS = {
    "shift": Augmentation(shift=SHIFT),
    "rotation": Augmentation(rotation=ROTATION),
    "scale": Augmentation(scale=SCALE),
    "shear": Augmentation(shear=SHEAR),
    "affine": Augmentation(shift=SHIFT, rotation=ROTATION, scale=SCALE, shear=SHEAR),
    "elastic": Augmentation(elastic=ELASTIC),
    "horizontal_flip": Augmentation(horizontal_flip=True),
    "vertical_flip": Augmentation(vertical_flip=True),
    "crop_padding": Augmentation(crop_padding=4),
    "flip and crop": Augmentation(horizontal_flip=True, crop_padding=4),
    "erase": Augmentation(erase=0.5),
    "pixel_noise": Augmentation(pixel_noise=0.1),
    "brightness": Augmentation(brightness=0.2),
    "contrast": Augmentation(contrast=0.2),
}
OURS, KORNIA, LOOP = "affine and elastic", "kornia", "image by image"
Contestant = Callable[[], Any]


class Torch:
    """Random numbers of torch's own generator."""

    def __init__(self, images: int) -> None:
        self.images = images

    def uniform(self, columns: int, purpose: int) -> Tensor:
        """In (0, 1)."""
        return torch.rand(self.images, columns)

    def normal(self, columns: int, purpose: int) -> Tensor:
        """Standard normal ones."""
        return torch.randn(self.images, columns)


def main() -> None:
    """Measure and print a table a shape."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}; one thread, batches of {options.batch}")
    for shape in ((28, 28, 1), (32, 32, 3)):
        measure(torch.rand(options.batch, *shape), options.rounds)


def measure(x: Tensor, rounds: int) -> None:
    contestants = {name: ours(x, knobs) for name, knobs in KNOBS.items()}
    contestants[OURS] = ours(x, BOTH)
    kornia = kornias(x)
    if kornia is None:
        print("kornia is not installed: measuring without it")
    else:
        contestants[KORNIA] = kornia
    contestants[LOOP] = loop(x)
    alternate(contestants, 3)
    times = alternate(contestants, rounds)
    print(f"\n{'x'.join(map(str, x.shape[1:])):<20}{'us/image':>10}{'images/s':>12}  time / ours")
    for name in contestants:
        seconds = min(times.seconds[name]) / len(x)
        ratio = spread(times.ratios(name, OURS)) if name in (KORNIA, LOOP) else ""
        print(f"{name:<20}{seconds * 1e6:>10.2f}{1 / seconds:>12,.0f}  {ratio}")


def ours(x: Tensor, knobs: Augmentation) -> Contestant:
    augmenter, random, out = Augmenter(knobs, *x.shape[1:]), Torch(len(x)), torch.empty_like(x)
    return lambda: augmenter(x, random, out)


def kornias(x: Tensor) -> Contestant | None:
    """Kornia's two, on planes as it wants them; None where it is not installed."""
    try:
        kornia = importlib.import_module("kornia.augmentation")
    except ImportError:
        return None
    side = x.shape[1]
    sigma = SMOOTHNESS * side
    # The Gaussian to three deviations; noise uniform in -1..1, in units of half a side.
    size = 2 * math.ceil(3 * sigma) + 1
    alpha = 2 * ELASTIC * math.sqrt(3) * 2 * math.sqrt(math.pi) * sigma
    both = torch.nn.Sequential(
        kornia.RandomAffine(
            degrees=ROTATION,
            translate=(SHIFT, SHIFT),
            scale=(1 / (1 + SCALE), 1 + SCALE),
            shear=SHEAR,
            p=1.0,
        ),
        kornia.RandomElasticTransform(
            kernel_size=(size, size), sigma=(sigma, sigma), alpha=(alpha, alpha), p=1.0
        ),
    )
    planes = x.permute(0, 3, 1, 2).contiguous()
    return lambda: both(planes)


def loop(x: Tensor) -> Contestant:
    """Transforms of one image after the other, as in a data loader, made a batch again."""
    images, rng = list(x.numpy()), np.random.default_rng(0)
    return lambda: torch.from_numpy(np.stack([transformed(image, rng) for image in images]))


def transformed(image: Any, rng: np.random.Generator) -> Any:
    """Pillow's affine map, then scipy's elastic one."""
    height, width = image.shape[:2]
    form = matrix(height, width, rng)
    affine = [warped(plane, form) for plane in np.moveaxis(image, 2, 0)]
    moves = [bend(rng, (height, width), height), bend(rng, (height, width), width)]
    places = np.indices((height, width), dtype=np.float32) + np.stack(moves)
    bent = [ndimage.map_coordinates(plane, places, order=1) for plane in affine]
    return np.stack(bent, axis=2)


def matrix(height: int, width: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Pillow's six numbers of a random affine map around the image's middle."""
    angle, lean = np.radians(rng.uniform(-1, 1, 2) * (ROTATION, SHEAR))
    factor = np.exp(rng.uniform(-1, 1) * np.log1p(SCALE))
    across, down = rng.uniform(-SHIFT, SHIFT, 2) * (width, height)
    sine, cosine = np.sin(angle) / factor, np.cos(angle) / factor
    form = np.array([[cosine, cosine * np.tan(lean) - sine], [sine, sine * np.tan(lean) + cosine]])
    middle = np.array([width / 2, height / 2])
    offset = middle - form @ (middle + (across, down))
    return (*form[0], offset[0], *form[1], offset[1])


def warped(plane: Any, form: tuple[float, ...]) -> Any:
    picture = Image.fromarray(plane)
    turned = picture.transform(
        picture.size, Image.Transform.AFFINE, form, Image.Resampling.BILINEAR
    )
    return np.asarray(turned)


def bend(rng: np.random.Generator, shape: tuple[int, int], side: int) -> Any:
    """An axis's displacements in pixels: noise at each pixel, smoothed."""
    sigma = SMOOTHNESS * side
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, sigma, mode="constant", truncate=3.0)
    return smooth * np.float32(ELASTIC * side * 2 * math.sqrt(math.pi) * sigma)


if __name__ == "__main__":
    main()
