"""What the first matrix reads: columns, their parts, and embeddings of numbers and categories.

Column order: numbers, then plain columns (flags), then one one-hot block per category.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from podium.nn.knobs.initialization import he, normal
from podium.nn.knobs.scaling import LEAST_RANGE, few_rows
from podium.nn.layers import Layer, Linear, Step, Traced
from podium.nn.parameters import EMBEDDING, FREE, RUNNING, WEIGHT, Parameter, zeros

# Frequencies of a number in RealMLP's embedding.
PHASES = 16


@dataclass(frozen=True)
class Columns:
    """The number of numeric columns, of plain columns, and of levels of each category.

    ``image`` is the (height, width, channels) if the columns are the pixels of an image.
    """

    numeric: int
    plain: int = 0
    categories: tuple[int, ...] = ()
    image: tuple[int, int, int] | None = None

    @property
    def total(self) -> int:
        """All columns."""
        return self.numeric + self.plain + sum(self.categories)


class Parts(Layer):
    """Separate layers for numbers and for categories; plain columns pass through unchanged."""

    def __init__(
        self, columns: Columns, numbers: Sequence[Traced], categories: Layer | None
    ) -> None:
        self.sizes = [columns.numeric, columns.plain, sum(columns.categories)]
        if categories is None:
            self.sizes = [columns.numeric, columns.total - columns.numeric]
        self.numbers, self.categories = list(numbers), categories
        self.learns_from_rows = any(layer.learns_from_rows for layer in self.numbers)

    @property
    def only_numbers(self) -> int | None:
        """How many features numbers become, if no category is embedded."""
        if self.categories:
            return None
        last = self.numbers[-1]
        return last.out_width if isinstance(last, NumericEmbedding) else self.sizes[0]

    def parameters(self) -> list[Parameter]:
        """The parameters of both parts."""
        return [parameter for layer in self._layers() for parameter in layer.parameters()]

    @property
    def row_size(self) -> int:
        """The sum of both parts."""
        return sum(layer.row_size for layer in self._layers())

    @property
    def row_work(self) -> int:
        """The sum of both parts."""
        return sum(layer.row_work for layer in self._layers())

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Bind both parts."""
        for layer in self._layers():
            layer.bind(values, grads)

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Fit the layers of numbers, each on the output of the one before."""
        rows = rows[:, : self.sizes[0]]
        for place, layer in enumerate(self.numbers):
            layer.fit(member, rows, weight)
            if any(later.learns_from_rows for later in self.numbers[place + 1 :]):
                own = {name: value[member : member + 1] for name, value in layer.values.items()}
                rows = layer.compute(rows[None], own, Step())[0]

    def first(self) -> None:
        """Mark all input layers as first: nothing before them is trained."""
        super().first()
        for layer in self._layers():
            layer.first()

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Each part through its layers, then concatenated."""
        parts = list(x.split(self.sizes, dim=2))
        for layer in self.numbers:
            parts[0] = layer.forward(parts[0], step)
        if self.categories:
            parts[2] = self.categories.forward(parts[2], step)
        self.out_sizes = [part.shape[2] for part in parts]
        return torch.cat(parts, dim=2)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """Each part's gradient through its layers; the gradient of the inputs isn't needed.

        ``grad`` may be that of the numbers alone, if nothing else is trained here.
        """
        below = grad[:, :, : self.out_sizes[0]]
        for layer in reversed(self.numbers):
            if layer.is_trained:
                below = layer.backward(below.contiguous(), step)
        if self.categories:
            own = grad[:, :, sum(self.out_sizes[:2]) :]
            self.categories.backward(own.contiguous(), step)
        return grad

    def _layers(self) -> list[Layer]:
        return [*self.numbers, *([self.categories] if self.categories else [])]


