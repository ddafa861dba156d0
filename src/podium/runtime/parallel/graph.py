"""DVC's stages as JSON on stdout: a program, because importing DVC takes a second.

python -m podium.runtime.parallel.graph plan TARGET...      stages, what each comes after, changed
python -m podium.runtime.parallel.graph changed STAGE...    those that would run now
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro


def plan(repo: Repo, targets: Sequence[str]) -> dict[str, Any]:
    """All stages that the targets need, in the order of a ``dvc repro`` for one after the other."""
    graph = get_active_graph(repo.index.graph)
    after: dict[str, list[str]] = {}
    for target in targets:
        for stage in plan_repro(graph, collect_stages(repo, [target])):
            after[stage.addressing] = [one.addressing for one in graph.successors(stage)]
    return {"after": after, "changed": changed(repo, list(after))}


def changed(repo: Repo, stages: Sequence[str]) -> list[str]:
    """The stages that DVC would run now: it looks at no other stage for that."""
    found = repo.status(targets=list(stages)) if stages else {}
    return [name for name in stages if name in found]


def main(command: str, names: Sequence[str]) -> None:
    """Print what was asked for; an error of DVC's is one line on stderr."""
    try:
        repo = Repo(_wait_for_lock=True)
        with lock_repo(repo):
            answer = plan(repo, names) if command == "plan" else changed(repo, names)
    except DvcException as error:
        sys.exit(" ".join(str(error).split()))
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
