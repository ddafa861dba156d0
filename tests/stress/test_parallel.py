"""Stages side by side leave what they leave one after the other, and no kill changes that."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from podium.runtime import dvc_files
from podium.runtime.processes import has_ended
from projects import GIVEN, HIDDEN, HOUSES, Project, made_once
from results import CLOCK, SHOW_CLOCK, result_hashes

pytestmark = pytest.mark.deep

MODELS = ("ridge", "mlp", "lightgbm")
# A stage of two has one thread; bytes depend on the number of threads.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
SIDE_BY_SIDE = ("podium", "repro", "-j", "2")


def make(root: Path) -> Project:
    project = Project.make(root)
    project.keep({HOUSES: MODELS})
    knobs = {"hidden": [64], "epochs": 25, "seeds": 2}
    project.edit(lambda params: params[HOUSES]["models"]["mlp"].update(knobs))
    project.use_dvc()
    return project


@pytest.fixture(scope="session")
def serial(shared: Path) -> Project:
    """A project after a run of one stage after the other."""

    def run(root: Path) -> None:
        done = make(root).run("podium", "repro", env=ONE_THREAD)
        assert done.returncode == 0, done.stdout + done.stderr

    return Project(made_once(shared, "serial", run))


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return make(tmp_path / "project")


def lock_files(project: Project) -> str:
    """Both lock files, without the hashes of what shows seconds."""
    text = "".join((project.root / path).read_text() for path in dvc_files.LOCK_FILES)
    shows = "|".join([*SHOW_CLOCK, f"models/{HOUSES}$"])
    hidden = rf"(- path: \S*(?:{shows})\n)(      \w.*\n)+"
    return re.sub(hidden, r"\1", text, flags=re.MULTILINE)


def same_as(serial: Project, project: Project) -> bool:
    without = CLOCK | SHOW_CLOCK
    results = result_hashes(serial.root, without) == result_hashes(project.root, without)
    return results and lock_files(serial) == lock_files(project)


def finish(project: Project) -> str:
    """The next run, which has to end well; what it printed."""
    done = project.run(*SIDE_BY_SIDE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


def start(project: Project, sign: str) -> psutil.Popen:
    """A run that is at a stage's sign: a file or folder that appears."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    process = psutil.Popen(
        SIDE_BY_SIDE,
        cwd=project.root,
        env={**environment, **GIVEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    while not (project.root / sign).exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    return process


def running(process: psutil.Process, words: str) -> list[psutil.Process]:
    found = []
    for one in process.children(recursive=True):
        if words in " ".join(one.cmdline()):
            found.append(one)
    return found


def wait_for_end(processes: list[psutil.Process]) -> None:
    end = time.monotonic() + 20
    while not all(map(has_ended, processes)):
        assert time.monotonic() < end, [one for one in processes if not has_ended(one)]
        time.sleep(0.05)


def test_the_bytes_are_those_of_a_serial_run(serial, fresh):
    printed = finish(fresh)
    assert same_as(serial, fresh)
    # Trainings did overlap: one began before another had ended.
    begins = [printed.index(f"Running stage 'models/dvc.yaml:{HOUSES}@{name}'") for name in MODELS]
    ends = [printed.index(f"{HOUSES} (synthetic sample data)  {name}  rmsle") for name in MODELS]
    assert sorted(begins)[1] < min(ends)
    assert finish(fresh).splitlines()[-1] == "all stages are up to date"
    assert fresh.run("dvc", "repro").stdout.count("Running stage") == 0


def test_an_edit_runs_what_it_touches(serial, tmp_path):
    project = serial.copy(tmp_path / "project")
    before = (project.root / "models/dvc.lock").read_text()
    project.edit(lambda params: params[HOUSES]["models"]["ridge"].update(alphas=[2, 50]))
    ran = re.findall("Running stage '(.+)'", finish(project))
    assert ran == [
        f"resolve@{HOUSES}", f"models/dvc.yaml:{HOUSES}@ridge", f"ensemble@{HOUSES}",
        f"report@{HOUSES}",
    ]  # fmt: skip
    names = re.compile(r"^  \S+:$", re.MULTILINE)
    assert names.findall((project.root / "models/dvc.lock").read_text()) == names.findall(before)


@pytest.mark.parametrize("sign", [f"data/raw/{HOUSES}", f"models/{HOUSES}/mlp/checkpoint"])
def test_sigkill_of_podium(sign, serial, fresh):
    process = start(fresh, sign)
    left = process.children(recursive=True)
    process.kill()
    process.wait()
    # At once, while what it has left may still be ending.
    finish(fresh)
    wait_for_end(left)
    assert same_as(serial, fresh)


def test_sigkill_of_a_dvc(serial, fresh):
    process = start(fresh, f"models/{HOUSES}/mlp/checkpoint")
    dvc, *_ = running(process, f"--single-item models/dvc.yaml:{HOUSES}@mlp")
    stage = dvc.children(recursive=True)
    dvc.kill()
    assert process.wait(timeout=300) == 2
    wait_for_end(stage)
    error = process.stderr.read()
    assert "failed, as said above: house-prices mlp; not run without them" in error
    for other in ("ridge", "lightgbm"):
        assert (fresh.root / f"models/{HOUSES}/{other}/oof.parquet").exists()
    printed = finish(fresh)
    assert re.findall("Running stage '.+@(.+)'", printed)[0] == "mlp"
    assert same_as(serial, fresh)


def test_sigkill_of_a_training(serial, fresh):
    process = start(fresh, f"models/{HOUSES}/mlp/checkpoint")
    lock = fresh.root / f".podium/locks/train@{HOUSES}@mlp"
    os.kill(int(lock.read_text()), signal.SIGKILL)
    assert process.wait(timeout=300) == 2
    assert "failed, as said above: house-prices mlp;" in process.stderr.read()
    finish(fresh)
    assert same_as(serial, fresh)
