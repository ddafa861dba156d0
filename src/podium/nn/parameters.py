"""All parameters of a batch of members in a few flat tensors; each layer sees views of them.

With flat tensors the optimizer's step, an average or a norm is one call. Parameters are stored one
after the other, each of shape (members, *shape), so every view is contiguous and a layer is one
batched matrix product.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Draws one member's initial values.
Initial = Callable[[torch.Generator], Tensor]


def zeros(*shape: int) -> Initial:
    """Zeros for every member."""
    return lambda _: torch.zeros(shape)


def ones(*shape: int) -> Initial:
    """Ones for every member."""
    return lambda _: torch.ones(shape)


# Parameters start at multiples of 64 bytes (16 float32): aligned loads are the fastest, and results
# don't depend on where the memory was allocated.
_ALIGNMENT = 16

# The kinds of parameters: trained and decayed (weights of matrix products), trained and not decayed
# (biases, scales), and tracked but not trained (running means).
WEIGHT, FREE, RUNNING = "weight", "free", "running"
# Roles: biases of matrices, the factors of ``input_scale``, all of embeddings, and what
# activations learn.
BIAS, SCALE, EMBEDDING, ACTIVATION = "bias", "scale", "embedding", "activation"


@dataclass(frozen=True)
class Parameter:
    """A tensor that every member has its own copy of: name, shape, kind and initial values.

    ``role``: what it is, if it may have a learning rate of its own: of the knob ``<role>_rate``.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    initial: Initial
    role: str = ""

    @property
    def size(self) -> int:
        """Elements per member."""
        return math.prod(self.shape)


class Parameters:
    """Members' parameters, one flat tensor per kind; ``values`` and ``grads`` are views.

    ``flat[kind]`` and ``flat_grad[kind]`` are what optimizers work on.
    """

    def __init__(self, specs: Sequence[Parameter], members: int, device: torch.device) -> None:
        self.specs, self.members, self.device = list(specs), members, device
        self.flat = {kind: self._zeros(kind, members) for kind in (WEIGHT, FREE, RUNNING)}
        self.flat_grad = {kind: torch.zeros_like(self.flat[kind]) for kind in (WEIGHT, FREE)}
        self.values = self.views(self.flat)
        self.grads = self.views(self.flat_grad)

    def draw(self, seeds: Sequence[int], own: Sequence[Sequence[Parameter]] | None = None) -> None:
        """Draw the initial values, each member's from a generator with its own seed.

        ``own``: what each member draws them by, if not by the same parameters as all.
        """
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        own = own or [self.specs] * len(seeds)
        for index, parameter in enumerate(self.specs):
            pairs = zip(own, generators, strict=True)
            drawn = torch.stack([specs[index].initial(generator) for specs, generator in pairs])
            self.values[parameter.name].copy_(drawn)

    def views(self, flat: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each parameter's view of flat tensors in this layout, shape (members, *shape)."""
        return self._views(flat, self.members)

    def select(self, flat: Tensor, kind: str, keep: Tensor) -> Tensor:
        """A flat tensor of this layout reduced to the members ``keep``, in the smaller layout."""
        out, views = self._zeros(kind, len(keep)), self.views({kind: flat})
        for name, view in self._views({kind: out}, len(keep)).items():
            view.copy_(views[name][keep])
        return out

    def spread(self, value: Tensor, kind: str) -> Tensor:
        """Each member's number, (members, 1, 1), at all places of its own in a flat tensor."""
        out = torch.zeros_like(self.flat[kind])
        for view in self._views({kind: out}, self.members).values():
            view.copy_(value.view(self.members, *[1] * (view.dim() - 1)).expand_as(view))
        return out

    def _views(self, flat: Mapping[str, Tensor], members: int) -> dict[str, Tensor]:
        return {
            parameter.name: flat[parameter.kind][start : start + members * parameter.size].view(
                members, *parameter.shape
            )
            for parameter, start in self._starts(members)
            if parameter.kind in flat
        }

    def _zeros(self, kind: str, members: int) -> Tensor:
        starts = self._starts(members)
        ends = [
            start + members * parameter.size
            for parameter, start in starts
            if parameter.kind == kind
        ]
        return torch.zeros(max(ends, default=0), device=self.device)

    def _starts(self, members: int) -> Iterator[tuple[Parameter, int]]:
        """Each parameter and its offset in the flat tensor of its kind, for ``members`` members."""
        ends = {WEIGHT: 0, FREE: 0, RUNNING: 0}
        for parameter in self.specs:
            start = -(-ends[parameter.kind] // _ALIGNMENT) * _ALIGNMENT
            ends[parameter.kind] = start + members * parameter.size
            yield parameter, start
