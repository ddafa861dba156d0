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
        """Each member's images through its own kernels.

        In bfloat16, activations are kept in it, statistics of normalization and features are not.
        On a CPU member by member: one is enough work, and its activations stay in the cache. On
        CUDA all together, as groups of channels: one after the other, the launches of small kernels
        take most of the time (docs/benchmarks-images.md).
        """
        device, mixed = x.device.type, step.compute != torch.float32
        with torch.autocast(device, dtype=step.compute if mixed else None, enabled=mixed):
            if device == "cuda":
                return self.features(x, values, step)
            each = [slice(place, place + 1) for place in range(len(x))]
            return torch.cat([self.features(x[m], _of(values, m), step) for m in each])

    def features(self, x: Tensor, values: Values, step: Step) -> Tensor:
        """Members' images, (members, rows, numbers), to their features: each is a channel group."""
        members, rows, _ = x.shape
        if members == 1:
            # Not the general case below: of one grey channel, its strides don't tell the layout.
            x = x.view(rows, *self.image).permute(0, 3, 1, 2)
        else:
            x = x.view(members, rows, *self.image).permute(1, 0, 4, 2, 3).flatten(1, 2)
        for stage in range(len(self.stages)):
            entry = _halved(_convolved(x, values, self._entry(stage)))
            x = self.activation(_normalized(entry, values, self._entry(stage), step))
            for block in range(self.params.blocks):
                x = self._residual(x, values, self._block(stage, block), step)
        exact = torch.promote_types(x.dtype, torch.float32)
        return x.mean((2, 3), dtype=exact).view(rows, members, -1).transpose(0, 1)

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

    def _residual(self, x: Tensor, values: Values, names: tuple[str, str], step: Step) -> Tensor:
        first, second = names
        inner = _normalized(_convolved(x, values, first), values, first, step)
        inner = _convolved(self.activation(inner), values, second)
        return self.activation(x + _normalized(inner, values, second, step))

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


def _of(values: Values, members: slice) -> Values:
    return {name: value[members] for name, value in values.items()}


def _convolved(x: Tensor, values: Values, name: str) -> Tensor:
    kernels = values[f"{name}.weight"].permute(0, 1, 4, 2, 3)
    members = len(kernels)
    return functional.conv2d(x, kernels.flatten(0, 1), padding=KERNEL // 2, groups=members)


def _halved(x: Tensor) -> Tensor:
    """The maximum of each 2 x 2 pixels; a side of one pixel stays."""
    window = (min(2, x.shape[2]), min(2, x.shape[3]))
    return functional.max_pool2d(x, window)


def _normalized(x: Tensor, values: Values, name: str, step: Step) -> Tensor:
    """Batch normalization (Ioffe and Szegedy 2015), over rows and pixels."""
    running = values[f"{name}.mean"], values[f"{name}.variance"]
    mean, variance = (own.flatten() for own in running)
    scale, shift = values[f"{name}.scale"].flatten(), values[f"{name}.shift"].flatten()
    x = functional.batch_norm(x, mean, variance, scale, shift, step.training, MOMENTUM, EPSILON)
    for own, flat in zip(running, (mean, variance), strict=True):
        # Of several members, ``flatten`` made a copy, which is what was updated.
        if step.training and flat.data_ptr() != own.data_ptr():
            own.copy_(flat.view_as(own))
    return x
