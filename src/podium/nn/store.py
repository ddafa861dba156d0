"""All numbers of a batch of members in a few flat tensors, and each layer's part as a view.

One flat tensor is one call: of the optimizer, of an average, of a norm. Inside it lies one slot
after the other, each of shape (members, *shape), so that a view of a slot is contiguous and a layer
is one batched matrix product.
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


# Slots start at multiples of 64 bytes: what vector units load fastest, and what keeps a result the
# same wherever the memory lies.
_ALIGNMENT = 16

# The kinds of slots: trained and decayed (weights of matrix products), trained and not decayed
# (biases, scales), and followed but not trained (running means).
WEIGHT, FREE, RUNNING = "weight", "free", "running"


@dataclass(frozen=True)
class Slot:
    """A tensor that each member has one of: its name, shape, kind and initial values."""

    name: str
    shape: tuple[int, ...]
    kind: str
    initial: Initial

    @property
    def size(self) -> int:
        """Numbers of one member."""
        return math.prod(self.shape)


class Store:
    """The slots of some members in one flat tensor a kind; ``values`` and ``grads`` are views.

    ``flat[kind]`` and ``flat_grad[kind]`` are what optimizers work on.
    """

    def __init__(self, slots: Sequence[Slot], members: int, device: torch.device) -> None:
        self.slots, self.members, self.device = list(slots), members, device
        self.flat = {kind: self._zeros(kind, members) for kind in (WEIGHT, FREE, RUNNING)}
        self.flat_grad = {kind: torch.zeros_like(self.flat[kind]) for kind in (WEIGHT, FREE)}
        self.values = self.views(self.flat)
        self.grads = self.views(self.flat_grad)

    def draw(self, seeds: Sequence[int]) -> None:
        """Give every slot its initial values, each member's from a generator of its own seed."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for slot in self.slots:
            drawn = torch.stack([slot.initial(generator) for generator in generators])
            self.values[slot.name].copy_(drawn)

    def views(self, flat: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each slot's part of flat tensors in this store's layout, shape (members, *shape)."""
        return self._views(flat, self.members)

    def select(self, flat: Tensor, kind: str, keep: Tensor) -> Tensor:
        """A flat tensor of this layout with the members ``keep`` only, in the smaller layout."""
        out, views = self._zeros(kind, len(keep)), self.views({kind: flat})
        for name, view in self._views({kind: out}, len(keep)).items():
            view.copy_(views[name][keep])
        return out

    def _views(self, flat: Mapping[str, Tensor], members: int) -> dict[str, Tensor]:
        return {
            slot.name: flat[slot.kind][start : start + members * slot.size].view(
                members, *slot.shape
            )
            for slot, start in self._starts(members)
            if slot.kind in flat
        }

    def _zeros(self, kind: str, members: int) -> Tensor:
        starts = self._starts(members)
        ends = [start + members * slot.size for slot, start in starts if slot.kind == kind]
        return torch.zeros(max(ends, default=0), device=self.device)

    def _starts(self, members: int) -> Iterator[tuple[Slot, int]]:
        """Each slot and where it starts in the flat tensor of its kind, for so many members."""
        ends = {WEIGHT: 0, FREE: 0, RUNNING: 0}
        for slot in self.slots:
            start = -(-ends[slot.kind] // _ALIGNMENT) * _ALIGNMENT
            ends[slot.kind] = start + members * slot.size
            yield slot, start
