"""Zip archives, unpacked with checks: only the files asked for, no path from inside is trusted."""

import shutil
import stat
import zipfile
from pathlib import Path

from podium.errors import PodiumError
from podium.zips import open_zip

# No competition that fits Podium's memory model is larger than this when unpacked.
MAX_BYTES = 64 * 1024**3
ENCRYPTED = 0x1


def extract(archive: Path, folder: Path, names: dict[str, str]) -> None:
    """Unpack the files ``names`` (name inside -> name to write) of a zip into ``folder``.

    A file may lie in a sub-folder of the zip; its name alone decides, and it is written under the
    name given here, so no entry can point outside ``folder``.

    Raises:
        PodiumError: not a zip, truncated or damaged, a file missing, linked, encrypted, ambiguous
            or too big.
    """
    with open_zip(archive, archive) as zipped:
        for inside, name in names.items():
            entry = find(archive, zipped, inside)
            with zipped.open(entry) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def find(archive: object, zipped: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The one entry of that name, in whichever folder of the zip.

    Raises:
        PodiumError: there is none, or more than one, or it is no plain file.
    """
    found = [
        entry for entry in zipped.infolist() if not entry.is_dir() and parts(entry)[-1] == name
    ]
    if len(found) != 1:
        what = "file is missing" if not found else "stands there more than once"
        raise PodiumError(
            f"{archive}: {name}: {what} in the zip, which holds: {contents(zipped)}; "
            "name the right one under source.files"
        )
    check_entry(archive, found[0])
    return found[0]


def contents(zipped: zipfile.ZipFile) -> str:
    """What lies at the top of a zip, in short."""
    top = {parts(entry)[0] + ("/" if len(parts(entry)) > 1 else "") for entry in zipped.infolist()}
    return ", ".join(sorted(top)[:8])


def parts(entry: zipfile.ZipInfo) -> list[str]:
    """An entry's folders and its name; some packers on Windows write backslashes."""
    return entry.filename.replace("\\", "/").split("/")


def check_entry(archive: object, entry: zipfile.ZipInfo, most: int = MAX_BYTES) -> None:
    """Stop at what is no plain file of at most so many bytes.

    Raises:
        PodiumError: it is a link, encrypted or too big.
    """
    where = f"{archive}: {entry.filename}"
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise PodiumError(f"{where}: is a link; pack the file itself")
    if entry.flag_bits & ENCRYPTED:
        raise PodiumError(f"{where}: is encrypted; unpack it with its password first")
    if entry.file_size > most:
        raise PodiumError(f"{where}: unpacks to {entry.file_size} bytes, which is too big")
