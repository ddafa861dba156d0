"""Commands in processes forked from the resident one: as if they had been started themselves."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from podium.runtime import processes
from podium.runtime.warm import protocol

pytestmark = pytest.mark.skipif(
    not protocol.is_possible(), reason="needs Linux, and PODIUM_WARM unset"
)

# A stage's command: it says "here" where it has to run in its own process.
CLIENT = """
import sys
from podium.runtime.warm import client
client.run(sys.argv[1:])
print("here")
"""
# What `dvc` does: it has a resident process, and starts stages one after the other.
DVC = """
import os, signal, subprocess, sys
from podium.runtime import processes
from podium.runtime.warm import resident
# Programs that a shell starts in the background ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
resident.start(processes.this_process())
print("started", flush=True)
for line in sys.stdin:
    os.environ.update(word.split("=", 1) for word in line.split() if "=" in word)
    words = [word for word in line.split() if "=" not in word]
    stage = subprocess.Popen([sys.executable, "client.py", *words])
    print(stage.pid, flush=True)
    print(stage.wait(), flush=True)
"""


class Dvc:
    """A program that stands for DVC, with a resident process."""

    def __init__(self) -> None:
        Path("client.py").write_text(CLIENT)
        Path("dvc.py").write_text(DVC)
        with Path("errors").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "dvc.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "DVC_STAGE": "train"},
                text=True,
                start_new_session=True,
            )
        assert self.read() == "started"
        self.address = protocol.address(self.process.pid)
        wait_until(self.address.exists)

    def read(self) -> str:
        return self.process.stdout.readline().strip()

    def start(self, *words: str) -> int:
        """Start a stage; returns its process id."""
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return int(self.read())

    def finish(self) -> tuple[list[str], int]:
        """What the stage printed, and how it ended."""
        lines = []
        while not (line := self.read()).lstrip("-").isdigit():
            lines.append(line)
        return lines, int(line)

    def run(self, *words: str) -> tuple[list[str], int]:
        self.start(*words)
        return self.finish()

    @property
    def resident(self) -> psutil.Process:
        name = "podium.runtime.warm.resident"
        owner = processes.describe(psutil.Process(self.process.pid))
        found = [
            one
            for one in psutil.process_iter(["cmdline"])
            if name in (one.info["cmdline"] or []) and owner in one.info["cmdline"]
        ]
        return min(found, key=lambda one: one.pid)

    @property
    def errors(self) -> str:
        return Path("errors").read_text()


def wait_until(what, seconds=60.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def dvc(project):
    program = Dvc()
    resident = program.resident
    yield program
    program.process.kill()
    program.process.wait()
    wait_until(lambda: processes.has_ended(resident))


@pytest.fixture
def holder(project):
    """A process that holds the output of ridge, so that a training of it waits for 15 seconds."""
    code = (
        "import time\nfrom podium.runtime import guard\n"
        "with guard.only_one('train', 'house-prices', 'ridge'):\n"
        "    print('held', flush=True)\n    time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


RIDGE = ("train", "house-prices", "ridge")


def start_waiting(dvc: Dvc) -> tuple[int, psutil.Process]:
    """A training that waits: its client's process id, and its own forked process."""
    client = dvc.start(*RIDGE)
    wait_until(lambda: "already running" in dvc.errors)
    (forked,) = dvc.resident.children()
    return client, forked


def test_a_command_prints_and_ends_as_in_a_process_of_its_own(dvc, podium):
    own = podium("check")
    lines, code = dvc.run("check")
    assert (lines, code) == (own.out.splitlines(), 0)
    lines, code = dvc.run("train", "nothing", "ridge")
    assert (lines, code) == ([], 2)
    assert dvc.errors == podium("train", "nothing", "ridge").err


@pytest.mark.deep
def test_stages_are_forked_also_when_libraries_have_set_variables(dvc):
    """scikit-learn does, when it is imported; that is no other environment."""
    wait_until(lambda: "sklearn" in loaded(dvc.resident.pid))
    assert dvc.run("check")[0] != ["here"]


