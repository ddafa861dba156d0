"""Raw files from a local folder or zip."""

from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.data.sources.raw_files import from_folder, from_zip
from podium.io.errors import PodiumError
from podium.io.text import printable


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Copy the competition's files from ``source.path``.

    Raises:
        PodiumError: the path or a file is missing or empty, or the zip is damaged.
    """
    source = competition.source
    try:
        where = Path(source.path or "").expanduser()
        take = from_folder if where.is_dir() else from_zip if where.is_file() else None
    except (RuntimeError, OSError) as error:
        # An unknown user's home, a name that is too long, or a folder without permission.
        raise _not_found(competition, source.path, f" ({error})") from None
    if take is None:
        raise _not_found(competition, where)
    take(where, folder, source.files)
    return {"synthetic": False}


def _not_found(competition: Competition, where: object, why: str = "") -> PodiumError:
    return PodiumError(
        f"params.yaml: {competition.name}.source.path: no folder or zip at "
        f"'{printable(str(where))}'{why}; give the path of the downloaded files"
    )
