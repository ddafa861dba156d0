"""``podium repro -j N``: the steps of a run whose independent stages are side by side."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.io.errors import PodiumError
from podium.runtime import resources
from podium.runtime.console import say
from podium.runtime.parallel.lines import short
from podium.runtime.parallel.plan import Job, Plan, read_plan
from podium.runtime.parallel.run import Runner
from podium.runtime.parallel.schedule import Schedule, State
from podium.runtime.processes import this_process
from podium.runtime.warm import owner, resident

THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Budget:
    """How many stages run at a time, and the threads of each: never more in all than cores."""

    jobs: int
    threads: int


def budget(wanted: int) -> Budget:
    """So many jobs as are wanted, if there are cores for them; ``OMP_NUM_THREADS`` is kept to."""
    own = resources.own_cores()
    jobs = min(wanted, own)
    return Budget(jobs, min(resources.cores(), own // jobs))


def repro(targets: Sequence[str], jobs: int, seconds: Mapping[str, float], lock: int) -> None:
    """Bring the targets up to date, independent stages side by side.

    Args:
        targets: DVC's stages.
        jobs: how many at a time.
        seconds: what stages are expected to take.
        lock: an open file that every DVC keeps open; see ``alone``.

    Raises:
        PodiumError: stages failed; all that don't need them have run.
        KeyboardInterrupt: a Ctrl-C, after the stages that were running have ended.
        SystemExit: the same after SIGTERM.
    """
    started = time.monotonic()
    plan = read_plan(targets)
    if not plan.changed:
        say("all stages are up to date")
        return
    share = budget(jobs)
    say(_described(share, jobs))
    schedule = _run(plan, share, seconds, lock)
    _tell(schedule, time.monotonic() - started)


def _run(plan: Plan, share: Budget, seconds: Mapping[str, float], lock: int) -> Schedule:
    mine = this_process()
    environment = {**os.environ, THREADS: str(share.threads), owner.REPRO: mine}
    resident.start(mine, environment)
    return Runner(plan, share.jobs, seconds, environment, (lock,)).run()


def _described(share: Budget, wanted: int) -> str:
    threads = "1 thread" if share.threads == 1 else f"{share.threads} threads"
    fewer = f" (not {wanted}: there are no more cores)" if share.jobs < wanted else ""
    stages = "1 stage" if share.jobs == 1 else f"{share.jobs} stages"
    return f"up to {stages} at a time{fewer}, each with {threads}"


def _tell(schedule: Schedule, seconds: float) -> None:
    """The last line: what ran, and what failed.

    Raises:
        PodiumError: a stage failed.
    """
    ran = _names(schedule.of(State.RAN))
    failed, left_out = _names(schedule.of(State.FAILED)), _names(schedule.of(State.LEFT_OUT))
    if failed:
        rest = f"; not run without them: {', '.join(left_out)}" if left_out else ""
        raise PodiumError(
            f"failed, as said above: {', '.join(failed)}{rest}; all else is up to date ({len(ran)} "
            "ran)"
        )
    say(f"all stages are up to date; {len(ran)} ran, in {seconds:.0f} s")


def _names(jobs: Sequence[Job]) -> list[str]:
    return [short(stage) for job in jobs for stage in job.stages]