def loaded(pid: int) -> str:
    """The files that a process has mapped, its libraries among them."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_only_the_user_can_open_the_socket(dvc):
    assert protocol.FOLDER.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "words",
    [
        "OMP_NUM_THREADS=7",
        *(
            pytest.param(words, marks=pytest.mark.deep)
            for words in ("PODIUM_WARM=0", "PYTHONHASHSEED=3", "DVC_STAGE=")
        ),
    ],
)
def test_a_command_with_other_libraries_settings_runs_by_itself(dvc, words):
    if words == "DVC_STAGE=":
        environment = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
        command = [sys.executable, "client.py", "check"]
        assert subprocess.check_output(command, env=environment, text=True) == "here\n"
    else:
        assert dvc.run(words, "check") == (["here"], 0)
        assert len(dvc.run("PODIUM_WARM=1", "check")[0]) == 1


def test_a_command_of_another_dvc_runs_by_itself(dvc):
    command = [sys.executable, "client.py", "check"]
    environment = {**os.environ, "DVC_STAGE": "train"}
    own = protocol.address(os.getpid())
    own.symlink_to(dvc.address.name)
    assert subprocess.check_output(command, env=environment, text=True) == "here\n"


@pytest.mark.deep
def test_a_command_of_changed_sources_runs_by_itself(project, tmp_path, monkeypatch):
    import shutil

    sources = tmp_path / "src"
    shutil.copytree(protocol.PACKAGE.parent / "podium", sources / "podium")
    monkeypatch.setenv("PYTHONPATH", str(sources))
    dvc = Dvc()
    assert dvc.run("check")[0] != ["here"]
    with (sources / "podium/metrics/numbers.py").open("a") as file:
        file.write("# edited\n")
    assert dvc.run("check") == (["here"], 0)
    dvc.process.kill()
    dvc.process.wait()


@pytest.mark.deep
def test_a_command_runs_by_itself_after_the_resident_process_was_killed(dvc):
    dvc.resident.kill()
    assert dvc.run("check") == (["here"], 0)


@pytest.mark.deep
def test_a_running_command_survives_the_resident_process(dvc, holder):
    client, forked = start_waiting(dvc)
    dvc.resident.kill()
    holder.kill()
    lines, code = dvc.finish()
    # The lock is free now, and there are no data.
    assert (lines, code) == ([], 2)
    assert "data/processed/house-prices" in dvc.errors


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_reach_the_command(dvc, holder, number, code):
    client, forked = start_waiting(dvc)
    os.kill(client, number)
    assert dvc.finish()[1] == code
    wait_until(lambda: processes.has_ended(forked))


def test_a_command_ends_with_its_client(dvc, holder):
    client, forked = start_waiting(dvc)
    os.kill(client, signal.SIGKILL)
    assert dvc.finish()[1] == -signal.SIGKILL
    wait_until(lambda: processes.has_ended(forked), 5)


@pytest.mark.deep
def test_a_client_ends_by_the_signal_that_ended_the_command(dvc, holder):
    client, forked = start_waiting(dvc)
    forked.kill()
    assert dvc.finish()[1] == -signal.SIGKILL


@pytest.mark.deep
def test_a_stopped_client_stops_the_command_until_it_goes_on(dvc, holder):
    client, forked = start_waiting(dvc)
    os.kill(client, signal.SIGTSTP)
    # The client stops after the command: as a shell does, wait for it, or SIGCONT comes too early.
    for process in (forked, psutil.Process(client)):
        wait_until(lambda process=process: process.status() == psutil.STATUS_STOPPED)
    os.kill(client, signal.SIGCONT)
    wait_until(lambda: forked.status() != psutil.STATUS_STOPPED)
    os.kill(client, signal.SIGTERM)
    assert dvc.finish()[1] == 143


@pytest.mark.deep
def test_the_command_and_the_resident_process_end_with_the_dvc(dvc, holder):
    client, forked = start_waiting(dvc)
    resident = dvc.resident
    dvc.process.kill()
    dvc.process.wait()
    wait_until(lambda: processes.has_ended(forked), 5)
    wait_until(lambda: processes.has_ended(resident), 10)
    assert not dvc.address.exists()


TERMINAL = """
import os, subprocess, sys
from podium.runtime import processes
from podium.runtime.warm import protocol, resident
resident.start(processes.this_process())
while not protocol.address(os.getpid()).exists():
    pass
os.environ["DVC_STAGE"] = "train"
import signal
signal.signal(signal.SIGINT, lambda *_: None)
print("code", subprocess.run([sys.executable, "client.py", *sys.argv[1:]]).returncode)
"""


@pytest.mark.deep
def test_ctrl_c_at_a_terminal_reaches_the_command(project, holder):
    Path("client.py").write_text(CLIENT)
    Path("dvc.py").write_text(TERMINAL)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "dvc.py", *RIDGE])
    shown = b""
    while b"already running" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while not re.search(rb"code -?\d+\r?\n", shown):
        shown += os.read(terminal, 1000)
    assert b"code 130" in shown
    os.waitpid(pid, 0)
