"""What a folder or zip holds: tables, images, and how to open a table there."""

import os
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from podium.data.sources.archive import (
    OTHER_ARCHIVES,
    extract,
    extract_packed,
    is_folder,
    is_system,
    parts,
    unpacked_inside,
)
from podium.data.sources.local_files import is_zip, names_of
from podium.data.sources.pictures import SUFFIXES
from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.io.zips import BY_HAND, check_entry, open_zip

# More files than any competition has: a folder with more is a whole disk.
MOST_FILES = 2_000_000
# Archives are looked into no deeper than this, in folders.
ARCHIVE_DEPTH = 2
# Words in names of folders, zips and tables.
ROLES = ("train", "test")


@dataclass(frozen=True)
class Listing:
    """The files of a competition.

    ``tables`` are csv files as ``source.files`` names them, those nearest to the top first.
    ``pictures`` has the names of image files without folders, by the folder or zip that they are
    in. ``others`` are archives that Podium doesn't read.
    """

    where: Path
    tables: tuple[str, ...]
    pictures: Mapping[str, Sequence[str]]
    others: tuple[str, ...] = ()

    def open_table(self, name: str, scratch: Path) -> Path:
        """A table as a file of its own name: itself, or unpacked into ``scratch``.

        Raises:
            PodiumError: the zip is damaged or ambiguous.
        """
        target = scratch / PurePosixPath(name).name
        if not self.where.is_dir():
            extract(self.where, scratch, {name: target.name})
            return target
        packed = next(path for path in names_of(name) if (self.where / path).is_file())
        if not is_zip(packed):
            return self.where / packed
        extract_packed(self.where / packed, target.name, target)
        return target

    def described(self) -> str:
        """What is there, for errors."""
        found = [*self.tables, *(f"{place}/" for place in self.pictures), *self.others]
        there = f"it has {few(found)}" if found else "it has neither csv files nor images"
        return f"{there}; {BY_HAND}" if self.others else there


def list_files(where: Path) -> Listing:
    """What a folder or zip holds.

    Raises:
        PodiumError: the zip can't be read, or the folder has far too many files.
    """
    if not where.is_dir():
        with open_zip(where, where) as zipped:
            return _sorted_out(where, *_in_zip(where, zipped))
    return _sorted_out(where, *_in_folder(where))


def _in_folder(where: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Paths of all files below a folder, and of those inside its zips."""
    paths: list[str] = []
    packed: dict[str, list[str]] = {}
    for path in _walk(where):
        name = path.relative_to(where).as_posix()
        paths.append(name)
        if is_zip(name) and name.count("/") < ARCHIVE_DEPTH:
            with open_zip(path, path) as zipped:
                packed[name] = _names(zipped)
    return paths, packed


def _walk(where: Path) -> Iterator[Path]:
    count = 0
    for parent, folders, names in os.walk(where):
        folders[:] = sorted(name for name in folders if not is_system([name]))
        count += len(names)
        if count > MOST_FILES:
            raise PodiumError(
                f"{printable(str(where))}: has more than {MOST_FILES:,} files; give the "
                "competition's own folder"
            )
        yield from (Path(parent) / name for name in sorted(names) if not is_system([name]))


def _in_zip(where: Path, zipped: zipfile.ZipFile) -> tuple[list[str], dict[str, list[str]]]:
    """The same of a zip. Zips in it are unpacked to a file without a name, one at a time."""
    packed: dict[str, list[str]] = {}
    for entry in zipped.infolist():
        inside = parts(entry)
        if is_folder(entry) or is_system(inside) or not is_zip(inside[-1]):
            continue
        check_entry(where, entry)
        with (
            unpacked_inside(where, zipped, entry, Path.cwd()) as copy,
            open_zip(f"{where}: {printable(entry.filename)}", copy) as nested,
        ):
            packed["/".join(inside)] = _names(nested)
    return _names(zipped), packed


def _names(zipped: zipfile.ZipFile) -> list[str]:
    found = [parts(entry) for entry in zipped.infolist() if not is_folder(entry)]
    return ["/".join(inside) for inside in found if not is_system(inside)]


def _sorted_out(where: Path, paths: list[str], packed: Mapping[str, list[str]]) -> Listing:
    tables = [path for path in paths if path.lower().endswith(".csv")]
    pictures: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path.lower().endswith(SUFFIXES) and "/" in path:
            pictures[_place(path)].append(PurePosixPath(path).name)
    for name, inside in packed.items():
        images = [PurePosixPath(path).name for path in inside if path.lower().endswith(SUFFIXES)]
        csvs = [path for path in inside if path.lower().endswith(".csv")]
        if images:
            pictures[name] = images
        elif len(csvs) == 1:
            tables.append(_unpacked_name(name))
    others = tuple(path for path in paths if path.lower().endswith(OTHER_ARCHIVES))
    by_depth = sorted(dict.fromkeys(tables), key=lambda name: (name.count("/"), len(name), name))
    return Listing(where, tuple(by_depth), dict(pictures), others)


def _place(path: str) -> str:
    """The folder of an image that says what it is of, or else the first."""
    folders = path.split("/")[:-1]
    for depth, name in enumerate(folders):
        if any(role in name.lower() for role in ROLES):
            return "/".join(folders[: depth + 1])
    return folders[0]


def _unpacked_name(name: str) -> str:
    """The table in a zip: ``train.csv`` of ``train.csv.zip`` and of ``train.zip``."""
    inner = name[: -len(".zip")]
    return inner if inner.lower().endswith(".csv") else f"{inner}.csv"
