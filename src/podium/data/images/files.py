"""Image files in zips: decoded by threads into a mapped file; damaged ones refused or skipped."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from podium.config import ImageCompetition, ImagePreprocess
from podium.data.images.decode import (
    DamagedImageError,
    Header,
    bombs_are_errors,
    decode,
    read_header,
)
from podium.data.images.listing import LABELS, TEST, TRAIN, Listing, read_listing
from podium.data.images.raw import Pixels, RawImages
from podium.data.images.resize import check_memory
from podium.data.images.spool import chosen, forget, spooled
from podium.io.errors import PodiumError
from podium.io.zips import MAX_IMAGE_BYTES, open_zip, read_entry
from podium.runtime.resources import cores

# Images per task of a thread.
BATCH = 128

Size = tuple[int, int]
# Row and reason of every damaged file.
Damage = dict[int, str]


def read_images(folder: Path, competition: ImageCompetition) -> RawImages:
    """All images at one size, in the order of labels.csv and the sample submission.

    Raises:
        PodiumError: as ``read_listing``; or a file is damaged, sizes differ while
            ``preprocess.size`` is null, or all images together are too large for memory.
    """
    listing, spec = read_listing(folder, competition), competition.preprocess
    train, test = (
        _Files(folder / TRAIN, listing.train_files),
        _Files(folder / TEST, listing.test_files),
    )
    with bombs_are_errors():
        for files in (train, test):
            files.read_headers()
            files.refuse_damage(competition)
        size, channels = _size(train, test, spec), _channels(train, spec)
        check_memory(len(train.names) + len(test.names), size, channels)
        for files in (train, test):
            files.decode(size, channels)
            files.refuse_damage(competition)
    return _raw_images(listing, train, test, folder)


class _Files:
    """Some files of a zip, in order, and the reasons why some of them are damaged."""

    def __init__(self, archive: Path, names: Sequence[str]) -> None:
        self.archive, self.names = archive, names
        self.headers: dict[int, Header] = {}
        self.damage: Damage = {}
        self.pixels: Pixels = np.empty((0, 0, 0, 0), dtype=np.uint8)

    def read_headers(self) -> None:
        """Size and colours of every file."""

        def read(row: int, content: bytes) -> None:
            self.headers[row] = read_header(content)

        self._each(read)

    def decode(self, size: Size, channels: int) -> None:
        """Pixels of every file, shape (n, height, width, channels); black if damaged."""
        self.pixels = spooled((len(self.names), *size, channels), self.archive.parent)

        def read(row: int, content: bytes) -> None:
            self.pixels[row] = decode(content, channels, size)

        self._each(read)

    def _each(self, read: Callable[[int, bytes], None]) -> None:
        """Read every file that isn't known to be damaged, in threads."""
        rows = [row for row in range(len(self.names)) if row not in self.damage]
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        with open_zip(self.archive.name, self.archive) as zipped:

            def read_batch(batch: Sequence[int]) -> None:
                for row in batch:
                    try:
                        read(row, self._content(zipped, row))
                    except DamagedImageError as error:
                        self.damage[row] = str(error)
                forget(self.pixels)

            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(read_batch, batches))

    def _content(self, zipped: ZipFile, row: int) -> bytes:
        entry = zipped.getinfo(self.names[row])
        return read_entry(self.archive.name, zipped, entry, MAX_IMAGE_BYTES)

    def refuse_damage(self, competition: ImageCompetition) -> None:
        """Raise if files are damaged, unless they may be skipped and others are left."""
        spec = competition.preprocess
        if not self.damage or (spec.damaged == "skip" and len(self.damage) < len(self.names)):
            return
        row = min(self.damage)
        hint = (
            f"fix it at the source and run 'dvc repro -f download@{competition.name}', or set "
            "preprocess.damaged to skip"
        )
        raise PodiumError(
            f"{self.archive.name}: {self.names[row]} is damaged: {self.damage[row]} "
            f"({len(self.damage)} such files found); "
            f"{hint if spec.damaged == 'stop' else 'no other is left'}"
        )

    def damaged_names(self) -> list[str]:
        """The names of damaged files, in order."""
        return [self.names[row] for row in sorted(self.damage)]


def _size(train: _Files, test: _Files, spec: ImagePreprocess) -> Size:
    """``preprocess.size``, or else the common size of all images."""
    if spec.size is not None:
        return spec.size[0], spec.size[1]
    sizes = Counter((header.height, header.width) for header in train.headers.values())
    common = sizes.most_common(1)[0][0]
    for files in (train, test):
        for row, header in sorted(files.headers.items()):
            if (header.height, header.width) != common:
                raise PodiumError(
                    f"{files.archive.name}: {files.names[row]} is {header.height} x "
                    f"{header.width} pixels (height x width), others are {common[0]} x "
                    f"{common[1]}; set preprocess.size to [height, width] to resize all"
                )
    return common


def _channels(train: _Files, spec: ImagePreprocess) -> int:
    if spec.channels == "auto":
        return 1 if all(header.grey for header in train.headers.values()) else 3
    return 1 if spec.channels == "grey" else 3


def _raw_images(listing: Listing, train: _Files, test: _Files, folder: Path) -> RawImages:
    readable = [row for row in range(len(train.names)) if row not in train.damage]
    return RawImages(
        train=chosen(train.pixels, readable, folder) if train.damage else train.pixels,
        labels=listing.labels.iloc[readable].reset_index(drop=True),
        train_ids=listing.train_ids.iloc[readable].reset_index(drop=True),
        test=test.pixels,
        test_ids=listing.test_ids,
        labels_file=LABELS,
        skipped=train.damaged_names(),
        blank=test.damaged_names(),
    )
