"""DVC's files in a project, as they are after a run."""

import shutil

from podium.runtime import dvc_files
from projects import ROOT, Project


def write_dvc_files(project: Project) -> None:
    """The lock files that are committed, and an empty list of readers and writers."""
    (project.root / ".dvc/tmp").mkdir(parents=True)
    (project.root / ".dvc/tmp/rwlock").write_text("{}")
    for path in dvc_files.LOCK_FILES:
        shutil.copyfile(ROOT / path, project.root / path)


def content() -> list[bytes]:
    """What is in them, in the working folder."""
    return [path.read_bytes() for path in (*dvc_files.LOCK_FILES, dvc_files.RWLOCK)]
