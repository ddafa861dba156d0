"""scripts/podium, by which DVC starts stages: it finds Podium's environment, or says what to do."""

import os
import subprocess
from pathlib import Path

import pytest

from projects import ROOT

LAUNCHER = str(ROOT / "scripts/podium")
SYSTEM = "/usr/bin:/bin"


def program(folder: Path, says: str) -> Path:
    """A podium that says which it is, its process and its arguments."""
    folder.mkdir(parents=True)
    path = folder / "podium"
    path.write_text(f'#!/bin/sh\necho {says} $$ "$@"\n')
    path.chmod(0o755)
    return folder


def launch(where: Path, *paths: Path, **variables: str) -> tuple[int, str, str, int]:
    """Exit code, what was printed, and the process that was started."""
    path = ":".join([*map(str, paths), SYSTEM])
    process = subprocess.Popen(
        ["sh", LAUNCHER, "train", "house prices", "mlp"],
        cwd=where,
        env={"PATH": path, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err, process.pid


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
@pytest.mark.parametrize("active", [True, False])
def test_an_active_environment_goes_before_the_projects_own(tmp_path, variable, active):
    other = program(tmp_path / "other", "other")
    program(tmp_path / "project/.venv/bin", "own")
    variables = {variable: str(other)} if active else {}
    code, out, err, pid = launch(tmp_path / "project", other, **variables)
    assert (code, err) == (0, "")
    # No shell stays between DVC and the stage.
    assert out == f"{'other' if active else 'own'} {pid} train house prices mlp\n"


def test_an_active_environment_without_podium_is_passed_over(tmp_path):
    program(tmp_path / ".venv/bin", "own")
    assert launch(tmp_path, VIRTUAL_ENV="/elsewhere")[1].startswith("own ")


def test_a_project_without_an_environment_takes_the_one_on_the_path(tmp_path):
    assert launch(tmp_path, program(tmp_path / "other", "other"))[1].startswith("other ")


def test_an_experiments_copy_of_the_project_takes_the_projects_own(tmp_path):
    program(tmp_path / ".venv/bin", "own")
    copy = tmp_path / ".dvc/tmp/exps/tmp1"
    copy.mkdir(parents=True)
    assert launch(copy)[1].startswith("own ")


def test_nowhere_is_one_line_that_says_what_to_do(tmp_path):
    code, out, err, _ = launch(tmp_path)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("podium: error: ")
    assert "make env" in err


def test_the_stages_of_dvc_start_by_it():
    for name in ("dvc.yaml", "models/dvc.yaml"):
        commands = [
            line.split("cmd: ")[1]
            for line in (ROOT / name).read_text().splitlines()
            if "cmd: " in line
        ]
        assert commands
        assert all(command.startswith("sh scripts/podium ") for command in commands)
    assert os.access(LAUNCHER, os.X_OK)
