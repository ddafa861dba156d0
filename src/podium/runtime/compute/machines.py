"""The cluster's machines: their versions, cores and slots, and which workers a task may use.

Threads of all tasks together never exceed a machine's cores: of tasks with several threads fewer
run at a time, on some of its workers.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from podium.io.errors import PodiumError

# What a result depends on, and what the two sides speak with each other.
PACKAGES = (
    "numpy", "pandas", "scipy", "scikit-learn", "lightgbm", "torch", "pyarrow", "dask",
    "distributed", "cloudpickle",
)  # fmt: skip
INSTALL = ".venv/bin/pip install -c constraints.txt '.[dask]'"
MISSING = "missing"


@dataclass(frozen=True)
class Machine:
    """A machine with workers: its cores, and each worker's slots by its address."""

    cores: int
    slots: Mapping[str, int]

    def share(self, threads: int) -> dict[str, int]:
        """The workers, with their slots, for tasks of so many threads; at least one."""
        room = max(1, self.cores // threads)
        taken: dict[str, int] = {}
        for address, slots in sorted(self.slots.items(), key=lambda own: own[1]):
            if room > 0:
                taken[address] = min(slots, room)
                room -= slots
        return taken


@dataclass(frozen=True)
class Machines:
    """All machines by host."""

    by_host: Mapping[str, Machine]

    @classmethod
    def of(cls, facts: Mapping[str, Mapping[str, Any]], slots: Mapping[str, int]) -> "Machines":
        """By what ``facts_of_process`` found on each worker, and each worker's threads."""
        workers: dict[str, dict[str, int]] = defaultdict(dict)
        cores: dict[str, int] = {}
        for address, found in facts.items():
            host = address.partition("://")[2].rpartition(":")[0]
            workers[host][address] = slots.get(address, 1)
            cores[host] = int(found["cores"])
        return cls({host: Machine(cores[host], own) for host, own in workers.items()})

    @property
    def slots(self) -> int:
        """How many tasks of one thread run at a time."""
        return sum(sum(machine.share(1).values()) for machine in self.by_host.values())

    def possible(self, threads: int) -> int:
        """So many threads, or as many as the smallest machine has cores."""
        return min([threads, *(machine.cores for machine in self.by_host.values())])

    def shares(self, threads: int) -> dict[str, int]:
        """The workers for tasks of so many threads, and how many tasks each may have."""
        shares = (machine.share(threads) for machine in self.by_host.values())
        return {address: count for share in shares for address, count in share.items()}

    def crowded(self) -> list[str]:
        """A line about each machine with more slots than cores."""
        return [
            f"{host} has {sum(machine.slots.values())} slots and {machine.cores} cores: as many "
            f"tasks as cores run at a time; start it with --nworkers {machine.cores} --nthreads 1"
            for host, machine in self.by_host.items()
            if sum(machine.slots.values()) > machine.cores
        ]


def facts_of_process() -> Callable[[], dict[str, Any]]:
    """A function for any Python process: versions, a hash of Podium's sources, cores.

    It is a closure, so that it travels whole: where Podium is missing it works, too. The sources
    are those when a process was first asked: one that runs since before an edit has the old ones.
    """
    packages, missing = PACKAGES, MISSING

    def facts() -> dict[str, Any]:
        import hashlib
        import sys
        from importlib.metadata import PackageNotFoundError, version
        from importlib.util import find_spec
        from pathlib import Path

        import dask
        from dask.system import CPU_COUNT

        spec, sources = find_spec("podium"), dask.config.get("podium-sources", missing)
        if spec is not None and spec.origin and sources == missing:
            folder, digest = Path(spec.origin).parent, hashlib.sha256()
            for path in sorted(folder.rglob("*.py")):
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
            sources = digest.hexdigest()[:8]
            dask.config.set({"podium-sources": sources})
        found = {"podium": sources, "python": ".".join(map(str, sys.version_info[:3]))}
        for name in packages:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = missing
        return {"versions": found, "cores": CPU_COUNT}

    return facts


def check_versions(here: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare the versions of this process with those of the scheduler and of each worker.

    Raises:
        PodiumError: they differ; names the first process, and all that differs there.
    """
    for who, facts in there.items():
        own, other = here["versions"], facts["versions"]
        differing = [name for name in own if own[name] != other.get(name)]
        if not differing:
            continue
        what = ", ".join(
            f"{_named(name)} {other.get(name, MISSING)} (here {own[name]})" for name in differing
        )
        raise PodiumError(
            f"{who}: {what}; nothing was started: install the same versions on every machine of "
            f"the cluster ({INSTALL}) and restart its workers"
        )


def _named(package: str) -> str:
    return "podium's sources" if package == "podium" else package
