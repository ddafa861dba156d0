"""Image files out of a folder or a zip, packed into one flat zip: nothing lies about unpacked.

The zip is the same byte for byte wherever the same images come from: sorted names without folders,
no clock, no compression (PNG and JPEG are compressed).
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
# Images that would be missed. Any other file (a readme, a list) may lie beside the images.
OTHER_IMAGES = (".bmp", ".gif", ".tif", ".tiff", ".webp", ".heic", ".jp2", ".dcm", ".npy")
MODE = 0o644 << 16
UNIX = 3


@dataclass(frozen=True)
class Member:
    """A file where the images come from: its folders and name there, and how to read it.

    ``entry`` is what a zip says of it.
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
        """``.png`` and the like, in small letters."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def path(self) -> str:
        """Folders and name, as errors show them."""
        return printable("/".join(self.parts))


def pack_folder(where: Path, there: str, target: Path) -> None:
    """Pack the images of the folder or zip ``there`` in ``where`` into the zip ``target``.

    Raises:
        PodiumError: it is missing, no zip, or holds no images, some twice, or of other formats.
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
        PodiumError: as ``pack_folder``; or a zip is a bomb, or the disk is too full for it.
    """
    with open_zip(archive, archive) as zipped:
        _refuse_other_archives(archive, there, target)
        inside = [entry for entry in zipped.infolist() if _lies_in(entry, there)]
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
    """All files below a folder; folders that are links are not followed."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            yield Member(path.relative_to(folder).parts, partial(_read_file, path))


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise PodiumError(f"{path}: is no plain file; remove it")
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise PodiumError(f"{path}: is {path.stat().st_size} bytes, which is too big for an image")
    return path.read_bytes()


def _pack_entries(
    where: object,
    zipped: zipfile.ZipFile,
    entries: Iterable[zipfile.ZipInfo],
    packed: int,
    target: Path,
) -> None:
    """Pack the images of a zip, whose claims are checked before anything is written."""
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


def _lies_in(entry: zipfile.ZipInfo, folder: str) -> bool:
    """Whether an entry lies in a folder of that name, which may itself lie in another."""
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
    """The images among the files, by name; files of the system and others are left out."""
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
                    f"{where}: two images are called {printable(member.name)}: {other.path} and "
                    f"{member.path}; names must differ, folders don't count"
                )
    if not found:
        raise PodiumError(
            f"{where}: holds no image ({', '.join(SUFFIXES)}) among {len(members)} files; "
            f"name the right folder or zip under source.files"
        )
    return sorted(found.values(), key=lambda member: member.name)


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
    other = other_archive_of(there, names)
    if other is not None:
        return _other_archive(where, printable(other), target)
    return PodiumError(
        f"{where}: no folder or zip '{there}' of images; there are: {shown}; name the right one "
        f"under source.files.{target.stem}"
    )
