"""A small project after one ``dvc repro``, in git: made once for all tests that want one."""

import re
import shutil
from pathlib import Path

from projects import DIGITS, HOUSES, ROOT, Project, made_once

QUICK = ("ridge", "lasso", "mlp")
QUICK_IMAGES = ("ridge", "cnn")


def made_finished(shared: Path) -> Project:
    """The project; tests that change it take a copy. ``shared``: the fixture of this name."""
    return Project(made_once(shared, "dvc", _make))


def repro(project: Project, *arguments: str) -> list[str]:
    """Run ``dvc repro``; returns the stages that ran."""
    return re.findall(r"Running stage '([^']+)'", project.must_run("dvc", "repro", *arguments))


def _make(root: Path) -> None:
    project = Project.make(root)
    project.keep({HOUSES: QUICK, DIGITS: QUICK_IMAGES})
    # Code that tests may edit.
    shutil.rmtree(root / "src")
    ignored = shutil.ignore_patterns("*.egg-info", "*.pyc.*")
    shutil.copytree(ROOT / "src", root / "src", ignore=ignored)
    project.use_dvc(git=True)
    project.commit("start")
    assert len(repro(project)) == 10 + len(QUICK) + len(QUICK_IMAGES)
    project.commit("first results")
