"""A counter-based random number generator: no state, only a key and a position.

A generator shared by all members would make a member's dropout depend on which others are trained
with it. One generator per member would be slow, and its state would have to be saved. Hence each
number is a hash of a key and a position, the idea of Salmon et al. 2011 ("Parallel random numbers:
as easy as 1, 2, 3", SC'11). The key comes from (seed, purpose, step), the position is the row and
column in the tensor. A member therefore gets the same numbers alone and in a batch of twenty, a
resumed training gets the numbers that an uninterrupted one would have, and CPU and CUDA agree.

Why one short hash round is enough. A general hash (lowbias32: xorshift, multiply, xorshift,
multiply, xorshift) has to spread the few changing bits of a small counter over all 32 bits. Here
both inputs are well mixed before the hash: a position is looked up in a precomputed table of random
32-bit words (``_position_bits``), and a key is a full splitmix64 hash, one per member and step.
They are combined by xor, which alone would leave the tensors of two keys a constant xor apart;
multiply, xorshift, multiply removes that. The last xorshift of lowbias32 would improve the low
bits, which a product leaves weak, but no caller relies on them: uniform numbers use the upper 23
bits, and a dropout mask compares 16-bit halves, each decided by its own upper bits.
``tests/nn/test_rng.py`` checks what training needs: rates, the normal distribution, and no
correlation between members, purposes, steps and neighbours. It is no general-purpose generator.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.nn.own import Rates

# Multipliers of two published hashes: C. Wellons's "lowbias32" (32 bits), and splitmix64 (64 bits,
# Steele et al. 2014).
_MIX_A, _MIX_B = 0x7FEB352D, 0x846CA68B - 2**32
_GOLDEN, _MIX_C, _MIX_D = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_HALF = 2**15


# RNG purpose: the seeds of implicit members.
IMPLICIT = 8

# What random 16-bit numbers are compared with: of all members, or each one's, (members, 1, 1).
Threshold = int | Tensor


def threshold(rate: Rates, device: torch.device) -> Threshold:
    """The threshold below which a random 16-bit number means that a unit is dropped."""
    if not isinstance(rate, np.ndarray):
        return _threshold(rate)
    each = [_threshold(own) for own in rate.tolist()]
    return torch.tensor(each, dtype=torch.int16, device=device)[:, None, None]


def _threshold(rate: float) -> int:
    return min(round(rate * 2 * _HALF), 2 * _HALF - 1) - _HALF


class Rng:
    """The random numbers of a batch of members on one device."""

    def __init__(self, seeds: Sequence[int] | NDArray[np.uint64], device: torch.device) -> None:
        self.seeds = np.asarray(seeds, dtype=np.uint64)
        self.device = device

    def spread(self, copies: int) -> "Rng":
        """The random numbers of ``copies`` implicit members of each member, one after the other."""
        seeds = np.stack([mixed(self.seeds, IMPLICIT, copy) for copy in range(copies)], axis=1)
        return Rng(seeds.ravel(), self.device)

    def keep(
        self,
        threshold: Threshold,
        shape: tuple[int, int, int],
        purpose: int,
        step: int,
        out: Tensor,
    ) -> Tensor:
        """Ones where a unit is kept, zeros where it is dropped: with the ``threshold`` of a rate.

        ``shape`` is (members, rows, features); 16 bits decide, so the rate is met to 1/65536.
        """
        members, rows, features = shape
        halves = self._hashed(rows, (features + 1) // 2, 3 * purpose, step).view(torch.int16)
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
        """32 random bits per position, shape (members, rows, columns), dtype int32."""
        positions = _position_bits(columns, rows, self.device)[:rows]
        bits = torch.bitwise_xor(positions, self._keys(purpose, step))
        bits.mul_(_MIX_A)
        # The mask makes the shift logical; torch's is arithmetic (it copies the sign bit).
        bits.bitwise_xor_((bits >> 15).bitwise_and_(0x1FFFF))
        return bits.mul_(_MIX_B)

    def _keys(self, purpose: int, step: int) -> Tensor:
        """One 32-bit key per member, shape (members, 1, 1)."""
        keys = mixed(self.seeds, purpose, step) >> np.uint64(32)
        signed = torch.from_numpy(keys.astype(np.uint32).view(np.int32))
        return signed.to(self.device)[:, None, None]


def mixed(seeds: NDArray[np.uint64], *parts: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each seed and the parts, in order (splitmix64's finalizer)."""
    state = seeds.copy()
    with np.errstate(over="ignore"):
        # The extra 0 mixes the seed before the first part is xored in; without it (seed 1, part 0)
        # and (seed 0, part 1) would give the same hash.
        for part in (0, *parts):
            state = (state ^ np.uint64(part)) + np.uint64(_GOLDEN)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(_MIX_C)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(_MIX_D)
            state ^= state >> np.uint64(31)
    return state


def generator(seed: int, *parts: int) -> np.random.Generator:
    """A separate numpy generator for a member and a purpose, for numbers drawn once per epoch."""
    return np.random.default_rng([seed, *parts])


def _position_bits(columns: int, rows: int, device: torch.device) -> Tensor:
    """Random bits of each position of a table; a longer table starts with the same rows."""
    return _position_table(columns, 1 << (rows - 1).bit_length(), device)


@lru_cache(maxsize=64)
def _position_table(columns: int, rows: int, device: torch.device) -> Tensor:
    words = np.random.default_rng(columns).integers(0, 2**32, (rows, columns), dtype=np.uint32)
    return torch.from_numpy(words.view(np.int32)).to(device)
