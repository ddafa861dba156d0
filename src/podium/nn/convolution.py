"""The convolutions of ``cnn``: a small residual network that is fast on a CPU.

Resolution is halved before the expensive layers, and pooling comes before normalization and
activation, which then have a quarter of the work. The memory layout is (rows, height, width,
channels), which is the fastest for both oneDNN and cuDNN.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from podium.config import CNNParams
from podium.nn.knobs.normalization import EPSILON, MOMENTUM
from podium.nn.layers import Step, Traced
from podium.nn.parameters import FREE, RUNNING, WEIGHT, Initial, Parameter, ones, zeros

KERNEL = 3
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu_,
    "leaky_relu": functional.leaky_relu_,
    "silu": functional.silu,
    "gelu": functional.gelu,
}
Values = Mapping[str, Tensor]


class ConvNet(Traced):
    """Images, shape (members, rows, height * width * channels), to features, (members, rows, k).

    A stage is a convolution that halves the resolution, then residual blocks of two convolutions
    (He et al. 2016). The last normalization of each block starts at zero, so that the block starts
    as the identity (Goyal et al. 2017). The features are the means over all pixels.
    """

    fills_a_core = True

    def __init__(self, name: str, params: CNNParams, image: tuple[int, int, int]) -> None:
        self.name, self.params, self.image = name, params, image
        self.activation = ACTIVATIONS[params.activation]
        self.outputs = params.channels[-1]
        self.stages = list(zip([image[2], *params.channels], params.channels, strict=False))

    def parameters(self) -> list[Parameter]:
        """A kernel and a normalization per convolution."""
        parameters: list[Parameter] = []
        for stage, (inputs, outputs) in enumerate(self.stages):
            parameters += self._parameters(self._entry(stage), inputs, outputs)
            for block in range(self.params.blocks):
                first, second = self._block(stage, block)
                parameters += self._parameters(first, outputs, outputs)
                parameters += self._parameters(second, outputs, outputs, starts_at=zeros(outputs))
        return parameters

    def compute(self, x: Tensor, values: Values, step: Step) -> Tensor:
        """Each member's images through its own kernels, member by member."""
        own = [{name: value[place] for name, value in values.items()} for place in range(len(x))]
        device, mixed = x.device.type, step.compute != torch.float32
        with torch.autocast(device, dtype=step.compute if mixed else None, enabled=mixed):
            features = torch.stack(
                [self._features(rows, member, step) for rows, member in zip(x, own, strict=True)]
            )
        return features.float() if mixed else features

    @property
    def least_rows(self) -> int:  # type: ignore[override]
        """2 if the last stage's images are one pixel, which has no variance over one row."""
        return 2 if self._sizes()[-1][0] == 1 else 1

    @property
    def row_size(self) -> int:
        """Activations per image, roughly."""
        each = [places * outputs for places, (_, outputs) in self._sizes()]
        return math.prod(self.image) + sum(each) * (4 + 2 * self.params.blocks)

    @property
    def row_work(self) -> int:
        """Multiplications of one image's forward pass."""
        work = 0
        for places, (inputs, outputs) in self._sizes():
            entry = 4 * places * inputs * outputs
            work += entry + 2 * self.params.blocks * places * outputs**2
        return KERNEL**2 * work

    def _sizes(self) -> list[tuple[int, tuple[int, int]]]:
        """Each stage's pixels (height times width) and channels."""
        height, width, _ = self.image
        sizes = []
        for stage in self.stages:
            height, width = max(1, height // 2), max(1, width // 2)
            sizes.append((height * width, stage))
        return sizes

    def _features(self, rows: Tensor, own: Values, step: Step) -> Tensor:
        """One member's images, (rows, numbers), to its features."""
        x = rows.view(len(rows), *self.image).permute(0, 3, 1, 2)
        for stage in range(len(self.stages)):
            entry = _halved(_convolved(x, own, self._entry(stage)))
            x = self.activation(_normalized(entry, own, self._entry(stage), step))
            for block in range(self.params.blocks):
                x = self._residual(x, own, self._block(stage, block), step)
        return x.mean((2, 3))

    def _residual(self, x: Tensor, own: Values, names: tuple[str, str], step: Step) -> Tensor:
        first, second = names
        inner = _normalized(_convolved(x, own, first), own, first, step)
        inner = _convolved(self.activation(inner), own, second)
        return self.activation(x + _normalized(inner, own, second, step))

    def _entry(self, stage: int) -> str:
        return f"{self.name}.stage{stage}"

    def _block(self, stage: int, block: int) -> tuple[str, str]:
        name = f"{self._entry(stage)}.block{block}"
        return f"{name}.first", f"{name}.second"

    def _parameters(
        self, name: str, inputs: int, outputs: int, starts_at: Initial | None = None
    ) -> list[Parameter]:
        kernel = (outputs, KERNEL, KERNEL, inputs)
        return [
            Parameter(f"{name}.weight", kernel, WEIGHT, _kernel(*kernel)),
            Parameter(f"{name}.scale", (outputs,), FREE, starts_at or ones(outputs)),
            Parameter(f"{name}.shift", (outputs,), FREE, zeros(outputs)),
            Parameter(f"{name}.mean", (outputs,), RUNNING, zeros(outputs)),
            Parameter(f"{name}.variance", (outputs,), RUNNING, ones(outputs)),
        ]


def _kernel(outputs: int, height: int, width: int, inputs: int) -> Initial:
    """Normal, variance 2 / inputs per output: keeps a ReLU layer's variance (He et al. 2015)."""
    scale = (2.0 / (height * width * inputs)) ** 0.5
    return lambda generator: (
        scale * torch.randn(outputs, height, width, inputs, generator=generator)
    )


def _convolved(x: Tensor, own: Values, name: str) -> Tensor:
    return functional.conv2d(x, own[f"{name}.weight"].permute(0, 3, 1, 2), padding=KERNEL // 2)


def _halved(x: Tensor) -> Tensor:
    """The maximum of each 2 x 2 pixels; a side of one pixel stays."""
    window = (min(2, x.shape[2]), min(2, x.shape[3]))
    return functional.max_pool2d(x, window)


def _normalized(x: Tensor, own: Values, name: str, step: Step) -> Tensor:
    """Batch normalization (Ioffe and Szegedy 2015), over rows and pixels."""
    mean, variance = own[f"{name}.mean"], own[f"{name}.variance"]
    scale, shift = own[f"{name}.scale"], own[f"{name}.shift"]
    return functional.batch_norm(x, mean, variance, scale, shift, step.training, MOMENTUM, EPSILON)
