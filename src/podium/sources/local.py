"""Raw files from a folder or a zip on this machine."""

from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.errors import PodiumError
from podium.sources.raw_files import from_folder, from_zip


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Copy the competition's files out of ``source.path``.

    Raises:
        PodiumError: the path or a file is missing, empty, or the zip is damaged.
    """
    source = competition.source
    where = Path(source.path or "").expanduser()
    if where.is_dir():
        from_folder(where, folder, source.files)
    elif where.is_file():
        from_zip(where, folder, source.files)
    else:
        raise PodiumError(
            f"params.yaml: {competition.name}.source.path: no folder or zip at '{where}'; "
            "give the path of the downloaded files"
        )
    return {"synthetic": False}
