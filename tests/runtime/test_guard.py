"""One process an output: who holds a lock, who waits, and who is told."""

import subprocess
import sys

from podium.runtime import guard

HOLDER = """
import sys, time
from podium.runtime import guard
with guard.only_one("train", "house-prices", "ridge"):
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def hold(seconds):
    """Another process that is at the output."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_says_who_is_at_it_and_stops(project, podium, monkeypatch):
    monkeypatch.setattr(guard, "WAIT_SECONDS", 0.3)
    holder = hold(600)
    outcome = podium("train", "house-prices", "ridge")
    assert outcome.code == 2
    first, last = outcome.err.strip().splitlines()
    who = f"train house-prices ridge: already running (PID {holder.pid})"
    assert first == f"podium: {who}; waiting 0 s for it"
    assert last == f"podium: error: {who}; run again when it has ended, or end it first"
    other = podium("train", "house-prices", "mlp")
    assert "already running" not in other.err
    # Who is dead holds nothing.
    holder.kill()
    holder.wait()
    assert "already running" not in podium("train", "house-prices", "ridge").err


def test_a_second_process_waits_for_one_that_ends(project, podium):
    holder = hold(1)
    outcome = podium("train", "house-prices", "ridge")
    assert "waiting 15 s for it" in outcome.err
    assert "data/processed/house-prices" in outcome.err
    holder.wait()


def test_names_are_no_paths_and_other_folders_stay_clean(project, podium, tmp_path, monkeypatch):
    assert podium("train", "../../x", "/etc/y").code == 2
    assert {path.parent for path in project.root.rglob("*.lock")} == {project.root / guard.LOCKS}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert podium("train", "house-prices", "ridge").code == 2
    assert list(elsewhere.iterdir()) == []
