"""Another clone gets data, models and the submission from a DVC remote, and trains nothing."""

import re
from collections.abc import Iterator

import pytest

from kaggle_help import SLUG, connect, own_home
from kaggle_server import KaggleServer
from projects import HOUSES, Project
from results import RESULTS, result_hashes
from s3 import BUCKET, CREDENTIALS, s3_server

pytestmark = pytest.mark.deep

# What stages depend on is made from what is in git; seconds are of the machine that trained.
NOT_PULLED = {"resolved", "timing.json"}


@pytest.fixture(params=["a folder", "S3"])
def remote(request, tmp_path, monkeypatch) -> Iterator[list[list[str]]]:
    """The commands by which a project gets to know the remote."""
    if request.param == "a folder":
        yield [["add", "-d", "team", str(tmp_path / "remote")]]
        return
    pytest.importorskip("dvc_s3")
    pytest.importorskip("moto")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3_server() as address:
        yield [
            ["add", "-d", "team", f"s3://{BUCKET}/project"],
            ["modify", "team", "endpointurl", address],
        ]


@pytest.fixture
def owner(finished, tmp_path, monkeypatch) -> Project:
    """The finished project, without a way to Kaggle."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    own_home(monkeypatch, tmp_path)
    return finished.copy(tmp_path / "project")


def push(project: Project, remote: list[list[str]]) -> None:
    """What its owner does."""
    for command in remote:
        project.must_run("dvc", "remote", *command)
    project.commit("all results, and where they are")
    project.must_run("dvc", "push")


def clone(project: Project, tmp_path) -> Project:
    """What a colleague does first."""
    project.must_run("git", "clone", "-q", str(project.root), str(tmp_path / "clone"))
    return Project(tmp_path / "clone")


def ran(project: Project) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", project.must_run("dvc", "repro"))


def test_a_colleague_has_the_submission_without_training_and_gives_back_an_edit(
    owner, remote, archive, tmp_path, monkeypatch
):
    push(owner, remote)
    colleague = clone(owner, tmp_path)
    # Nothing but the lock files of what the pipeline makes is in git.
    assert not [top for top in RESULTS if any((colleague.root / top).glob("*/*"))]
    colleague.must_run("dvc", "pull")
    assert result_hashes(colleague.root, NOT_PULLED) == result_hashes(owner.root, NOT_PULLED)
    assert ran(colleague) == [f"resolve@{HOUSES}"]
    assert ran(colleague) == []
    assert colleague.must_run("git", "status", "--porcelain") == ""
    with KaggleServer(SLUG, archive) as server, monkeypatch.context() as patched:
        connect(patched, server)
        said = colleague.must_run("podium", "submit", HOUSES, "--dry-run")
    assert "dry run: nothing was sent" in said
    assert not server.submissions
    same = result_hashes(colleague.root, {"timing.json"})
    assert same == result_hashes(owner.root, {"timing.json"})
    # An edit runs what it touches, and what it makes goes back by the same way.
    colleague.edit(lambda params: params[HOUSES]["ensemble"].update(method="mean"))
    assert ran(colleague) == [f"{stage}@{HOUSES}" for stage in ("resolve", "ensemble", "report")]
    colleague.commit("the mean of all")
    colleague.must_run("dvc", "push")
    owner.must_run("git", "pull", "-q", str(colleague.root))
    owner.must_run("dvc", "pull")
    assert ran(owner) == [f"resolve@{HOUSES}"]
    left = {*NOT_PULLED}
    assert result_hashes(owner.root, left) == result_hashes(colleague.root, left)


def test_local_files_go_along_if_dvc_has_them(tmp_path, project, house_files):
    (project.root / "files").mkdir()
    for path in house_files.iterdir():
        (project.root / "files" / path.name).write_bytes(path.read_bytes())
    project.use_files(project.root / "files")
    project.edit(lambda params: params[HOUSES]["source"].update(path="files"))
    project.keep({HOUSES: ["ridge"]})
    project.use_dvc(git=True)
    project.must_run("podium", "sync")
    project.must_run("dvc", "add", "files")
    project.must_run("dvc", "repro")
    push(project, [["add", "-d", "team", str(tmp_path / "remote")]])
    colleague = clone(project, tmp_path)
    colleague.must_run("dvc", "pull")
    assert ran(colleague) == [f"resolve@{HOUSES}"]
    assert ran(colleague) == []
    assert colleague.must_run("git", "status", "--porcelain") == ""
