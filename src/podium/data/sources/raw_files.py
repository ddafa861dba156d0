"""Copies a competition's raw files from a folder or a zip.

The raw folder then has a few files with fixed names: ``train.csv`` and ``test.csv``, or
``train.zip``, ``test.zip`` and ``labels.csv`` for image files; and ``sample_submission.csv``.
"""

import shutil
from pathlib import Path

from podium.config.schema import Files
from podium.data.sources.archive import (
    extract,
    extract_packed,
    other_archive_of,
)
from podium.data.sources.local_files import (
    EXTRA,
    NULL,
    SAMPLE_KEY,
    image_files,
    is_zip,
    names_of,
    table_files,
)
from podium.data.sources.pictures import pack_folder, pack_zip
from podium.io.errors import PodiumError
from podium.io.zips import BY_HAND


def from_folder(where: Path, folder: Path, files: Files) -> None:
    """Copy the raw files from a folder.

    Raises:
        PodiumError: a file is missing, or the images are invalid.
    """
    _make_folder(folder, files)
    for key, there in table_files(files).items():
        _copy_table(where, there, folder / f"{key}.csv")
    for key, there in image_files(files).items():
        pack_folder(where, there, folder / f"{key}.zip")


def from_zip(archive: Path, folder: Path, files: Files) -> None:
    """Copy the raw files from a zip.

    Raises:
        PodiumError: not a zip, damaged, or a file in it is missing or invalid.
    """
    _make_folder(folder, files)
    extract(archive, folder, {there: f"{key}.csv" for key, there in table_files(files).items()})
    for key, there in image_files(files).items():
        pack_zip(archive, there, folder / f"{key}.zip")


def _make_folder(folder: Path, files: Files) -> None:
    if files.extra:
        (folder / EXTRA).mkdir()


def _copy_table(where: Path, there: str, target: Path) -> None:
    """Copy a CSV file from a folder, where it may also be in a zip of its own."""
    for name in names_of(there):
        file = where / name
        if file.is_file():
            if is_zip(name):
                extract_packed(file, Path(there).name, target)
            else:
                shutil.copyfile(file, target)
            return
    raise _missing(where / there, target)


def _missing(file: Path, target: Path) -> PodiumError:
    folder = file.parent
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    other = other_archive_of(file.name, names)
    if other is not None:
        return PodiumError(
            f"{folder}: {file.name} is packed in {other}, which Podium doesn't read; {BY_HAND}"
        )
    key = EXTRA if target.parent.name == EXTRA else target.stem
    return PodiumError(
        f"{file}: file is missing; put it there or set its name under source.files.{key}"
        f"{NULL if key == SAMPLE_KEY else ''}"
    )
