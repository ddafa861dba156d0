"""Which files a project begins with, and where they are. ``setup.py`` imports this, too.

In a clone they are the clone's own. A wheel has a copy of them, made when it is built: nothing is
kept twice.
"""

from collections.abc import Iterator
from pathlib import Path

# Relative to the clone; the folders below one of these are not followed.
PATTERNS = (
    "params.yaml", "dvc.yaml", "models/dvc.yaml", ".dvcignore", ".gitignore", ".dvc/.gitignore",
    ".dvc/config", ".dvc/plots/*", "scripts/podium", "src/competitions/*", "presets/*.yaml",
    "notebooks/*", "docs/*.md",
)  # fmt: skip
# In a wheel, below this folder.
COPY = "project"
CLONE = Path(__file__).resolve().parents[4]
# What a clone doesn't have: the project's own README and tests.
OWN = Path(__file__).resolve().with_name("own")


def folder() -> Path:
    """Where the package has the files of a project."""
    copy = Path(__file__).resolve().with_name(COPY)
    return copy if copy.is_dir() else CLONE


def shared_files(root: Path) -> Iterator[Path]:
    """The files of a project, relative to ``root``."""
    for pattern in PATTERNS:
        found = (path for path in sorted(root.glob(pattern)) if path.is_file())
        yield from (path.relative_to(root) for path in found)
