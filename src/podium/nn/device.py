"""Where networks run: device, memory, floating-point type and threads."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

from podium.config import ImageNetworkParams, NetworkParams
from podium.io.errors import PodiumError

# CPU features, as torch names them, by which oneDNN multiplies in bfloat16.
BFLOAT16 = ("avx512_bf16", "amx_bf16")


def device_of(params: NetworkParams) -> torch.device:
    """The device that ``device`` names; ``auto`` is CUDA where available.

    Raises:
        PodiumError: CUDA is asked for and not available.
    """
    available = torch.cuda.is_available()
    if params.device == "cuda" and not available:
        raise PodiumError("device: cuda, but this machine has no CUDA device; use auto or cpu")
    return torch.device("cuda" if available and params.device != "cpu" else "cpu")


def memory_of(device: torch.device) -> float:
    """Bytes of memory of the device."""
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def compute_type(params: NetworkParams, device: torch.device) -> torch.dtype:
    """bfloat16 for products where asked (no loss scaling needed), else float32.

    On a CPU for images only, whose pixels have 8 bits, and only where it has instructions for it.
    Predictions use it too, so that the end of a member's curve is its score.
    """
    if not params.mixed_precision:
        return torch.float32
    on_cpu = isinstance(params, ImageNetworkParams) and has_bfloat16()
    return torch.bfloat16 if device.type == "cuda" or on_cpu else torch.float32


def has_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16; elsewhere torch emulates it, which is slow."""
    there = torch.cpu.get_capabilities()
    return torch.backends.mkldnn.is_available() and any(there.get(name) for name in BFLOAT16)


@contextmanager
def pool_of(workers: int, threads: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of ``workers`` with ``threads`` torch threads each; restores the count at the end."""
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(workers, "", torch.set_num_threads, (threads,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


@contextmanager
def threads_of(count: int) -> Iterator[None]:
    """This thread's torch operations take so many threads; restores the count at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def worker_pool(device: torch.device, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Workers for ``jobs`` jobs: on a CPU they share the threads, on a GPU there is one."""
    cores = torch.get_num_threads()
    workers = max(1, min(cores, jobs)) if device.type == "cpu" else 1
    with pool_of(workers, max(1, cores // workers)) as pool:
        yield pool
