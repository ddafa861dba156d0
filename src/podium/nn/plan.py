"""Which members are trained together, and how many such groups at once.

On a CPU a group is as large as the cache allows, since every step sweeps over all its weights and
moments, and each core trains a group of its own: matrices of this size are too small to be worth
splitting between cores. On a GPU a group is as large as the memory allows.
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

# A group's weights, gradients and two moments: a core's share of a usual last-level cache. Measured
# (docs/mlp.md): half and double of it are both slower on 256-128 networks.
CACHE_BYTES = 9 * 2**20
# A step of less work than this is slower on several threads than on one, and on a busy machine by
# far: threads that wait for each other at every product wait for the busiest core.
SHARED_WORK = 10**8
# Groups of less work a step than this are not worth a thread of their own: Python, which one thread
# at a time can run, takes as long as their products.
GROUP_WORK = 3 * 10**7
# The share of the machine's memory that tables and groups may take, each.
MEMORY_SHARE = 0.25
FLOAT = 4


@dataclass(frozen=True)
class Round:
    """Groups that are trained before the next round's, so many at once, with so many threads."""

    groups: list[list[Member]]
    workers: int
    threads: int


@dataclass(frozen=True)
class Plan:
    """Groups of members, how many of them are trained at once, and the threads of each.

    ``splits``: a group has work enough for several threads.
    """

    groups: list[list[Member]]
    workers: int
    threads: int = 1
    splits: bool = False

    @property
    def rounds(self) -> list[Round]:
        """All groups, or, where one left over at the end would keep cores idle, those apart."""
        left = len(self.groups) % self.workers if self.splits else 0
        even = Round(self.groups[: len(self.groups) - left], self.workers, self.threads)
        if not left:
            return [even]
        threads = max(1, self.workers * self.threads // left)
        return [even, Round(self.groups[-left:], left, threads)]


def make_plan(
    data: Data, members: Sequence[Member], params: NetworkParams, device: torch.device
) -> Plan:
    """Deal the members into groups; the machine decides, never what happens to be running on it."""
    workers = torch.get_num_threads() if device.type == "cpu" else 1
    network = build_network(params, data.columns, data.task.width)
    # Multiply-adds of a member's step, forward and back, roughly.
    each = 3 * min(params.batch_size, data.rows) * network.row_work
    most = _most_together(data, params, network, device, workers)
    least = -(-GROUP_WORK // each)
    together = _tables_together(data, device)
    groups: list[list[Member]] = []
    for same in _alike(data, members, params, together):
        groups += _dealt(same, least, most, workers)
    at_once = min(workers, len(groups), max(1, together))
    splits = max(len(group) for group in groups) * each > SHARED_WORK
    return Plan(groups, at_once, max(1, workers // at_once) if splits else 1, splits)


def _most_together(
    data: Data, params: NetworkParams, network: Layer, device: torch.device, workers: int
) -> int:
    """The most members of a group that fit into cache and memory."""
    if network.fills_a_core:
        return 1
    numbers = sum(parameter.size for parameter in network.parameters())
    # Weights, gradients, two moments; averages and best weights where they are kept.
    kept = 4 + 2 * (params.averaging != "none") + 2 * bool(params.early_stopping)
    # Of each layer the output, its mask and their gradients, roughly.
    batch = 4 * min(params.batch_size, data.rows) * network.row_size
    in_memory = memory_of(device) * MEMORY_SHARE / (workers * FLOAT * (kept * numbers + batch))
    in_cache = CACHE_BYTES / (4 * FLOAT * numbers) if device.type == "cpu" else in_memory
    return max(1, round(min(in_cache, in_memory)))


def _tables_together(data: Data, device: torch.device) -> int:
    """How many tables fit into memory at once; what is made when it is read takes none."""
    if isinstance(data.tables, Inputs):
        return sys.maxsize
    return int(memory_of(device) * MEMORY_SHARE / (FLOAT * data.rows * max(1, data.columns.total)))


def _alike(
    data: Data, members: Sequence[Member], params: NetworkParams, together: int
) -> list[list[Member]]:
    """Members that may share a group: as many steps an epoch, and tables that fit into memory."""
    tables = 1 if data.shared else len({member.table for member in members})
    # A group holds its tables' rows below each other: a copy, unless it reads one table only.
    apart = 2 * tables > together

    def key(member: Member) -> tuple[int, int]:
        table = member.table if apart else 0
        return steps_per_epoch(len(member.train), params.batch_size), table

    return [list(same) for _, same in groupby(sorted(members, key=key), key)]


def _dealt(members: list[Member], least: int, most: int, workers: int) -> list[list[Member]]:
    """Even groups of at most ``most`` members, as many as keep all workers busy, but for their sake
    none of less than ``least``.
    """
    needed = -(-len(members) // most)
    count = max(needed, min(-(-needed // workers) * workers, len(members) // least))
    bounds = [number * len(members) // count for number in range(count + 1)]
    return [members[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]
