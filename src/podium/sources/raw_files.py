"""The raw files of a competition, copied out of a folder or a zip.

A raw folder holds a few files under fixed names: ``train.csv`` and ``test.csv``, or ``train.zip``,
``test.zip`` and ``labels.csv`` for a competition of image files; and ``sample_submission.csv``.
"""

import shutil
from pathlib import Path

from podium.config.schema import Files
from podium.errors import PodiumError
from podium.sources.archive import extract
from podium.sources.pictures import pack_folder, pack_zip


def from_folder(where: Path, folder: Path, files: Files) -> None:
    """Copy the raw files out of a folder.

    Raises:
        PodiumError: a file is missing, or the images are not what they should be.
    """
    for name, there in _tables(files).items():
        file = where / there
        if not file.is_file():
            key = Path(name).stem
            raise PodiumError(
                f"{file}: file is missing; put it there or name it under source.files.{key}"
            )
        shutil.copyfile(file, folder / name)
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


def _tables(files: Files) -> dict[str, str]:
    """The csv files: the name here and the name there."""
    keys = ["labels"] if files.labels else ["train", "test"]
    return {f"{key}.csv": getattr(files, key) for key in (*keys, "sample_submission")}


def _pictures(files: Files) -> dict[str, str]:
    """The zips of image files: the name here, and the folder or archive there."""
    return {f"{key}.zip": getattr(files, key) for key in ("train", "test")} if files.labels else {}
