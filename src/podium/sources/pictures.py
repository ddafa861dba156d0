"""Image files out of a folder or a zip, packed into one flat zip: nothing lies about unpacked.

The zip is the same byte for byte wherever the same images come from: sorted names without folders,
no clock, no compression (PNG and JPEG are compressed).
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from podium.csv_files import few
from podium.errors import PodiumError
from podium.sources.archive import check_entry, contents, find, parts
from podium.zips import open_zip

SUFFIXES = (".png", ".jpg", ".jpeg")
# Images that would be missed. Any other file (a readme, a list) may lie beside the images.
OTHER_IMAGES = (".bmp", ".gif", ".tif", ".tiff", ".webp", ".heic", ".jp2", ".dcm", ".npy")
OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
# Beside the hidden ones, which start with a dot.
SYSTEM = ("__macosx", "thumbs.db", "desktop.ini")
# More than any image of a sane size; a zip may claim anything.
MAX_IMAGE_BYTES = 256 * 1024**2
MODE = 0o644 << 16
UNIX = 3


@dataclass(frozen=True)
class Member:
    """A file where the images come from: its folders and name there, and how to read it."""

    parts: Sequence[str]
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        """The name without folders."""
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """``.png`` and the like, in small letters."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def is_system(self) -> bool:
        """Whether an operating system put it there, or hides it."""
        names = [part.lower() for part in self.parts if part not in (".", "..")]
        return any(name.startswith(".") or name in SYSTEM for name in names)


def pack_folder(where: Path, there: str, target: Path) -> None:
    """Pack the images of the folder or zip ``there`` in ``where`` into the zip ``target``.

    Raises:
        PodiumError: it is missing, no zip, or holds no images, some twice, or of other formats.
    """
    path = where / there
    _refuse_other_archives(where, there, target)
    if path.is_dir():
        _pack(path, list(_files(path)), target)
    elif path.is_file():
        with open_zip(path, path) as zipped:
            _pack(path, _entries(path, zipped.infolist(), zipped), target)
    else:
        names = sorted(entry.name for entry in where.iterdir())
        raise _missing(where, there, names, few(names), target)


def pack_zip(archive: Path, there: str, target: Path) -> None:
    """Pack the images of the folder or zip ``there`` inside a zip into the zip ``target``.

    Raises:
        PodiumError: as ``pack_folder``.
    """
    with open_zip(archive, archive) as zipped:
        _refuse_other_archives(archive, there, target)
        inside = [entry for entry in zipped.infolist() if _lies_in(entry, there)]
        if inside:
            _pack(f"{archive}: {there}", _entries(archive, inside, zipped), target)
        elif there.lower().endswith(".zip"):
            _pack_nested(archive, zipped, there, target)
        else:
            names = sorted({parts(entry)[-1] for entry in zipped.infolist()})
            raise _missing(archive, there, names, contents(zipped), target)


def _pack_nested(archive: Path, zipped: zipfile.ZipFile, there: str, target: Path) -> None:
    name = f"{archive}: {there}"
    with zipped.open(find(archive, zipped, there)) as source, tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(source, copy)
        with open_zip(name, copy) as nested:
            _pack(name, _entries(name, nested.infolist(), nested), target)


def _files(folder: Path) -> Iterable[Member]:
    """All files below a folder; folders that are links are not followed."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            yield Member(path.relative_to(folder).parts, path.read_bytes)


def _entries(
    where: object, entries: Iterable[zipfile.ZipInfo], zipped: zipfile.ZipFile
) -> list[Member]:
    def read(entry: zipfile.ZipInfo) -> bytes:
        check_entry(where, entry, MAX_IMAGE_BYTES)
        return zipped.read(entry)

    return [Member(parts(entry), partial(read, entry)) for entry in entries if not entry.is_dir()]


def _lies_in(entry: zipfile.ZipInfo, folder: str) -> bool:
    """Whether an entry lies in a folder of that name, which may itself lie in another."""
    wanted, found = folder.strip("/").split("/"), parts(entry)[:-1]
    return any(
        found[start : start + len(wanted)] == wanted
        for start in range(len(found) - len(wanted) + 1)
    )


def _pack(where: object, members: Sequence[Member], target: Path) -> None:
    images = _images(where, members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as zipped:
        for member in images:
            entry = zipfile.ZipInfo(member.name)
            entry.external_attr, entry.create_system = MODE, UNIX
            zipped.writestr(entry, member.read())


def _images(where: object, members: Sequence[Member]) -> list[Member]:
    """The images among the files, by name; files of the system and others are left out."""
    found: dict[str, Member] = {}
    for member in members:
        if member.is_system:
            continue
        if member.suffix in OTHER_IMAGES:
            raise PodiumError(
                f"{where}: {'/'.join(member.parts)} is neither PNG nor JPEG; convert such files"
            )
        if member.suffix in SUFFIXES:
            other = found.setdefault(member.name, member)
            if other is not member:
                raise PodiumError(
                    f"{where}: two images are called {member.name}: {'/'.join(other.parts)} and "
                    f"{'/'.join(member.parts)}; names must differ, folders don't count"
                )
    if not found:
        raise PodiumError(
            f"{where}: holds no image ({', '.join(SUFFIXES)}) among {len(members)} files; "
            f"name the right folder or zip under source.files"
        )
    return [found[name] for name in sorted(found)]


def _refuse_other_archives(where: Path, there: str, target: Path) -> None:
    if there.lower().endswith(OTHER_ARCHIVES):
        raise _other_archive(where, there, target)


def _other_archive(where: Path, name: str, target: Path) -> PodiumError:
    return PodiumError(
        f"{where}: {name} is an archive that Podium doesn't read: unpack it, set source.provider "
        f"to local, and name the folder under source.files.{target.stem}"
    )


def _missing(
    where: Path, there: str, names: Sequence[str], shown: str, target: Path
) -> PodiumError:
    """What is there instead: an archive of the same name, or something else altogether."""
    for name in names:
        if name.lower().endswith(OTHER_ARCHIVES) and name.split(".")[0] == Path(there).stem:
            return _other_archive(where, name, target)
    return PodiumError(
        f"{where}: no folder or zip '{there}' of images; there are: {shown}; name the right one "
        f"under source.files.{target.stem}"
    )
