"""Random numbers without a state: a function of the member's seed, the purpose and the step.

A generator that all members share would make a member's dropout depend on who is trained beside it.
One generator a member would be slow, and its state would have to be saved. Here every number comes
from a hash of (seed, purpose, step) and its place, so that a member alone draws what it draws in a
batch of twenty, a training that continues draws what it would have drawn, and CPU and CUDA agree.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Odd constants with well-mixed bits (the 32-bit finalizer found by C. Wellons, "lowbias32", and
# the 64-bit one of splitmix64, Steele et al. 2014).
_MIX_A, _MIX_B = 0x7FEB352D, 0x846CA68B - 2**32
_GOLDEN, _MIX_C, _MIX_D = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_HALF = 2**15


class Rng:
    """The random numbers of a batch of members on one device."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.seeds = np.asarray(seeds, dtype=np.uint64)
        self.device = device

    def keep(
        self, rate: float, shape: tuple[int, int, int], purpose: int, step: int, out: Tensor
    ) -> Tensor:
        """Ones where a unit is kept and zeros where it is dropped, with probability ``rate``.

        ``shape`` is (members, rows, features); 16 bits decide, so the rate is met to 1/65536.
        """
        members, rows, features = shape
        halves = self._hashed(rows, (features + 1) // 2, 3 * purpose, step).view(torch.int16)
        threshold = min(round(rate * 2 * _HALF), 2 * _HALF - 1) - _HALF
        return torch.ge(halves[:, :, :features], threshold, out=out)

    def normal(self, shape: tuple[int, int, int], purpose: int, step: int) -> Tensor:
        """Standard normal numbers (Box and Muller 1958), shape (members, rows, features)."""
        members, rows, features = shape
        pairs = (features + 1) // 2
        radius = self._uniform(rows, pairs, 3 * purpose + 1, step).log_().mul_(-2).sqrt_()
        angle = self._uniform(rows, pairs, 3 * purpose + 2, step).mul_(2 * math.pi)
        both = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=2)
        return both[:, :, :features]

    def uniform(self, shape: tuple[int, int, int], purpose: int, step: int) -> Tensor:
        """Numbers in (0, 1), shape (members, rows, features)."""
        return self._uniform(shape[1], shape[2], 3 * purpose, step)

    def _uniform(self, rows: int, columns: int, purpose: int, step: int) -> Tensor:
        """Numbers in (0, 1), 23 bits each."""
        hashed = self._hashed(rows, columns, purpose, step)
        return (hashed >> 9).bitwise_and_(0x7FFFFF).float().add_(0.5).mul_(2.0**-23)

    def _hashed(self, rows: int, columns: int, purpose: int, step: int) -> Tensor:
        """32 mixed bits for each place, shape (members, rows, columns), dtype int32."""
        places = _places(columns, rows, self.device)[:rows]
        bits = torch.bitwise_xor(places, self._keys(purpose, step))
        bits.mul_(_MIX_A)
        # The mask makes the shift a logical one; torch's keeps the sign.
        bits.bitwise_xor_((bits >> 15).bitwise_and_(0x1FFFF))
        return bits.mul_(_MIX_B)

    def _keys(self, purpose: int, step: int) -> Tensor:
        """One 32-bit key a member, shape (members, 1, 1)."""
        keys = mixed(self.seeds, purpose, step) >> np.uint64(32)
        own = torch.from_numpy(keys.astype(np.uint32).view(np.int32))
        return own.to(self.device)[:, None, None]


def mixed(seeds: NDArray[np.uint64], *parts: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each seed and the parts, in order (splitmix64's finalizer)."""
    state = seeds.copy()
    with np.errstate(over="ignore"):
        # Seeds are mixed before the first part, or seed 1 and part 0 were seed 0 and part 1.
        for part in (0, *parts):
            state = (state ^ np.uint64(part)) + np.uint64(_GOLDEN)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(_MIX_C)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(_MIX_D)
            state ^= state >> np.uint64(31)
    return state


def generator(seed: int, *parts: int) -> np.random.Generator:
    """A numpy generator of its own for a member and a purpose, for numbers drawn once an epoch."""
    return np.random.default_rng([seed, *parts])


def _places(columns: int, rows: int, device: torch.device) -> Tensor:
    """Random bits of each place of a table; more rows have the same numbers in front."""
    return _drawn_places(columns, 1 << (rows - 1).bit_length(), device)


@lru_cache(maxsize=64)
def _drawn_places(columns: int, rows: int, device: torch.device) -> Tensor:
    drawn = np.random.default_rng(columns).integers(0, 2**32, (rows, columns), dtype=np.uint32)
    return torch.from_numpy(drawn.view(np.int32)).to(device)
