"""Zips to read from, with one line for whatever is wrong with them."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from podium.errors import PodiumError


@contextmanager
def open_zip(name: object, file: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A zip to read from; whatever is wrong with it inside the block is said of ``name``.

    Raises:
        PodiumError: not a zip, truncated, damaged, or packed in a way that Python can't read.
    """
    try:
        with zipfile.ZipFile(file) as zipped:
            yield zipped
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise PodiumError(f"{name}: not a whole zip ({error}); download or copy it again") from None
