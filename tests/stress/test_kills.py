"""Kills of ``dvc repro``: the next one goes on by itself, and ends with the same bytes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from projects import ROOT
from results import CLOCK, result_hashes

pytestmark = pytest.mark.deep

KILLS = [sys.executable, str(ROOT / "tests/stress/kills.py")]
STAGES = {"dvc", "resolve", "download", "preprocess", "ridge", "mlp", "ensemble", "report"}


def kills(*options: str) -> str:
    """The table of the program that kills; every run after a kill has to be right."""
    done = subprocess.run(
        [*KILLS, *options], capture_output=True, text=True, timeout=1800, start_new_session=True
    )
    table = done.stdout + done.stderr
    print(table)
    assert "\n0 problems" in table, table
    return table


def test_whatever_was_killed_or_interrupted_the_next_run_has_the_same_bytes():
    table = kills("--kills", "8", "--aimed", "2", "--stage-kills", "1", "--interrupts", "1")
    # Eight kills of dvc at random moments: in every stage, and before the first.
    killed = re.findall(r"^ *\d+  dvc +(\S+)", table, re.MULTILINE)
    assert {name.strip(",") for name in killed} >= STAGES
    # What DVC was writing was whole before the next run could look at it.
    aimed = re.findall(
        r"^ *\d+  dvc +\w+, (?:models/)?dvc.lock .* (\S+) +yes$", table, re.MULTILINE
    )
    assert aimed == ["-"]
    # A network that was stopped in its training went on.
    assert re.search(r"mlp, training .* yes +- +yes$", table, re.MULTILINE)


@pytest.mark.parametrize("cut", ["dvc.lock", "models/dvc.lock", ".dvc/tmp/rwlock"])
def test_what_dvc_refuses_to_read_after_a_kill_is_mended(copy, cut):
    # The copy's stages are those of all shipped competitions; sync leaves those that are listed.
    assert copy.run("podium", "sync").returncode == 0
    before = result_hashes(copy.root, CLOCK | {"report.html", "plots"})
    os.truncate(copy.root / cut, 0)
    refused = copy.run("dvc", "repro")
    assert refused.returncode != 0
    assert Path(cut).name in refused.stderr.lower()
    assert f"{cut} was " in copy.run("podium", "sync").stdout
    done = copy.run("dvc", "repro")
    assert done.returncode == 0, done.stderr
    # At most the stage before the last copy of the file has to run again.
    assert "download" not in "".join(re.findall("Running stage.*", done.stdout))
    after = result_hashes(copy.root, CLOCK | {"report.html", "plots"})
    assert {name for name in before if before[name] != after.get(name)} == set()
