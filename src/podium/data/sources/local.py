"""Raw files from a local folder or zip."""

from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.data.sources.local_files import place
from podium.data.sources.raw_files import from_folder, from_zip


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Copy the competition's files from ``source.path``.

    Raises:
        PodiumError: the path or a file is missing or empty, or the zip is damaged.
    """
    where = place(competition)
    take = from_folder if where.is_dir() else from_zip
    take(where, folder, competition.source.files)
    return {"synthetic": False}
