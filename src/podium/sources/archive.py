"""Zip archives, unpacked with checks: only the files asked for, no path from inside is trusted."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from podium.errors import PodiumError

# No competition table that fits Podium's memory model is larger than this when unpacked.
MAX_BYTES = 64 * 1024**3


def extract(archive: Path, folder: Path, names: dict[str, str]) -> None:
    """Unpack the files ``names`` (name inside -> name to write) of a zip into ``folder``.

    A file may lie in a sub-folder of the zip; its name alone decides, and it is written under the
    name given here, so no entry can point outside ``folder``.

    Raises:
        PodiumError: not a zip, truncated or damaged, a file missing, linked, ambiguous or too big.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            for inside, name in names.items():
                entry = _find(archive, zipped, inside)
                with zipped.open(entry) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise PodiumError(
            f"{archive}: not a whole zip ({error}); download or copy it again"
        ) from None


def _find(archive: Path, zipped: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [
        entry
        for entry in zipped.infolist()
        if not entry.is_dir() and entry.filename.rsplit("/", 1)[-1] == name
    ]
    if len(found) != 1:
        holds = ", ".join(sorted(zipped.namelist())[:8])
        what = "file is missing" if not found else "stands there more than once"
        raise PodiumError(
            f"{archive}: {name}: {what} in the zip, which holds: {holds}; "
            "name the right one under source.files"
        )
    entry = found[0]
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise PodiumError(f"{archive}: {name}: is a link; pack the file itself")
    if entry.file_size > MAX_BYTES:
        raise PodiumError(
            f"{archive}: {name}: unpacks to {entry.file_size} bytes, which is too big"
        )
    return entry
