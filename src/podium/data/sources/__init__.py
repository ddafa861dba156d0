"""Where raw files come from: one module a provider, each a ``fetch(source, target, folder)``.

``fetch`` puts a competition's raw files (see ``raw_files``) into ``folder`` and returns facts for
the manifest.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.data.sources import kaggle, local, mirror, sample

_PROVIDERS: dict[str, Callable[[Competition, Path], dict[str, Any]]] = {
    "sample": sample.fetch,
    "local": local.fetch,
    "mirror": mirror.fetch,
    "kaggle": kaggle.fetch,
}


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Put a competition's raw files into ``folder``; returns facts for the manifest.

    Raises:
        PodiumError: the files can't be had, or are not what they should be.
    """
    return _PROVIDERS[competition.source.provider](competition, folder)
