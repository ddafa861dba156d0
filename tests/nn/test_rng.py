"""The counter-based generator: right rates, independent numbers, and no hidden state."""

from itertools import product
from math import erf

import numpy as np
import pytest
import torch

from nn_help import CPU
from podium.nn.rng import Rng, generator, mixed, threshold

SEED, PURPOSE, STEP = 11, 17, 5


def keep(rate=0.5, seeds=(SEED,), rows=64, features=64, purpose=PURPOSE, step=STEP):
    shape = (len(seeds), rows, features)
    return Rng(seeds, CPU).keep(threshold(rate, CPU), shape, purpose, step, torch.empty(shape))


def normal(seeds=(SEED,), rows=64, features=64, purpose=PURPOSE, step=STEP):
    return Rng(seeds, CPU).normal((len(seeds), rows, features), purpose, step)


def largest_correlation(tables: torch.Tensor) -> float:
    """Of any two tables, in standard deviations of independent ones' correlation."""
    flat = tables.flatten(1)
    flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True)
    together = flat @ flat.T / flat.shape[1]
    return float(together.fill_diagonal_(0).abs().max() * flat.shape[1] ** 0.5)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
def test_masks_are_ones_and_zeros_at_the_rate(rate):
    mask = keep(rate, rows=500, features=201)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    deviation = (rate * (1 - rate) / mask.numel()) ** 0.5
    assert abs(float(mask.mean()) - (1 - rate)) < 4 * deviation + 1 / 2**16


def test_rates_at_the_ends():
    assert (keep(0.0) == 1).all()
    assert keep(1 - 1e-9).mean() < 0.01


@pytest.mark.parametrize("draw", [keep, normal])
def test_same_key_same_numbers_and_another_key_others(draw):
    assert torch.equal(draw(), draw())
    for other in ({"seeds": (12,)}, {"purpose": 18}, {"step": 6}):
        assert not torch.equal(draw(), draw(**other))


@pytest.mark.parametrize("draw", [keep, normal])
def test_a_members_numbers_do_not_depend_on_the_other_members(draw):
    together = draw(seeds=(3, SEED, 2**32 - 1))
    assert torch.equal(together[1], draw()[0])
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("draw", [keep, normal])
@pytest.mark.parametrize("rows", [1, 13, 32, 33])
def test_fewer_rows_draw_what_the_first_rows_do(draw, rows):
    assert torch.equal(draw(rows=rows)[0], draw(rows=64)[0, :rows])


@pytest.mark.parametrize("draw", [keep, normal])
def test_members_purposes_and_steps_are_not_correlated(draw):
    """Adjacent seeds, purposes and steps: here a weak hash would show correlations."""
    places = product(range(8), range(16, 24), range(6))
    drawn = [draw(seeds=(seed,), rows=16, purpose=purpose, step=step)
             for seed, purpose, step in places]  # fmt: skip
    # The largest of 73536 pairs of independent ones has 4.4 standard deviations.
    assert largest_correlation(torch.cat(drawn)) < 6


def test_a_mask_and_a_noise_of_one_purpose_are_not_correlated():
    noise = normal()
    assert largest_correlation(torch.cat([keep(), noise, noise.abs()])) < 4


def test_units_rows_and_neighbours_are_dropped_equally_often():
    """Chi-square over many steps: per unit, per row, per pair of neighbours."""
    steps, rows, features = 400, 16, 33
    masks = torch.cat([keep(0.3, rows=rows, features=features, step=step) for step in range(steps)])

    def excess(kept: torch.Tensor, drawn: int, rate: float) -> float:
        """How far chi-square per degree of freedom is from 1, in standard deviations."""
        chi = ((kept - drawn * rate).square() / (drawn * rate * (1 - rate))).flatten()
        return abs(float(chi.mean()) - 1) * (len(chi) / 2) ** 0.5

    assert excess(masks.sum(0), steps, 0.7) < 4
    assert excess(masks.sum(1), rows, 0.7) < 4
    assert excess(masks.sum(2), features, 0.7) < 4
    beside = (masks[:, :, 1:] * masks[:, :, :-1]).sum(0)
    assert excess(beside, steps, 0.49) < 4
    below = (masks[:, 1:] * masks[:, :-1]).sum(0)
    assert excess(below, steps, 0.49) < 4


def test_normal_numbers_are_normal():
    drawn = normal(rows=2000, features=51).flatten().double()
    count = len(drawn)
    assert torch.isfinite(drawn).all()
    assert abs(float(drawn.mean())) < 4 / count**0.5
    assert abs(float(drawn.var()) - 1) < 4 * (2 / count) ** 0.5
    assert abs(float((drawn**4).mean()) - 3) < 4 * (96 / count) ** 0.5
    # Kolmogorov and Smirnov: the largest distance of the distribution functions.
    ordered = drawn.sort().values.numpy()
    ideal = np.array([(1 + erf(value / 2**0.5)) / 2 for value in ordered])
    distance = np.abs(ideal - (np.arange(count) + 0.5) / count).max()
    assert distance < 2 / count**0.5


def test_the_two_numbers_of_a_pair_are_independent():
    both = normal(rows=2000, features=50)
    cosine, sine = both[..., :25], both[..., 25:]
    for change in (torch.clone, torch.abs, torch.square):
        assert largest_correlation(torch.cat([change(cosine), change(sine)])) < 4


def test_one_bit_of_a_seed_or_a_part_changes_half_of_all_bits():
    seeds = np.arange(200, dtype=np.uint64)
    clean = mixed(seeds, 3, 5)
    others = [mixed(seeds ^ np.uint64(1 << bit), 3, 5) for bit in (0, 7, 40)]
    others += [mixed(seeds, 3 ^ 4, 5), mixed(seeds, 3, 5 ^ 1), mixed(seeds, 5, 3)]
    for other in others:
        assert 30 < np.bitwise_count(clean ^ other).mean() < 34


def test_seeds_and_parts_are_not_interchangeable():
    """Member 1 with purpose 2 must not draw what member 2 draws with purpose 1."""
    seeds = np.arange(64, dtype=np.uint64)
    drawn = np.stack([mixed(seeds, part, 5) for part in range(64)])
    assert len(np.unique(drawn)) == drawn.size


def test_generators_of_other_parts_are_others():
    def first(*parts: int) -> float:
        return float(generator(*parts).random())

    assert first(1, 2, 3) == first(1, 2, 3)
    places = list(product(range(6), repeat=3))
    assert len({first(*place) for place in places}) == len(places)
