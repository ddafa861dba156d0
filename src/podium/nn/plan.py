"""Which members are trained together in a group, and how many groups run at the same time.

On a CPU a group is as large as the cache allows, because every step reads and writes all its
weights and moments, and each core trains its own group: matrices of this size are too small to be
worth splitting between cores. On a GPU a group is as large as the memory allows.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from podium.config import NetworkParams
from podium.nn.data import Data, Inputs, Member, steps_per_epoch
from podium.nn.device import memory_of
from podium.nn.layers import Layer
from podium.nn.network import build_network
from podium.nn.own import runs, structures

# Bytes of a group's weights, gradients and two moments. Measured for 256-128 networks on 2 cores
# (docs/benchmarks.md, "Speed"): half of it is 20 % slower, double of it is not faster.
CACHE_BYTES = 9 * 2**20
# Multiplications per step of a group, below which several threads gain nothing, and are many times
# slower on a busy machine: threads that synchronize at every product wait for the busiest core
# (docs/benchmarks.md, "One group on two threads").
SHARED_WORK = 3 * 10**9
# Multiplications per step, below which a group is not worth its own thread: Python's overhead,
# which only one thread at a time can run (the GIL), takes as long as the products. An order of
# magnitude as well: 3e7 take about 0.6 ms at 100 GFLOP/s. No benchmark of it is kept either.
GROUP_WORK = 3 * 10**7
# The largest share of memory for tables, and for groups: together half. A choice, not measured; the
# other half is for the data set itself, evaluation and other processes.
MEMORY_SHARE = 0.25
FLOAT = 4


@dataclass(frozen=True)
class Round:
    """Groups that are trained before the next round: ``workers`` at a time, ``threads`` each."""

    groups: list[list[Member]]
    workers: int
    threads: int


@dataclass(frozen=True)
class Plan:
    """Groups of members, how many are trained at a time, and the threads per group.

    ``splits``: a group has enough work for several threads.
    """

    groups: list[list[Member]]
    workers: int
    threads: int = 1
    splits: bool = False

    @property
    def rounds(self) -> list[Round]:
        """One round, or a second one for the last groups if these would leave cores idle."""
        left = len(self.groups) % self.workers if self.splits else 0
        even = Round(self.groups[: len(self.groups) - left], self.workers, self.threads)
        if not left:
            return [even]
        threads = max(1, self.workers * self.threads // left)
        return [even, Round(self.groups[-left:], left, threads)]


def make_plan(
    data: Data,
    members: Sequence[Member],
    device: torch.device,
    slots: int | None = None,
    compared: bool = False,
) -> Plan:
    """Split the members into groups; depends on the hardware, never on its current load.

    ``slots`` is the number of groups that are trained at a time; by default that of the cores.
    ``compared``: members with the same hyperparameters, where others have different ones, are
    compared with the others while they train, and so stay together.
    """
    workers = (slots or torch.get_num_threads()) if device.type == "cpu" else 1
    together = _tables_together(data, device)
    groups: list[list[Member]] = []
    heaviest = 0
    for same in _equal_sized(data, members, together):
        params = same[0].params
        network = build_network(params, data.columns, data.task.width)
        # Multiply-adds of a member's step: a forward pass, and a backward one that costs double.
        each = 3 * min(params.batch_size, data.rows) * network.row_work
        most = _most_together(data, params, network, device, workers)
        starts = _starts(same) if compared else []
        own = _split_into_groups(same, -(-GROUP_WORK // each), most, workers, starts)
        heaviest = max(heaviest, each * max(len(group) for group in own))
        groups += own
    at_once = min(workers, len(groups), max(1, together))
    splits = heaviest > SHARED_WORK
    return Plan(groups, at_once, max(1, workers // at_once) if splits else 1, splits)


def _most_together(
    data: Data, params: NetworkParams, network: Layer, device: torch.device, workers: int
) -> int:
    """The largest group that fits into cache and memory, in members."""
    if network.fills_a_core and device.type == "cpu":
        return 1
    numbers = sum(parameter.size for parameter in network.parameters())
    # Weights, gradients, two moments; averages and best weights if they are kept.
    kept = 4 + 2 * (params.averaging != "none") + 2 * bool(params.early_stopping)
    # Per layer roughly four tensors: the output, its mask and the gradients of both.
    batch = 4 * min(params.batch_size, data.rows) * network.row_size
    in_memory = memory_of(device) * MEMORY_SHARE / (workers * FLOAT * (kept * numbers + batch))
    in_cache = CACHE_BYTES / (4 * FLOAT * numbers) if device.type == "cpu" else in_memory
    return max(1, round(min(in_cache, in_memory)))


def _tables_together(data: Data, device: torch.device) -> int:
    """How many tables fit into memory together; inputs that are made on the fly take none."""
    if isinstance(data.tables, Inputs):
        return sys.maxsize
    return int(memory_of(device) * MEMORY_SHARE / (FLOAT * data.rows * max(1, data.columns.total)))


def _equal_sized(data: Data, members: Sequence[Member], together: int) -> list[list[Member]]:
    """Members that may share a group: equal layers, equal steps per epoch, tables that fit."""
    tables = 1 if data.shared else len({member.table for member in members})
    # A group stacks its tables, which is a copy unless it reads only one table.
    apart = 2 * tables > together
    layers = structures([member.params for member in members])
    # In the order of the members, so that groups of one layout stay in order.
    number = {layout: place for place, layout in enumerate(dict.fromkeys(layers))}

    def key(pair: tuple[Member, str]) -> tuple[int, int, int]:
        member, layout = pair
        steps = steps_per_epoch(len(member.train), member.params.batch_size)
        return number[layout], steps, member.table if apart else 0

    pairs = sorted(zip(members, layers, strict=True), key=key)
    return [[member for member, _ in same] for _, same in groupby(pairs, key)]


def _starts(members: Sequence[Member]) -> list[int]:
    """Where members with other hyperparameters begin, and the end; empty if all have the same."""
    starts = [places.start for _, places in runs([member.params for member in members])]
    return [*starts, len(members)] if len(starts) > 1 else []


def _split_into_groups(
    members: list[Member], least: int, most: int, workers: int, starts: Sequence[int]
) -> list[list[Member]]:
    """Even groups of at most ``most`` members: as many as needed to keep all workers busy, unless
    groups would get smaller than ``least``; they begin at ``starts``, if there are any."""
    needed = -(-len(members) // most)
    count = max(needed, min(-(-needed // workers) * workers, len(members) // least))
    bounds = [number * len(members) // count for number in range(count + 1)]
    if starts:
        bounds = [min(starts, key=lambda start: abs(start - bound)) for bound in bounds]
        bounds = list(dict.fromkeys(bounds))
    return [members[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]
