"""Pixels of very many images: in a file that is mapped, of which only a part is in memory."""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from podium.data.images.raw import Pixels

# Images per block.
BLOCK = 1024


def spooled(shape: Sequence[int], folder: Path) -> Pixels:
    """Black images in a file without a name on the disk of ``folder``, gone with the process."""
    if not np.prod(shape):
        return np.zeros(tuple(shape), dtype=np.uint8)
    with TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=tuple(shape))


def blocks(images: Pixels) -> Iterator[Pixels]:
    """All images, some at a time; what was read is no longer in this process's memory."""
    for start in range(0, len(images), BLOCK):
        yield images[start : start + BLOCK]
        forget(images)


def forget(images: Pixels) -> None:
    """Drop the mapped pages, which stay in the file: the kernel writes them when it needs to."""
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def chosen(images: Pixels, rows: Sequence[int], folder: Path) -> Pixels:
    """Some of the images, in a file of their own."""
    kept = spooled((len(rows), *images.shape[1:]), folder)
    for start in range(0, len(rows), BLOCK):
        kept[start : start + BLOCK] = images[rows[start : start + BLOCK]]
        forget(images)
        forget(kept)
    return kept


def save(path: Path, images: Pixels) -> None:
    """The file that ``numpy.save`` writes, a block at a time."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": images.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks(images):
            file.write(np.ascontiguousarray(block).data)
