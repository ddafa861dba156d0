"""A project that was moved or copied logs its artifacts where it is now."""

import shutil
from pathlib import Path

import pytest

from podium.runtime.tracking import tracked_run
from projects import Project
from tracking_help import client, log_runs, runs_of


def log(file: str) -> None:
    """A run with one artifact."""
    Path("made").mkdir(exist_ok=True)
    (Path("made") / file).write_text(file)
    with tracked_run("titanic", file, {}) as run:
        run.log_artifacts(Path("made"))
    shutil.rmtree("made")
    assert log_runs() == ""


def artifacts(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "mlartifacts").rglob("*.txt"))


@pytest.fixture(autouse=True)
def no_writer(monkeypatch):
    """Runs are logged by this process alone."""
    monkeypatch.setattr("podium.runtime.tracking.launch._spawn", lambda: None)
    monkeypatch.setattr("podium.runtime.tracking.run.END_SECONDS", 0)


@pytest.mark.deep
@pytest.mark.parametrize("copied", [True, False])
def test_artifacts_of_a_project_elsewhere(copied, project: Project, tmp_path, monkeypatch, capsys):
    log("old.txt")
    new = tmp_path / "the new place"
    if copied:
        shutil.copytree(project.root, new, symlinks=True)
    else:
        project.root.rename(new)
    monkeypatch.chdir(new)
    capsys.readouterr()
    log("new.txt")
    told = [line for line in capsys.readouterr().err.splitlines() if "mlflow.db" in line]
    assert len(told) == 1
    assert f"the project was at {project.root} when" in told[0]
    assert artifacts(new) == ["new.txt", "old.txt"]
    assert artifacts(project.root) == (["old.txt"] if copied else [])
    # MLflow itself finds both.
    for run in runs_of("titanic"):
        assert [file.path for file in client().list_artifacts(run.info.run_id)] == [
            run.info.run_name
        ]
    log("third.txt")
    assert "the project was at" not in capsys.readouterr().err


@pytest.mark.deep
def test_artifacts_that_somebody_keeps_elsewhere_stay_there(project, tmp_path, capsys):
    elsewhere = tmp_path / "big disk/mlartifacts/titanic"
    elsewhere.mkdir(parents=True)
    log("first.txt")
    client().create_experiment("other", artifact_location=elsewhere.as_uri())
    capsys.readouterr()
    log("second.txt")
    assert "the project was at" not in capsys.readouterr().err
    assert client().get_experiment_by_name("other").artifact_location == elsewhere.as_uri()
