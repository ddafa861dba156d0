"""Where raw files come from: one module a provider, each a ``fetch(competition, folder)``.

``fetch`` puts a competition's raw files (see ``raw_files``) into ``folder`` and returns facts for
the manifest. ``config/providers.py`` is the table of them.
"""

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from podium.config import Competition
from podium.config.providers import PROVIDERS

Fetch = Callable[[Competition, Path], dict[str, Any]]


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Put a competition's raw files into ``folder``; returns facts for the manifest.

    Raises:
        PodiumError: the files can't be had, or are not what they should be.
    """
    function: Fetch = resolve_name(PROVIDERS[competition.source.provider].fetch)
    return function(competition, folder)
