"""Where raw files come from: one module a provider, each a ``fetch(competition, folder)``.

``fetch`` puts a competition's raw files (see ``raw_files``) into ``folder`` and returns facts for
the manifest.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from podium.config import Competition

# Imported when used, so that a download depends on its own provider's code alone.
PROVIDERS = {
    "sample": "podium.data.sources.sample",
    "local": "podium.data.sources.local",
    "mirror": "podium.data.sources.mirror",
    "kaggle": "podium.data.sources.kaggle",
}


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Put a competition's raw files into ``folder``; returns facts for the manifest.

    Raises:
        PodiumError: the files can't be had, or are not what they should be.
    """
    provider = import_module(PROVIDERS[competition.source.provider])
    facts: dict[str, Any] = provider.fetch(competition, folder)
    return facts