class NumericEmbedding(Traced):
    """A small vector per number: an encoding, its own matrix, ReLU (Gorishniy et al. 2022).

    The number itself is kept beside its vector (RealMLP's dense variant).
    """

    # Whether vectors go through a ReLU.
    activated = True

    def __init__(self, name: str, width: int, encoded: int, size: int) -> None:
        self.name, self.width, self.encoded, self.size = name, width, encoded, size

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self.width * (self.size + 1)

    def parameters(self) -> list[Parameter]:
        """A matrix and a bias per number."""

        def matrices(generator: torch.Generator) -> Tensor:
            drawn = [he(self.encoded, self.size)(generator) for _ in range(self.width)]
            return torch.stack(drawn)

        return [
            Parameter(
                f"{self.name}.weight",
                (self.width, self.encoded, self.size),
                WEIGHT,
                matrices,
                EMBEDDING,
            ),
            Parameter(
                f"{self.name}.bias",
                (1, self.width, self.size),
                FREE,
                zeros(1, self.width, self.size),
                EMBEDDING,
            ),
        ]

    @property
    def row_size(self) -> int:
        """The encodings of all numbers."""
        return self.width * self.encoded

    def encode(self, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """The encoding of each number, shape (members, rows, numbers, encoded)."""
        raise NotImplementedError

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Encode, then apply each number's matrix and ReLU."""
        encoded = self.encode(x, values)
        vectors = torch.einsum("mrni,mnio->mrno", encoded, values[f"{self.name}.weight"])
        vectors = vectors + values[f"{self.name}.bias"]
        if self.activated:
            vectors = functional.relu(vectors)
        return torch.cat([x, vectors.flatten(2)], dim=2)


class Periodic(NumericEmbedding):
    """Sines and cosines of learnt frequencies; the initial ones have std ``frequency_scale``."""

    def __init__(self, name: str, width: int, size: int, frequency_scale: float) -> None:
        super().__init__(name, width, 2 * size, size)
        self.frequency_scale = frequency_scale

    def parameters(self) -> list[Parameter]:
        """The matrices, biases and frequencies."""
        frequencies = normal(self.width, self.size, self.frequency_scale)
        name, shape = f"{self.name}.frequency", (self.width, self.size)
        frequency = Parameter(name, shape, FREE, frequencies, EMBEDDING)
        return [*super().parameters(), frequency]

    @property
    def row_size(self) -> int:
        """The encodings, and the angles of their sines and cosines."""
        return super().row_size + self.width * self.size

    def encode(self, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """``sin(2 pi f x)`` and ``cos(2 pi f x)``."""
        frequency = values[f"{self.name}.frequency"][:, None]
        angle = 2.0 * math.pi * frequency * x[:, :, :, None]
        return torch.cat([angle.sin(), angle.cos()], dim=3)


class PeriodicBias(NumericEmbedding):
    """Cosines of learnt frequencies and phases, and a matrix without ReLU.

    Holzmüller et al. 2024, RealMLP ("PBLD": periodic, bias, linear, dense).
    """

    activated = False

    def __init__(self, name: str, width: int, size: int, frequency_scale: float) -> None:
        super().__init__(name, width, PHASES, size)
        self.frequency_scale = frequency_scale

    def parameters(self) -> list[Parameter]:
        """The matrices, biases, frequencies and phases, which start anywhere."""
        shape = (self.width, self.encoded)
        frequencies = normal(*shape, self.frequency_scale)

        def phases(generator: torch.Generator) -> Tensor:
            return math.pi * (2.0 * torch.rand(shape, generator=generator) - 1.0)

        return [
            *super().parameters(),
            Parameter(f"{self.name}.frequency", shape, FREE, frequencies, EMBEDDING),
            Parameter(f"{self.name}.phase", shape, FREE, phases, EMBEDDING),
        ]

    @property
    def row_size(self) -> int:
        """The encodings, and the angles of their cosines."""
        return 2 * super().row_size

    def encode(self, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """``cos(2 pi f x + phase)``."""
        frequency, phase = (values[f"{self.name}.{part}"] for part in ("frequency", "phase"))
        return (2.0 * math.pi * frequency[:, None] * x[:, :, :, None] + phase[:, None]).cos()


class PiecewiseLinear(NumericEmbedding):
    """The share of each bin below the number; bin edges are quantiles of the training rows."""

    learns_from_rows = True

    def __init__(self, name: str, width: int, size: int, bins: int) -> None:
        super().__init__(name, width, bins, size)

    def parameters(self) -> list[Parameter]:
        """The matrices, biases and bin edges."""
        shape = (self.width, self.encoded + 1)
        edges = Parameter(f"{self.name}.edges", shape, RUNNING, zeros(*shape))
        return [*super().parameters(), edges]

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Set the edges to quantiles of a member's training rows (of positive weight)."""
        rows = few_rows(rows, weight)
        shares = torch.linspace(0, 1, self.encoded + 1, device=rows.device)
        self.values[f"{self.name}.edges"][member] = torch.quantile(rows, shares, dim=0).T

    def encode(self, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """0 below a bin, 1 above it, linear inside."""
        edges = values[f"{self.name}.edges"][:, None]
        low, high = edges[..., :-1], edges[..., 1:]
        # An empty bin is a step.
        least = 1e-6 * (edges[..., -1:] - edges[..., :1]).clamp(min=LEAST_RANGE)
        return ((x[:, :, :, None] - low) / torch.maximum(high - low, least)).clamp(0.0, 1.0)


class CategoryEmbedding(Linear):
    """A learnt vector per level of each category (Guo and Berkhahn 2016).

    For one-hot input the vectors are the rows of a matrix. All categories share one block-diagonal
    matrix; everything outside the blocks stays zero.
    """

    def __init__(self, name: str, levels: Sequence[int], size: int) -> None:
        blocks = torch.block_diag(*[torch.ones(count, size) for count in levels])
        drawn = normal(sum(levels), size * len(levels), size**-0.5)
        super().__init__(
            name, sum(levels), size * len(levels), lambda generator: drawn(generator) * blocks
        )
        self.blocks = blocks

    def parameters(self) -> list[Parameter]:
        """The matrix and a bias, in the role of an embedding."""
        return [replace(parameter, role=EMBEDDING) for parameter in super().parameters()]

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the view of the matrix, and move the block mask to its device."""
        super().bind(values, grads)
        self.blocks = self.blocks.to(self.weight.device)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """As ``Linear``, with zero gradient outside the blocks."""
        below = super().backward(grad, step)
        self.weight_grad.mul_(self.blocks)
        return below
