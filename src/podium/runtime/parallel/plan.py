"""The jobs of a run: DVC's stages, those that can only follow each other joined."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.io.errors import PodiumError

GRAPH = "podium.runtime.parallel.graph"


@dataclass(frozen=True)
class Job:
    """Stages that one ``dvc repro -s`` runs in their order, and the jobs that come before."""

    stages: tuple[str, ...]
    after: frozenset[str]

    @property
    def name(self) -> str:
        """The first stage's name."""
        return self.stages[0]


@dataclass(frozen=True)
class Plan:
    """DVC's answer: ``order`` has the stages as a serial run has them.

    ``after`` are the stages that each reads results of, ``changed`` those that would run now.
    """

    after: Mapping[str, Sequence[str]]
    changed: frozenset[str]

    @property
    def order(self) -> list[str]:
        """All stages, as a serial run has them."""
        return list(self.after)


def read_plan(targets: Sequence[str]) -> Plan:
    """What DVC would run for these stages.

    Raises:
        PodiumError: DVC can't read its files.
    """
    answer = _ask("plan", targets)
    return Plan(answer["after"], frozenset(answer["changed"]))


def read_changed(stages: Sequence[str]) -> frozenset[str]:
    """Those of the stages that would run now, where all that they come after is done.

    Raises:
        PodiumError: DVC can't read its files.
    """
    return frozenset(_ask("changed", stages))


def _ask(*words: str | Sequence[str]) -> Any:
    command, names = words
    # -P: what lies in the project's folder is not imported.
    done = subprocess.run(
        [sys.executable, "-P", "-m", GRAPH, str(command), *names],
        stdin=subprocess.DEVNULL,
        # DVC's order of stages that are equal changes with it.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it says nothing"]
        raise PodiumError(f"dvc can't tell its stages: {said[-1]}; 'dvc status' says more")
    return json.loads(done.stdout)


def make_jobs(after: Mapping[str, Sequence[str]]) -> list[Job]:
    """Jobs of stages, in their order; ``after`` has each stage with those that it comes after.

    A stage joins the one before it where each is the other's only neighbour on that side: nothing
    else could run between the two, and one DVC starts faster than two.
    """
    direct = _direct(after)
    followers: dict[str, list[str]] = {name: [] for name in direct}
    for name, before in direct.items():
        for one in before:
            followers[one].append(name)
    chains: dict[str, list[str]] = {}
    chain_of: dict[str, str] = {}
    for name, before in direct.items():
        joins = len(before) == 1 and followers[before[0]] == [name]
        head = chain_of[before[0]] if joins else name
        chain_of[name] = head
        chains.setdefault(head, []).append(name)
    return [
        Job(tuple(chain), frozenset(chain_of[name] for name in direct[head]))
        for head, chain in chains.items()
    ]


def _direct(after: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Without those that a stage comes after by way of another (a transitive reduction).

    Stages stand behind all that they come after.
    """
    above: dict[str, set[str]] = {}
    for name, before in after.items():
        above[name] = set(before).union(*(above[one] for one in before))
    return {
        name: [one for one in before if not any(one in above[other] for other in before)]
        for name, before in after.items()
    }
