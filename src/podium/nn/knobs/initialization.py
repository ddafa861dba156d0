"""Initial weights (``initialization`` and ``zero_last``)."""

from collections.abc import Callable

import torch
from torch import Tensor

from podium.nn.parameters import Initial, zeros

# The output layer starts near zero, so a member first predicts its bias: the target's mean if the
# target is standardized (D2L 3.4 uses the same 0.01 for its linear model).
OUTPUT_SCALE = 0.01


def he(inputs: int, outputs: int) -> Initial:
    """Normal, variance 2 / inputs: keeps a ReLU layer's variance (He et al. 2015)."""
    return normal(inputs, outputs, (2.0 / inputs) ** 0.5)


def xavier(inputs: int, outputs: int) -> Initial:
    """Normal, variance 2 / (inputs + outputs) (Glorot and Bengio 2010; D2L 5.4)."""
    return normal(inputs, outputs, (2.0 / (inputs + outputs)) ** 0.5)


def lecun(inputs: int, outputs: int) -> Initial:
    """Normal, variance 1 / inputs; for selu (LeCun et al. 1998; Klambauer et al. 2017)."""
    return normal(inputs, outputs, (1.0 / inputs) ** 0.5)


def orthogonal(inputs: int, outputs: int) -> Initial:
    """Orthonormal rows or columns (Saxe et al. 2014), scaled for ReLU."""

    def draw(generator: torch.Generator) -> Tensor:
        tall = torch.randn(max(inputs, outputs), min(inputs, outputs), generator=generator)
        basis, upper = torch.linalg.qr(tall)
        # The signs make the draw uniform over the orthogonal matrices (Mezzadri 2007).
        basis = basis * torch.sign(torch.diagonal(upper))
        return 2.0**0.5 * (basis if inputs >= outputs else basis.T)

    return draw


def normal(inputs: int, outputs: int, scale: float) -> Initial:
    """Normal with standard deviation ``scale``."""
    return lambda generator: torch.randn(inputs, outputs, generator=generator) * scale


def last_layer(inputs: int, outputs: int, zero: bool) -> Initial:
    """Near zero, or exactly zero (``zero_last``; e.g. Zhang et al. 2019, "Fixup")."""
    return normal(inputs, outputs, 0.0 if zero else OUTPUT_SCALE)


INITIALIZATIONS: dict[str, Callable[[int, int], Initial]] = {
    "he": he,
    "xavier": xavier,
    "lecun": lecun,
    "orthogonal": orthogonal,
    # For lessons: units of a layer that start alike stay alike (D2L 5.4).
    "zeros": zeros,
}
