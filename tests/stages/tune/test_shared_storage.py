"""Several machines share one study: a real PostgreSQL, where the tests have one."""

import os
import subprocess
import sys

import pytest

from tune_help import PROGRAM, opened

pytestmark = pytest.mark.deep


def test_two_processes_and_a_database_server(tmp_path, monkeypatch):
    server = pytest.importorskip("postgres")
    if reason := server.why_not():
        pytest.skip(reason)
    monkeypatch.chdir(tmp_path)
    program = (
        f"{PROGRAM}"
        "study = t.opened(sys.argv[1])\n"
        "for _ in range(4):\n"
        "    (one,) = study.ask(1)\n"
        "    study.tell(one, t.complete(t.loss(one.values)))\n"
    )
    with server.postgres() as url:
        opened(url)
        both = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(2)]
        assert [process.wait() for process in both] == [0, 0]
        found = opened(url).finished()
        assert len({str(one.values) for one in found}) == len(found) == 8
        # One that is killed leaves its trial to the others.
        killed = program.replace("    study.tell", "    import os; os.kill(os.getpid(), 9)\n    #")
        subprocess.Popen([sys.executable, "-c", killed, url], env=os.environ).wait()
        assert opened(url).take_over() == 1
