"""Images as files in zips: decoded by threads into one array, damaged ones named or counted."""

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
from podium.io.errors import PodiumError
from podium.io.zips import MAX_IMAGE_BYTES, open_zip, read_entry
from podium.runtime.resources import cores

# Images that a thread takes at once.
BATCH = 128

Size = tuple[int, int]
# Row and reason of every file that is no image.
Damage = dict[int, str]


def read_images(folder: Path, competition: ImageCompetition) -> RawImages:
    """All images at one size, in the order of labels.csv and the sample submission.

    Raises:
        PodiumError: as ``read_listing``; or a file is damaged, of another size than the others
            while none is asked for, or all of them are too large for memory.
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
    return _raw_images(listing, train, test)


class _Files:
    """Some of the files of a zip, in order; what is damaged is kept with the reason."""

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
        """Pixels of every file, shape (n, height, width, channels); black for damaged ones."""
        self.pixels = np.zeros((len(self.names), *size, channels), dtype=np.uint8)

        def read(row: int, content: bytes) -> None:
            self.pixels[row] = decode(content, channels, size)

        self._each(read)

    def _each(self, read: Callable[[int, bytes], None]) -> None:
        """Read every file that isn't known to be damaged, by threads."""
        rows = [row for row in range(len(self.names)) if row not in self.damage]
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        with open_zip(self.archive.name, self.archive) as zipped:

            def read_batch(batch: Sequence[int]) -> None:
                for row in batch:
                    try:
                        read(row, self._content(zipped, row))
                    except DamagedImageError as error:
                        self.damage[row] = str(error)

            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(read_batch, batches))

    def _content(self, zipped: ZipFile, row: int) -> bytes:
        entry = zipped.getinfo(self.names[row])
        return read_entry(self.archive.name, zipped, entry, MAX_IMAGE_BYTES)

    def refuse_damage(self, competition: ImageCompetition) -> None:
        """Stop at damaged files, unless they may be skipped and there are others."""
        spec = competition.preprocess
        if not self.damage or (spec.damaged == "skip" and len(self.damage) < len(self.names)):
            return
        row = min(self.damage)
        hint = (
            f"mend it at the source and run 'dvc repro -f download@{competition.name}', or set "
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
    """The size asked for, or else the one of all images."""
    if spec.size is not None:
        return spec.size[0], spec.size[1]
    sizes = Counter((header.height, header.width) for header in train.headers.values())
    usual = sizes.most_common(1)[0][0]
    for files in (train, test):
        for row, header in sorted(files.headers.items()):
            if (header.height, header.width) != usual:
                raise PodiumError(
                    f"{files.archive.name}: {files.names[row]} is {header.height} x "
                    f"{header.width} pixels (height x width), others are {usual[0]} x "
                    f"{usual[1]}; set preprocess.size to [height, width] to resize all"
                )
    return usual


def _channels(train: _Files, spec: ImagePreprocess) -> int:
    if spec.channels == "auto":
        return 1 if all(header.grey for header in train.headers.values()) else 3
    return 1 if spec.channels == "grey" else 3


def _raw_images(listing: Listing, train: _Files, test: _Files) -> RawImages:
    whole = [row for row in range(len(train.names)) if row not in train.damage]
    return RawImages(
        train=train.pixels[whole] if train.damage else train.pixels,
        labels=listing.labels.iloc[whole].reset_index(drop=True),
        train_ids=listing.train_ids.iloc[whole].reset_index(drop=True),
        test=test.pixels,
        test_ids=listing.test_ids,
        labels_file=LABELS,
        skipped=train.damaged_names(),
        blank=test.damaged_names(),
    )
