"""Images as network inputs: gathered, augmented while training, standardized."""

import hashlib
import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.config.images import ImageNetworkParams
from podium.data.images.augmentation import Augmenter
from podium.data.images.dataset import ImageSplit, Moments
from podium.nn.data import Inputs
from podium.nn.knobs.inputs import Columns
from podium.nn.layers import Step
from podium.nn.rng import Rng

# RNG purposes of augmentation, from here on.
VIEWS = 4096
# Hyperparameters for the size of a change, which ``tta_strength`` multiplies at prediction.
SIZES = ("shift", "rotation", "scale", "shear", "elastic", "pixel_noise", "brightness", "contrast")


class ImageInputs(Inputs):
    """Images, shape (rows, height, width, channels), uint8; ``folds`` say how each scales them."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        folds: Sequence[ImageSplit | Moments],
        params: ImageNetworkParams,
    ) -> None:
        self.images, self.params = images, params
        shape = images.shape[1:]
        self.columns = Columns(int(np.prod(shape)), image=shape)
        # An augmenter reuses its buffers, so each thread has its own, one per strength.
        self.local = threading.local()
        self.means = torch.tensor(np.stack([fold.mean for fold in folds])).float()
        self.stds = torch.tensor(np.stack([fold.std for fold in folds])).float()
        self.kept: dict[torch.device, Tensor] = {}

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def read(self, rows: Tensor, tables: Tensor, step: Step) -> Tensor:
        """The images of rows, augmented if ``step.views`` is set, standardized for their fold.

        Shape (members, rows, height * width * channels).
        """
        members, count = rows.shape
        x = self._on(rows.device).index_select(0, rows.flatten()).float().mul_(1.0 / 255.0)
        if step.views is not None:
            strength = 1.0 if step.training else self.params.tta_strength
            x = self._augmenter(strength)(x, _Random(step.views, step.number, count), x)
        x = x.view(members, count, -1, self.means.shape[1])
        mean, std = (own.to(rows.device)[tables][:, None, None] for own in (self.means, self.stds))
        return x.sub_(mean).div_(std).view(members, count, -1)

    def _augmenter(self, strength: float) -> Augmenter:
        """This thread's augmenter of a given strength."""
        if not hasattr(self.local, "augmenters"):
            self.local.augmenters = {}
        own: dict[float, Augmenter] = self.local.augmenters
        if strength not in own:
            weaker = {knob: strength * getattr(self.params, knob) for knob in SIZES}
            knobs = self.params.model_copy(update=weaker)
            own[strength] = Augmenter(knobs, *self.images.shape[1:])
        return own[strength]

    def fingerprint(self) -> bytes:
        """A hash of all pixels, means and stds."""
        digest = hashlib.blake2b(np.ascontiguousarray(self.images).data, digest_size=32)
        digest.update(self.means.numpy().tobytes() + self.stds.numpy().tobytes())
        return digest.digest()

    def _on(self, device: torch.device) -> Tensor:
        """The images on a device, copied there once; on a CPU they stay memory-mapped."""
        if device not in self.kept:
            # torch needs a writable array, although nothing writes to it.
            images = np.require(self.images, requirements=["C", "W"])
            self.kept[device] = torch.from_numpy(images).to(device)
        return self.kept[device]


class _Random:
    """Random numbers for a step's images, separate for each member."""

    def __init__(self, rng: Rng, step: int, rows: int) -> None:
        self.rng, self.step, self.rows = rng, step, rows

    def uniform(self, columns: int, purpose: int) -> Tensor:
        """Numbers in (0, 1), shape (images, columns)."""
        shape = (len(self.rng.seeds), self.rows, columns)
        return self.rng.uniform(shape, VIEWS + purpose, self.step).flatten(0, 1)

    def normal(self, columns: int, purpose: int) -> Tensor:
        """Standard normal numbers, shape (images, columns)."""
        shape = (len(self.rng.seeds), self.rows, columns)
        return self.rng.normal(shape, VIEWS + purpose, self.step).flatten(0, 1)
