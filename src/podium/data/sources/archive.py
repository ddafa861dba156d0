"""Zip archives, unpacked with checks: only the files asked for, no path from inside is trusted.

A table may be packed once more inside (``train.csv.zip``), as Kaggle often does.
"""

import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from podium.data.sources.local_files import NULL, is_zip, names_of
from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.io.zips import BY_HAND, check_amount, check_entry, copy_entry, open_zip

# Archives that Podium doesn't read.
OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
# Beside the hidden ones, which start with a dot.
SYSTEM = ("__macosx", "thumbs.db", "desktop.ini")
# Entries by their name without folders.
Index = Mapping[str, Sequence[zipfile.ZipInfo]]


def extract(archive: Path, folder: Path, names: dict[str, str]) -> None:
    """Unpack the files ``names`` (name inside -> name to write) of a zip into ``folder``.

    A file may lie in a sub-folder of the zip, or in a zip of its own inside; it is written under
    the name given here, so no entry can point outside ``folder``.

    Raises:
        PodiumError: not a zip, truncated or damaged, a file missing, linked, encrypted, ambiguous,
            too big for what is packed, or for the disk.
    """
    with open_zip(archive, archive) as zipped:
        index = index_of(zipped.infolist())
        found = {inside: _find_table(archive, index, inside) for inside in names}
        check_amount(archive, list(found.values()), archive.stat().st_size, folder)
        for inside, entry in found.items():
            target = folder / names[inside]
            if is_zip(entry.filename):
                _copy_packed_inside(archive, zipped, entry, inside, target)
            else:
                _copy(archive, zipped, entry, target)


def extract_packed(path: Path, wanted: str, target: Path) -> None:
    """Unpack the table ``wanted`` out of a zip that holds it alone (``train.csv.zip``).

    Raises:
        PodiumError: as ``extract``.
    """
    with open_zip(path, path) as zipped:
        _copy_alone(path, zipped, wanted, path.stat().st_size, target)


def find(where: object, index: Index, name: str) -> zipfile.ZipInfo:
    """The one entry of that name (``train.csv``, ``a/train.csv``), in whichever folder of the zip.

    Raises:
        PodiumError: there is none, or more than one, or it is no plain file.
    """
    found = _named(where, index, name)
    if found is None:
        raise _missing(where, index, name)
    return found


def other_archive_of(name: str, names: Iterable[str]) -> str | None:
    """The name of an archive that Podium doesn't read and that may hold the file ``name``."""
    stem = PurePosixPath(name).name.split(".")[0].lower()
    for there in names:
        if there.lower().endswith(OTHER_ARCHIVES) and there.lower().split(".")[0] == stem:
            return there
    return None


def index_of(entries: Iterable[zipfile.ZipInfo]) -> Index:
    """Entries by their name without folders; files of the system are left out."""
    index = defaultdict(list)
    for entry in entries:
        inside = parts(entry)
        if not is_folder(entry) and not is_system(inside):
            index[inside[-1]].append(entry)
    return index


def contents(zipped: zipfile.ZipFile) -> str:
    """What lies at the top of a zip, in short."""
    top = {parts(entry)[0] + ("/" if len(parts(entry)) > 1 else "") for entry in zipped.infolist()}
    return few(sorted(top))


def parts(entry: zipfile.ZipInfo) -> list[str]:
    """An entry's folders and its name; some packers on Windows write backslashes."""
    return entry.filename.replace("\\", "/").split("/")


def is_folder(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder; zipfile's own look fails at an empty name."""
    return entry.filename.endswith("/")


def is_system(parts: Sequence[str]) -> bool:
    """Whether an operating system put a file of these folders and name there, or hides it."""
    names = [part.lower() for part in parts if part not in (".", "..")]
    return any(name.startswith(".") or name in SYSTEM for name in names)


@contextmanager
def unpacked_inside(
    where: object, zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path
) -> Iterator[IO[bytes]]:
    """A zip inside a zip as a file without a name on the disk of ``folder``, to read from."""
    with tempfile.TemporaryFile(dir=folder) as copy:
        copy_entry(where, zipped, entry, copy)
        yield copy


def _find_table(where: object, index: Index, name: str) -> zipfile.ZipInfo:
    """The entry of a table, or of the zip that it is packed in."""
    for there in names_of(name):
        if (found := _named(where, index, there)) is not None:
            return found
    raise _missing(where, index, name)


def _named(where: object, index: Index, name: str) -> zipfile.ZipInfo | None:
    wanted = name.strip("/").split("/")
    found = [entry for entry in index.get(wanted[-1], []) if parts(entry)[-len(wanted) :] == wanted]
    if not found:
        return None
    if len(found) > 1:
        raise PodiumError(
            f"{where}: {name}: is in the zip more than once: "
            f"{few(entry.filename for entry in found)}; name one of them with its folder under "
            "source.files"
        )
    check_entry(where, found[0])
    return found[0]


def _missing(where: object, index: Index, name: str) -> PodiumError:
    names = [parts(entry)[-1] for entries in index.values() for entry in entries]
    other = other_archive_of(name, names)
    if other is not None:
        return PodiumError(
            f"{where}: {name} is packed in {printable(other)}, which Podium doesn't read; {BY_HAND}"
        )
    return PodiumError(
        f"{where}: {name}: file is missing in the zip, which holds: {few(sorted(names))}; "
        f"name the right one under source.files{NULL if 'submission' in name.lower() else ''}"
    )


def _copy_packed_inside(
    where: object, zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, wanted: str, target: Path
) -> None:
    name = f"{where}: {printable(entry.filename)}"
    with (
        unpacked_inside(where, zipped, entry, target.parent) as copy,
        open_zip(name, copy) as inner,
    ):
        _copy_alone(name, inner, wanted, entry.compress_size, target)


def _copy_alone(
    where: object, zipped: zipfile.ZipFile, wanted: str, packed: int, target: Path
) -> None:
    """The table ``wanted`` out of a zip, or the only table that it holds."""
    index = index_of(zipped.infolist())
    tables = [entries for name, entries in index.items() if name.lower().endswith(".csv")]
    entry = _named(where, index, wanted.removesuffix(".zip"))
    if entry is None:
        if [len(entries) for entries in tables] != [1]:
            raise _missing(where, index, wanted)
        entry = tables[0][0]
        check_entry(where, entry)
    check_amount(where, [entry], packed, target.parent)
    _copy(where, zipped, entry, target)


def _copy(where: object, zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    with target.open("wb") as file:
        copy_entry(where, zipped, entry, file)
