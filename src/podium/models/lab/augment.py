"""Images as a network sees them while it trains, to look at."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from podium.config import ImageMLPParams
from podium.config.messages import explain
from podium.data.images.dataset import Moments
from podium.io.errors import PodiumError
from podium.models.image_inputs import ImageInputs
from podium.nn.callbacks import callbacks
from podium.nn.data import Member, Task
from podium.nn.layers import Step
from podium.nn.rng import Rng

CPU = torch.device("cpu")
Array = NDArray[np.float64]


def augmented(images: NDArray[np.uint8], seed: int = 0, **knobs: Any) -> Array:
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
    return augmented_with_labels(images, np.arange(len(images)) % 2, 2, seed, **knobs)[0]


def augmented_with_labels(
    images: NDArray[np.uint8], codes: NDArray[Any], classes: int, seed: int = 0, **knobs: Any
) -> tuple[Array, Array]:
    """The same, and the share of each class in the labels that go with them, shape (n, classes).

    ``codes`` are the images' classes, shape (n,).

    Raises:
        PodiumError: a knob is unknown or has a wrong value.
    """
    try:
        params = ImageMLPParams.model_validate(knobs)
    except ValidationError as error:
        raise PodiumError(f"augmented: {explain(error.errors()[0], ImageMLPParams)}") from None
    channels, rows = images.shape[-1], np.arange(len(images))
    unscaled = Moments(np.zeros(channels), np.ones(channels))
    inputs, step = ImageInputs(images, [unscaled], params), Step(True, views=Rng([seed], CPU))
    x = inputs.read(torch.from_numpy(rows)[None], torch.zeros(1).long(), step)
    member, task = Member(0, seed, rows, params=params), Task(True, classes)
    y = task.shares(codes.astype(np.int64))[None]
    for change in callbacks(task, [member], inputs.columns, CPU).on_batch:
        x, y = change(x, y, torch.tensor([len(rows)]), 0)
    shape = images.shape if channels > 1 else images.shape[:3]
    return x.clamp(0, 1).double().numpy().reshape(shape), y[0].double().numpy()
