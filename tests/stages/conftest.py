"""Projects that several tests of stages look at."""

from pathlib import Path

import pytest

from projects import HIDDEN, HOUSES, Project, made_once, run_all, run_podium, write_houses


@pytest.fixture(scope="session")
def finished(shared: Path) -> Project:
    """A project after all stages with every model; what the last one printed is in a file."""

    def make(root: Path) -> None:
        project = Project.make(root / "project")
        project.use_files(write_houses(root / "files"))
        project.edit(lambda params: params[HOUSES].update(report={"importance": "auto"}))
        with pytest.MonkeyPatch.context() as monkeypatch:
            for name in HIDDEN:
                monkeypatch.delenv(name, raising=False)
            monkeypatch.chdir(project.root)
            last = run_all(run_podium)[-1]
        (root / "printed").write_text(last.out)

    return Project(made_once(shared, "stages", make) / "project")
