"""The raw files of a competition, copied out of a folder or a zip.

A raw folder holds a few files under fixed names: ``train.csv`` and ``test.csv``, or ``train.zip``,
``test.zip`` and ``labels.csv`` for a competition of image files; and ``sample_submission.csv``.
"""

import shutil
from pathlib import Path

from podium.config.schema import Files
from podium.data.sources.archive import (
    extract,
    extract_packed,
    is_zip,
    other_archive_of,
    packed_names,
)
from podium.data.sources.pictures import pack_folder, pack_zip
from podium.io.errors import PodiumError
from podium.io.zips import BY_HAND


def from_folder(where: Path, folder: Path, files: Files) -> None:
    """Copy the raw files out of a folder.

    Raises:
        PodiumError: a file is missing, or the images are not what they should be.
    """
    for name, there in _tables(files).items():
        _copy_table(where, there, folder / name)
    for name, there in _pictures(files).items():
        pack_folder(where, there, folder / name)


def from_zip(archive: Path, folder: Path, files: Files) -> None:
    """Copy the raw files out of a zip.

    Raises:
        PodiumError: not a zip, damaged, or a file in it is missing or not what it should be.
    """
    extract(archive, folder, {there: name for name, there in _tables(files).items()})
    for name, there in _pictures(files).items():
        pack_zip(archive, there, folder / name)


def _copy_table(where: Path, there: str, target: Path) -> None:
    """A csv file out of a folder, where it may lie in a zip of its own."""
    for name in (there, *packed_names(there)):
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
    return PodiumError(
        f"{file}: file is missing; put it there or name it under source.files.{target.stem}"
    )


def _tables(files: Files) -> dict[str, str]:
    """The csv files: the name here and the name there."""
    keys = ["labels"] if files.labels else ["train", "test"]
    return {f"{key}.csv": getattr(files, key) for key in (*keys, "sample_submission")}


def _pictures(files: Files) -> dict[str, str]:
    """The zips of image files: the name here, and the folder or archive there."""
    return {f"{key}.zip": getattr(files, key) for key in ("train", "test")} if files.labels else {}
