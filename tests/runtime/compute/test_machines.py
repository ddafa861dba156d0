"""Threads never exceed cores; versions are compared before work starts."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.io.errors import PodiumError
from podium.runtime.compute.machines import (
    Machine,
    Machines,
    check_versions,
    facts_of_process,
)


def machine(cores: int, *slots: int, host: str = "h") -> Machine:
    return Machine(cores, {f"tcp://{host}:{port}": own for port, own in enumerate(slots)})


@given(
    cores=st.integers(1, 64),
    slots=st.lists(st.integers(1, 8), min_size=1, max_size=16),
    threads=st.integers(1, 64),
)
def test_threads_of_all_tasks_fit_the_cores(cores: int, slots: list[int], threads: int) -> None:
    machines = Machines({"h": machine(cores, *slots)})
    own = machines.possible(threads)
    tasks = sum(machines.shares(own).values())
    assert 1 <= own <= threads
    assert tasks >= 1
    assert tasks * own <= cores
    assert machines.slots <= min(cores, sum(slots))


def test_tasks_with_all_cores_run_one_on_each_machine() -> None:
    machines = Machines({"a": machine(2, 1, 1, host="a"), "b": machine(4, 1, 1, 1, 1, host="b")})
    assert machines.slots == 6
    assert len(machines.shares(1)) == 6
    hosts = [address.split(":")[1] for address in machines.shares(machines.possible(2))]
    assert sorted(hosts) == ["//a", "//b", "//b"]


def test_more_slots_than_cores_are_told() -> None:
    (line,) = Machines({"h": machine(2, 8)}).crowded()
    assert "8 slots and 2 cores" in line
    assert not Machines({"h": machine(2, 1, 1)}).crowded()


def test_workers_are_sorted_by_host() -> None:
    facts = {"tcp://10.0.0.1:1": {"cores": 2}, "tcp://10.0.0.1:2": {"cores": 2}}
    machines = Machines.of(facts, dict.fromkeys(facts, 1))
    assert list(machines.by_host) == ["10.0.0.1"]
    assert machines.slots == 2


@pytest.mark.parametrize("name", ["podium", "python", "torch", "lightgbm"])
@pytest.mark.parametrize("other", ["0.0.1", "missing"])
def test_other_versions_are_named(name: str, other: str) -> None:
    here = facts_of_process()()
    check_versions(here, {"a worker": facts_of_process()()})
    there = {**here, "versions": {**here["versions"], name: other}}
    with pytest.raises(PodiumError, match=f"^the worker at x: .*{name}.* {other} .*pip install"):
        check_versions(here, {"the scheduler": here, "the worker at x": there})


# A Python that finds no Podium: neither in its path nor by an installation from its folder.
WITHOUT_PODIUM = """
import sys
from pathlib import Path
sys.path[:] = [entry for entry in sys.path if not (Path(entry) / "podium").exists()]
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
import cloudpickle
print(cloudpickle.loads(sys.stdin.buffer.read())()["versions"]["podium"])
"""


def test_the_question_works_where_podium_is_missing() -> None:
    import cloudpickle

    found = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT_PODIUM],
        input=cloudpickle.dumps(facts_of_process()),
        capture_output=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        timeout=60,
    )
    assert found.stdout.decode().strip() == "missing", found.stderr.decode()
