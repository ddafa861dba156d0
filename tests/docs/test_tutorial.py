"""The tutorial's commands, run for real and in order, with Kaggle's stand-in where it sends."""

import os
import re
import subprocess

import pandas as pd
import pytest

from documents import blocks, lines, text_of
from finished import made_finished
from kaggle_help import SLUG, archive_of, connect, own_home
from kaggle_server import KaggleServer
from projects import HOUSES, ROOT, write_csv, write_houses
from tracking_help import free_port, wait_for_server

# What is not run, and why.
SKIPPED = {
    "git clone ADDRESS podium": "the shrunken project stands in for it",
    "cd podium": "the same",
    ". .venv/bin/activate": "the tests' environment is active",
}
STAYS = "make ui"
# The tests are started by ``make`` too: a ``make`` below it would name its folder first.
MAKE = "make --no-print-directory -o env "
WHO = {
    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org",
}  # fmt: skip


@pytest.fixture
def clone(shared, tmp_path, monkeypatch):
    """A small project that has run but for its commit, and Kaggle on loopback."""
    project = made_finished(shared).copy(tmp_path / "project")
    project.must_run("git", "reset", "-q", "HEAD~1")
    (project.root / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    houses = write_houses(tmp_path / "files", wide=True)
    table = pd.read_csv(houses / "train.csv", keep_default_na=False)
    # So few houses have no pool at all, and an empty column is an error.
    table.loc[0, "PoolQC"] = "Gd"
    write_csv(table, houses / "train.csv")
    own_home(monkeypatch, tmp_path)
    monkeypatch.setenv("PODIUM_WRITER", "1")
    for name, value in WHO.items():
        monkeypatch.setenv(name, value)
    with KaggleServer(SLUG, archive_of(houses), score=lambda content: ("0.14", None)) as server:
        connect(monkeypatch, server)
        yield project


def commands():
    found = blocks(text_of(ROOT / "docs/tutorial.md"), "bash")
    return [line.strip() for block in found for line in lines(block)]


def bash(project, line):
    """A line as a person enters it; ``make`` doesn't install the environment."""
    return project.must_run("bash", "-c", re.sub(r"^make ", MAKE, line))


def serve(project, line):
    """A server that stays up: started, asked for a page, and ended; what it printed first."""
    port = free_port()
    command = f"{line.replace('make ', MAKE)} PORT={port}"
    with subprocess.Popen(
        ["bash", "-c", command], cwd=project.root, start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        try:
            first = process.stdout.readline().decode()
            wait_for_server(port, process)
        finally:
            os.killpg(process.pid, 15)
    return first


@pytest.mark.deep
def test_the_tutorial(clone):
    """Each command ends well, and prints or writes what the tutorial says."""
    printed: dict[str, list[str]] = {}
    for line in commands():
        if line not in SKIPPED:
            said = serve(clone, line) if line == STAYS else bash(clone, line)
            printed.setdefault(line, []).append(said)

    assert "params.yaml is valid" in printed["podium check"][0]
    edited, back = printed["dvc repro"]
    stages = re.findall(r"Running stage '(?:models/dvc.yaml:)?([^']+)'", edited)
    assert stages == [
        f"resolve@{HOUSES}",
        f"{HOUSES}@mlp",
        f"ensemble@{HOUSES}",
        f"report@{HOUSES}",
    ]
    assert f"{HOUSES}@mlp" in back
    ((compared,),) = (said for line, said in printed.items() if line.startswith("podium compare"))
    assert re.search(r"mlp@HEAD +mlp +better by", compared)
    assert "interval" in compared
    (listed,) = printed[f"podium runs {HOUSES}"]
    assert {"dropout=0.3", "dropout=0.0"} <= set(listed.split())
    page = (clone.root / "dvc_plots/index.html").read_text()
    assert '"rev": "HEAD"' in page
    assert '"rev": "workspace"' in page
    assert re.match(r"[\w-]+: http://127", printed[STAYS][0])
    assert "0.14" in printed[f"podium submissions {HOUSES}"][0]
    ledger = pd.read_csv(clone.root / f"submissions/{HOUSES}/ledger.csv")
    assert list(ledger["message"]) == ["my first"]


def test_what_is_skipped_is_in_the_tutorial():
    assert {*SKIPPED, STAYS} <= set(commands())
