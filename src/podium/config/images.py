"""The knobs of networks on images: what changes an image while training, and the convolutions.

Sizes are shares of the image's side, so that a knob means the same for images of any size;
``docs/images.md`` says what each is for, and its source.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from podium.config.block import Block, Count, Fraction, NotNegative, Positive, Share
from podium.config.networks import (
    Activation,
    Averaging,
    LayeredParams,
    NetworkParams,
    Optimizer,
    Schedule,
)

# What changes an image at random; each is off at 0 or false.
RANDOM = (
    "shift", "rotation", "scale", "shear", "elastic", "horizontal_flip", "vertical_flip",
    "crop_padding", "erase", "pixel_noise", "brightness", "contrast",
)  # fmt: skip
# A knob that does nothing while another is off.
OF = {"elastic_smoothness": "elastic", "erase_probability": "erase"}
Degrees = Annotated[float, Field(ge=0, le=180)]


class Augmentation(Block):
    """What changes an image at random; the defaults change nothing."""

    # Of the side; up to it in both directions, along each axis on its own.
    shift: Share = 0.0
    # Degrees, up to it in both directions.
    rotation: Degrees = 0.0
    # Sizes from 1 / (1 + scale) to 1 + scale of what they were, their logarithm uniform.
    scale: NotNegative = 0.0
    # Degrees, up to it in both directions: how far vertical lines lean.
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    # The standard deviation of a pixel's displacement along each axis, of the side.
    elastic: Share = 0.0
    # The deviation of the Gaussian that smooths the displacements, of the side: 4 of 28 pixels.
    elastic_smoothness: Annotated[float, Field(gt=0, le=1)] = 0.14
    horizontal_flip: bool = False
    vertical_flip: bool = False
    # Whole pixels, up to it in both directions along each axis; what comes in is zero.
    crop_padding: int = Field(0, ge=0)
    # The side of the square that is blanked, of the shorter side.
    erase: Share = 0.0
    erase_probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    # The standard deviation of what is added to each number.
    pixel_noise: NotNegative = 0.0
    # Added to an image, up to it in both directions.
    brightness: NotNegative = 0.0
    # An image's distance from its mean is multiplied by 1 - contrast to 1 + contrast.
    contrast: Share = 0.0

    @property
    def augments(self) -> bool:
        """Whether images are changed at random."""
        return any(getattr(self, knob) for knob in RANDOM)

    @model_validator(mode="after")
    def _something_to_shape(self) -> Self:
        for knob, other in OF.items():
            if self.is_set(knob) and not getattr(self, other):
                raise ValueError(f"{knob} does nothing without {other}")
        return self


class ImageNetworkParams(Augmentation, NetworkParams):
    """A network on images, which sees each a little differently every time."""

    # Boxes of one image pasted into another.
    cutmix: NotNegative = 0.0
    # At prediction: the mean over so many changed copies beside the image itself, and how far they
    # are changed, as a share of what training does.
    tta: int = Field(0, ge=0)
    tta_strength: Annotated[float, Field(gt=0, le=1)] = 0.5

    @property
    def cutmix_strength(self) -> float:
        """``cutmix``."""
        return self.cutmix

    @property
    def changed_copies(self) -> int:
        """``tta``."""
        return self.tta

    @model_validator(mode="after")
    def _something_to_change(self) -> Self:
        if self.is_set("tta_strength") and not self.tta:
            raise ValueError("tta_strength does nothing without tta")
        if self.tta and not self.augments:
            raise ValueError(f"tta does nothing without one of {', '.join(RANDOM)}")
        if self.tta and getattr(self, "mc_dropout", 0):
            raise ValueError("tta does nothing with mc_dropout: its passes see images as they are")
        return self


class SoftmaxParams(ImageNetworkParams):
    """The textbook's softmax regression on pixels (D2L 4.1 to 4.5)."""

    epochs: Count = 10
    batch_size: Count = 128
    optimizer: Optimizer = "adamw"
    learning_rate: Positive = 2e-3
    schedule: Schedule = "cosine"


class ImageMLPParams(LayeredParams, ImageNetworkParams):
    """The regularized multilayer perceptron on pixels (D2L, chapter 5; Ciresan et al. 2010)."""

    epochs: Count = 40
    batch_size: Count = 256
    optimizer: Optimizer = "adamw"
    learning_rate: Positive = 3e-3
    schedule: Schedule = "cosine"
    weight_decay: NotNegative = 0.05
    averaging: Averaging = "ema"
    average_decay: Fraction = 0.999
    hidden: list[Count] = [1024, 512]
    activation: Activation = "relu"
    dropout: Fraction | list[Fraction] = 0.0


class CNNParams(ImageNetworkParams):
    """A small residual network (He et al. 2016).

    ``channels`` has one entry per stage, each at half the resolution of the one before; a stage has
    ``blocks`` residual blocks of two convolutions.
    """

    epochs: Count = 15
    batch_size: Count = 128
    optimizer: Optimizer = "adamw"
    learning_rate: Positive = 4e-3
    beta2: Fraction = 0.99
    schedule: Schedule = "cosine"
    warm_up: Fraction = 0.15
    schedule_end: Share = 0.01
    weight_decay: NotNegative = 0.05
    averaging: Averaging = "ema"
    average_decay: Fraction = 0.995
    channels: Annotated[list[Count], Field(min_length=1, max_length=6)] = [32, 64, 128]
    blocks: Count = 1
    activation: Literal["relu", "leaky_relu", "silu", "gelu"] = "relu"
    dropout: Fraction = 0.0

    @property
    def has_dropout(self) -> bool:
        """Whether anything is dropped while training."""
        return bool(self.input_dropout or self.dropout)
