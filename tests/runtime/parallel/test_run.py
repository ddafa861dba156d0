"""`podium repro -j`: a program in place of DVC, and at the end the real one."""

import os
import signal
import subprocess
import sys
import time

import pytest

from podium.runtime.parallel import command
from podium.runtime.parallel.alone import alone
from podium.runtime.parallel.command import Budget, budget
from podium.runtime.parallel.plan import Plan
from projects import DIGITS, HOUSES

# Stands for DVC: notes when a stage begins and ends, with its threads; some fail or don't change.
FAKE = r"""
import os, sys, time
for stage in sys.argv[4:]:
    if stage == "same":
        print("Stage 'same' didn't change, skipping", flush=True)
        continue
    print(f"Running stage '{stage}':\n{stage} ", end="", flush=True)
    with open("turns", "a") as file:
        file.write(f"+{stage} {os.environ['OMP_NUM_THREADS']}\n")
    time.sleep(0.3)
    with open("turns", "a") as file:
        file.write(f"-{stage}\n")
    print("is done", flush=True)
    if stage.startswith("bad"):
        sys.exit("podium: error: bad")
"""
AFTER = {"start": [], "a": ["start"], "b": ["start"], "bad": ["start"], "end": ["a", "b", "bad"]}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs a plan with the program in DVC's place; what it did, in order."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.py").write_text(FAKE)
    monkeypatch.setattr("podium.runtime.repro.DVC", (sys.executable, "dvc.py"))
    monkeypatch.setattr("podium.runtime.warm.resident.start", lambda *arguments: None)
    monkeypatch.setattr("podium.runtime.resources.own_cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def run(after, jobs):
        plan = Plan(after, frozenset(after))
        monkeypatch.setattr("podium.runtime.parallel.command.read_plan", lambda targets: plan)
        with alone() as lock:
            command.repro(["end"], jobs, {"b": 9.0}, lock)
        return (tmp_path / "turns").read_text().splitlines()

    return run


def test_independent_stages_are_side_by_side_and_no_others(runs, capsys):
    after = {name: [one for one in before if one != "bad"] for name, before in AFTER.items()}
    del after["bad"]
    turns = runs(after, 2)
    assert turns[:2] == ["+start 2", "-start"]
    assert {turn[:2] for turn in turns[2:4]} == {"+a", "+b"}
    assert turns[-2:] == ["+end 2", "-end"]
    printed = capsys.readouterr().out.splitlines()
    assert "up to 2 stages at a time, each with 2 threads" in printed
    assert printed[-1].startswith("all stages are up to date; 4 ran")
    for name in after:
        assert [line for line in printed if line.endswith(f"| {name} is done")]


def test_the_longest_is_first_where_there_is_no_room_for_two(runs):
    after = {"start": [], "a": ["start"], "b": ["start"]}
    assert [turn for turn in runs(after, 1) if turn[0] == "+"] == ["+start 4", "+b 4", "+a 4"]


def test_a_failure_stops_what_needs_it_alone(runs, tmp_path, capsys):
    with pytest.raises(Exception, match="failed, as said above: bad; not run without them: end"):
        runs(AFTER, 3)
    turns = (tmp_path / "turns").read_text()
    assert "-a" in turns
    assert "-b" in turns
    assert "+end" not in turns
    assert "bad" in capsys.readouterr().err


def test_threads_are_never_more_than_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for own in range(1, 20):
        monkeypatch.setattr("podium.runtime.resources.own_cores", lambda own=own: own)
        for wanted in range(1, 25):
            found = budget(wanted)
            assert 1 <= found.jobs <= wanted
            assert found.threads >= 1
            assert found.jobs * found.threads <= own
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert budget(2) == Budget(2, 1)


def test_two_runs_at_once_are_told(runs, tmp_path, monkeypatch, podium):
    monkeypatch.setattr("podium.runtime.parallel.alone.WAIT_SECONDS", 0.1)
    with alone(), pytest.raises(Exception, match=rf"another podium repro .*PID {os.getpid()}"):
        runs(AFTER, 2)


def test_no_job_is_no_number_of_jobs(project, podium):
    outcome = podium("repro", "-j", "0")
    assert outcome.code == 2
    assert "greater than or equal to 1" in outcome.err


@pytest.mark.deep
def test_the_real_dvc(project):
    """A competition that can't even start stops no other."""
    project.keep({HOUSES: ["ridge"], DIGITS: ["ridge", "softmax"]})
    project.use_files(project.root / "nowhere")
    project.use_dvc()
    done = project.run("podium", "repro", "-j", "2")
    assert done.returncode == 2
    assert "no folder or zip at" in done.stderr
    error = done.stderr.splitlines()[-1]
    assert error.startswith(f"podium: error: failed, as said above: {HOUSES} resolve")
    assert (project.root / f"submissions/{DIGITS}/submission.csv").is_file()
    assert (project.root / f"reports/{DIGITS}/report.html").is_file()


@pytest.mark.deep
def test_ctrl_c_ends_all(project):
    project.keep({HOUSES: ["ridge", "mlp"]})
    project.edit(lambda params: params[HOUSES]["models"]["mlp"].update(epochs=5000))
    project.use_dvc()
    process = subprocess.Popen(
        ["podium", "repro", "-j", "2"], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    while not (project.root / f"models/{HOUSES}/mlp/checkpoint").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert "Traceback" not in process.stderr.read()
    assert not (project.root / f"models/{HOUSES}/mlp/oof.parquet").exists()
