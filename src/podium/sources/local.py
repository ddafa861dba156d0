"""Raw files from a folder or a zip on this machine."""

import shutil
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.errors import PodiumError
from podium.sources.archive import extract


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Copy the competition's files out of ``source.path``.

    Raises:
        PodiumError: the path or a file is missing, empty, or the zip is damaged.
    """
    source = competition.source
    where = Path(source.path or "").expanduser()
    names = source.files.model_dump()
    if where.is_dir():
        collect(where, folder, names)
    elif where.is_file():
        extract(where, folder, {names[key]: f"{key}.csv" for key in names})
    else:
        raise PodiumError(
            f"params.yaml: {competition.name}.source.path: no folder or zip at '{where}'; "
            "give the path of the downloaded files"
        )
    return {"synthetic": False}


def collect(where: Path, folder: Path, names: dict[str, str]) -> None:
    """Copy files from folder ``where``; ``names`` maps train / test / ... to their file names.

    Raises:
        PodiumError: a file is missing or empty.
    """
    for key, name in names.items():
        file = where / name
        if not file.is_file():
            raise PodiumError(
                f"{file}: file is missing; put it there or name it under source.files.{key}"
            )
        shutil.copyfile(file, folder / f"{key}.csv")
