"""Zips to read from: path, kind, size and ratio are checked, and errors are one line.

Damage is for zipfile to find, which compares the checksum of every entry that it unpacks.
"""

import errno
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import IO

from podium.io.errors import PodiumError
from podium.io.text import printable

# More than any competition unpacks to; what really bounds it is the disk.
MAX_BYTES = 512 * 1024**3
# More than any image of a sane size; a zip may claim anything.
MAX_IMAGE_BYTES = 256 * 1024**2
# Text packs to a tenth, the dullest table to a hundredth; a zip bomb to a thousandth or less.
MAX_RATIO = 200
# What is no larger than this unpacked does no harm, however well it is packed.
HARMLESS_BYTES = 256 * 1024**2

# What to do about an archive that Podium doesn't unpack.
BY_HAND = (
    "unpack it with 7-Zip, then set source.provider to local and source.path to the folder that "
    "it is in"
)
ENCRYPTED = 0x1
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
# Other archives, by the bytes that they start with.
OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}
# What zipfile raises for damage, and beside it for sizes, places and names that make no sense.
DAMAGED = (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError)
SENSELESS = (*DAMAGED, struct.error, ValueError, OverflowError)


class DamagedZipError(PodiumError):
    """A zip that is not whole: another copy of it may be."""


@contextmanager
def open_zip(name: object, file: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A zip to read from; whatever is wrong with it inside the block is said of ``name``.

    Raises:
        DamagedZipError: it is truncated, damaged, or no zip at all.
        PodiumError: it is another archive.
    """
    with file.open("rb") if isinstance(file, Path) else nullcontext(file) as stream:
        _refuse_others(name, stream)
        with _in_one_line(name, SENSELESS):
            zipped = zipfile.ZipFile(stream)
        with zipped, _in_one_line(name, DAMAGED):
            yield zipped


def check_entry(where: object, entry: zipfile.ZipInfo, most: int = MAX_BYTES) -> None:
    """Stop at what is no plain file of at most so many bytes that Podium can unpack.

    Raises:
        PodiumError: it is a link, a device, encrypted, packed in another way, or too big.
    """
    name = f"{where}: {printable(entry.filename)}"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        what = "a link" if kind == stat.S_IFLNK else "no plain file"
        raise PodiumError(f"{name}: is {what}; pack the file itself")
    if entry.flag_bits & ENCRYPTED:
        raise PodiumError(f"{name}: is encrypted; unpack it with its password first")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = METHODS.get(entry.compress_type, f"method {entry.compress_type}")
        raise PodiumError(f"{name}: is packed by {method}, which Podium doesn't read; {BY_HAND}")
    if entry.file_size > most:
        raise PodiumError(f"{name}: unpacks to {entry.file_size} bytes, which is too big")


def check_amount(
    where: object, entries: Sequence[zipfile.ZipInfo], packed: int, folder: Path
) -> None:
    """Stop before anything is written if ``entries`` are a zip bomb, or more than the disk holds.

    Args:
        where: the zip, as errors name it.
        entries: what is about to be unpacked.
        packed: the size of the zip, or of the file that it was itself packed into.
        folder: where it is unpacked to.

    Raises:
        PodiumError: they unpack to too much, or to too much for what is packed; or the disk is too
            full.
    """
    total = sum(entry.file_size for entry in entries)
    packed = min(packed, sum(entry.compress_size for entry in entries))
    if total > MAX_BYTES:
        raise PodiumError(f"{where}: unpacks to {_size(total)}, which is too big")
    if total > HARMLESS_BYTES and total > MAX_RATIO * packed:
        raise PodiumError(
            f"{where}: {_size(packed)} unpack to {_size(total)}: this is a zip bomb, or damaged; "
            f"if it isn't, {BY_HAND}"
        )
    require_space(where, total, folder)


def require_space(where: object, needed: int, folder: Path) -> None:
    """Stop if the disk of ``folder`` has no room for so many bytes out of ``where``.

    Raises:
        PodiumError: it hasn't.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise PodiumError(
            f"{where}: unpacks to {_size(needed)}, but the disk of {folder.absolute().parent} has "
            f"{_size(free)} free; make room"
        )


def copy_entry(
    where: object, zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, target: IO[bytes]
) -> None:
    """Unpack an entry into an open file, a block at a time.

    Raises:
        DamagedZipError: it is not what the zip says it is.
    """
    name = f"{where}: {printable(entry.filename)}"
    with _in_one_line(name, SENSELESS):
        source = zipped.open(entry)
    with source:
        shutil.copyfileobj(source, target)


def read_entry(where: object, zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """A small entry's bytes, unpacked a block at a time: it may be larger than it says.

    Raises:
        PodiumError: as ``check_entry`` and ``copy_entry``.
    """
    check_entry(where, entry, most)
    content = BytesIO()
    copy_entry(where, zipped, entry, content)
    return content.getvalue()


def _refuse_others(name: object, stream: IO[bytes]) -> None:
    stream.seek(0)
    start = stream.read(8)
    for magic, what in OTHERS.items():
        if start.startswith(magic):
            raise PodiumError(f"{name}: is {what}, which Podium doesn't read; {BY_HAND}")


@contextmanager
def _in_one_line(name: object, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise _not_whole(name, error) from None
    except OSError as error:
        # A place before the start of the file. Others are the disk's errors, not the zip's.
        if error.errno != errno.EINVAL:
            raise
        raise _not_whole(name, error.strerror) from None


def _not_whole(name: object, reason: object) -> DamagedZipError:
    return DamagedZipError(
        f"{name}: not a whole zip ({printable(str(reason))}); download or copy it again"
    )


def _size(count: int) -> str:
    """Bytes for people."""
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"
