"""The ``podium`` command: a thin face over the stages.

One file for each group of commands; ``base.py`` has what they share, ``entry.py`` runs them.
Libraries are imported inside the commands, so that ``podium check`` answers at once.
"""

from podium.cli.base import app
from podium.cli.entry import main

__all__ = ["app", "main"]
