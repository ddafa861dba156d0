"""Packs the image files of a folder or a zip into one flat zip, without unpacking them to disk.

The zip depends only on the images, byte for byte: sorted names without folders, no timestamps, no
compression (PNG and JPEG are already compressed).
"""

import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from podium.data.sources.archive import (
    OTHER_ARCHIVES,
    contents,
    find,
    index_of,
    is_folder,
    is_system,
    other_archive_of,
    parts,
    unpacked_inside,
)
from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.io.zips import MAX_IMAGE_BYTES, check_amount, check_entry, open_zip, read_entry

SUFFIXES = (".png", ".jpg", ".jpeg")
# Unsupported image formats, which are refused. Other files (a readme, a list) are ignored.
OTHER_IMAGES = (".bmp", ".gif", ".tif", ".tiff", ".webp", ".heic", ".jp2", ".dcm", ".npy")
MODE = 0o644 << 16
UNIX = 3


@dataclass(frozen=True)
class Member:
    """A file of the source: its folders and name, and how to read it.

    ``entry`` is its entry if the source is a zip.
    """

    parts: Sequence[str]
    read: Callable[[], bytes]
    entry: zipfile.ZipInfo | None = None

    @property
    def name(self) -> str:
        """The name without folders."""
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """The suffix in lower case, such as ``.png``."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def path(self) -> str:
        """Folders and name, for error messages."""
        return printable("/".join(self.parts))


def pack_folder(where: Path, there: str, target: Path) -> None:
    """Pack the images of the folder or zip ``there`` in ``where`` into the zip ``target``.

    Raises:
        PodiumError: it is missing, not a zip, without images, or has images with the same name or
            of an unsupported format.
    """
    path = where / there
    _refuse_other_archives(where, there, target)
    if path.is_dir():
        _pack(_images(path, list(_files(path))), target)
    elif path.is_file():
        with open_zip(path, path) as zipped:
            _pack_entries(path, zipped, zipped.infolist(), path.stat().st_size, target)
    else:
        names = sorted(entry.name for entry in where.iterdir())
        raise _missing(where, there, names, few(names), target)


def pack_zip(archive: Path, there: str, target: Path) -> None:
    """Pack the images of the folder or zip ``there`` inside a zip into the zip ``target``.

    Raises:
        PodiumError: as ``pack_folder``; or the zip is a zip bomb or too large for the disk.
    """
    with open_zip(archive, archive) as zipped:
        _refuse_other_archives(archive, there, target)
        inside = [entry for entry in zipped.infolist() if _is_in(entry, there)]
        if inside:
            name = f"{archive}: {there}"
            _pack_entries(name, zipped, inside, archive.stat().st_size, target)
        elif there.lower().endswith(".zip"):
            _pack_nested(archive, zipped, there, target)
        else:
            names = sorted({parts(entry)[-1] for entry in zipped.infolist()})
            raise _missing(archive, there, names, contents(zipped), target)


def _pack_nested(archive: Path, zipped: zipfile.ZipFile, there: str, target: Path) -> None:
    name = f"{archive}: {there}"
    entry = find(archive, index_of(zipped.infolist()), there)
    check_amount(archive, [entry], archive.stat().st_size, target.parent)
    with (
        unpacked_inside(archive, zipped, entry, target.parent) as copy,
        open_zip(name, copy) as nested,
    ):
        _pack_entries(name, nested, nested.infolist(), entry.compress_size, target)


def _files(folder: Path) -> Iterable[Member]:
    """All files below a folder; links to folders are not followed."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            yield Member(path.relative_to(folder).parts, partial(_read_file, path))


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise PodiumError(f"{path}: is not a regular file; remove it")
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise PodiumError(
            f"{path}: has {path.stat().st_size} bytes, which is too large for an image; remove it"
        )
    return path.read_bytes()


def _pack_entries(
    where: object,
    zipped: zipfile.ZipFile,
    entries: Iterable[zipfile.ZipInfo],
    packed: int,
    target: Path,
) -> None:
    """Pack the images of a zip; its entries are checked before anything is written."""
    members = [
        Member(parts(entry), partial(read_entry, where, zipped, entry, MAX_IMAGE_BYTES), entry)
        for entry in entries
        if not is_folder(entry)
    ]
    images = _images(where, members)
    taken = [member.entry for member in images if member.entry is not None]
    for entry in taken:
        check_entry(where, entry, MAX_IMAGE_BYTES)
    check_amount(where, taken, packed, target.parent)
    _pack(images, target)


def _is_in(entry: zipfile.ZipInfo, folder: str) -> bool:
    """Whether an entry is in a folder of that name, at any level."""
    wanted, found = folder.strip("/").split("/"), parts(entry)[:-1]
    return any(
        found[start : start + len(wanted)] == wanted
        for start in range(len(found) - len(wanted) + 1)
    )


def _pack(images: Sequence[Member], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as zipped:
        for member in images:
            entry = zipfile.ZipInfo(member.name)
            entry.external_attr, entry.create_system = MODE, UNIX
            zipped.writestr(entry, member.read())


def _images(where: object, members: Sequence[Member]) -> list[Member]:
    """The images among the files, sorted by name; system files and other files are left out."""
    found: dict[str, Member] = {}
    for member in members:
        if is_system(member.parts):
            continue
        if member.suffix in OTHER_IMAGES:
            raise PodiumError(f"{where}: {member.path} is neither PNG nor JPEG; convert such files")
        if member.suffix in SUFFIXES:
            other = found.setdefault(member.name, member)
            if other is not member:
                raise PodiumError(
                    f"{where}: two images have the name {printable(member.name)}: {other.path} and "
                    f"{member.path}; names must be unique across folders"
                )
    if not found:
        raise PodiumError(
            f"{where}: none of the {len(members)} files is an image ({', '.join(SUFFIXES)}); "
            f"set the right folder or zip under source.files"
        )
    return sorted(found.values(), key=lambda member: member.name)


def _refuse_other_archives(where: Path, there: str, target: Path) -> None:
    if there.lower().endswith(OTHER_ARCHIVES):
        raise _other_archive(where, there, target)


def _other_archive(where: Path, name: str, target: Path) -> PodiumError:
    return PodiumError(
        f"{where}: {name} is an archive that Podium doesn't read: unpack it, set source.provider "
        f"to local, and set source.files.{target.stem} to the folder"
    )


def _missing(
    where: Path, there: str, names: Sequence[str], shown: str, target: Path
) -> PodiumError:
    """An error that names what is there instead: an archive of that name, or other files."""
    other = other_archive_of(there, names)
    if other is not None:
        return _other_archive(where, printable(other), target)
    return PodiumError(
        f"{where}: no folder or zip '{there}' of images; found: {shown}; set the right one under "
        f"source.files.{target.stem}"
    )
