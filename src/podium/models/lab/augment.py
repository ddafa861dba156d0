"""Images as a network sees them while it trains, to look at."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from podium.config import ImageMLPParams
from podium.config.messages import explain
from podium.data.images.dataset import Moments
from podium.io.errors import PodiumError
from podium.models.image_inputs import ImageInputs
from podium.nn.knobs.mixing import CutMix, Mixup
from podium.nn.layers import Step
from podium.nn.rng import Rng

CPU = torch.device("cpu")


def augmented(images: NDArray[np.uint8], seed: int = 0, **knobs: Any) -> NDArray[np.float64]:
    """Images after one draw of random changes: black is 0, white is 1.

    Args:
        images: shape (n, height, width, channels).
        seed: another one draws other changes.
        knobs: of docs/images.md, such as ``rotation=15``; ``mixup`` and ``cutmix`` mix each image
            with the next one, the last with the first.

    Returns:
        Shape (n, height, width), with three channels (n, height, width, 3).

    Raises:
        PodiumError: a knob is unknown or has a wrong value.
    """
    try:
        params = ImageMLPParams.model_validate(knobs)
    except ValidationError as error:
        raise PodiumError(f"augmented: {explain(error.errors()[0], ImageMLPParams)}") from None
    channels = images.shape[-1]
    unscaled = Moments(np.zeros(channels), np.ones(channels))
    rows = torch.arange(len(images))[None]
    step = Step(training=True, views=Rng([seed], CPU))
    pixels = ImageInputs(images, [unscaled], params).read(rows, torch.zeros(1).long(), step)
    shape = images.shape if channels > 1 else images.shape[:3]
    changed = _mixed(pixels, params, seed, images.shape[1:])
    return changed.clamp(0, 1).double().numpy().reshape(shape)


def _mixed(x: Tensor, params: ImageMLPParams, seed: int, image: tuple[int, ...]) -> Tensor:
    """Rows mixed with the next one, shape (1, n, numbers); their targets don't matter here."""
    y, counts = torch.zeros(1, x.shape[1], 1), torch.tensor([x.shape[1]])
    if params.mixup:
        x, _ = Mixup([params.mixup], [seed])(x, y, counts, 0)
    if params.cutmix:
        height, width, channels = image
        cut = CutMix([params.cutmix], [seed], (height, width, channels))
        x, _ = cut(x, y, counts, 0)
    return x
