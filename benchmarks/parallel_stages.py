"""``podium repro -j``: stages side by side against one after the other, and 16 cores on paper.

    PODIUM_HOUSE_PRICES=<folder> python benchmarks/parallel_stages.py [--rounds 1] [--digits]

In each round three whole runs in new folders: in turn with all threads, in turn with one thread,
and side by side with two. Then the same scheduler runs on a clock of its own, with 16 cores. It
takes the measured seconds of each stage, and assumes that a stage has a part that doesn't get
faster and one that gets faster by as much as it has threads (Amdahl's law, fitted to one and two
threads); that stages don't slow each other; and that every DVC that is started costs what it cost
here.
"""

import argparse
import os
import re
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common import DIGITS, HOUSES, edit, environment, machine, project, source, stage_seconds
from podium.runtime.parallel.plan import Job, make_jobs, read_plan
from podium.runtime.parallel.schedule import Schedule, State

STAGE = re.compile(r"Running stage '(.+)':")
CORES = 16
JOBS = (1, 2, 4, 8, 16)
# A stage that gets faster by all of its threads is one whose measured seconds were noise.
MOST_PARALLEL = 0.98


@dataclass(frozen=True)
class Measured:
    """Wall seconds of a run, and of its stages where they run in turn."""

    wall: float
    stages: Mapping[str, float]
    after: Mapping[str, Sequence[str]]


def main() -> None:
    """Measure, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--digits", action="store_true", help="the sample of digits too")
    options = parser.parse_args()
    print(machine())
    raw = source()
    names = [HOUSES, DIGITS] if options.digits else [HOUSES]
    rounds: dict[str, list[Measured]] = {"in turn": [], "in turn, 1 thread": [], "-j 2": []}
    for _ in range(options.rounds):
        rounds["in turn"].append(measure(raw, names, None))
        rounds["-j 2"].append(measure(raw, names, None, "-j", "2"))
        rounds["in turn, 1 thread"].append(measure(raw, names, "1"))
    for name, runs in rounds.items():
        print(f"{name:<20}{'  '.join(f'{run.wall:6.1f}' for run in runs)} s")
    simulate(rounds["in turn, 1 thread"], rounds["in turn"])


def measure(
    raw: Mapping[str, str], names: Sequence[str], threads: str | None, *options: str
) -> Measured:
    """A whole run in a new folder."""
    with project(raw) as root:
        edit(root, lambda params: params.update(competitions=list(names)))
        for command in (("init", "--no-scm", "-q"), ("config", "core.analytics", "false")):
            subprocess.run(["dvc", *command], cwd=root, check=True)
        own = {key: value for key, value in environment().items() if key != "OMP_NUM_THREADS"}
        own |= {"OMP_NUM_THREADS": threads} if threads else {}
        wall, stages = stage_seconds(["podium", "repro", *options], STAGE, root, own)
        os.chdir(root)
        after = read_plan([f"report@{name}" for name in names]).after
        subprocess.run(["podium", "sync"], check=True, stdout=subprocess.DEVNULL)
        os.chdir("/")
        return Measured(wall, stages, after)


def simulate(one: Sequence[Measured], two: Sequence[Measured]) -> None:
    """Seconds of a run on more cores, from those of each stage with one thread and with two."""
    after = one[0].after
    means = [
        {name: statistics.mean(run.stages[name] for run in runs) for name in after}
        for runs in (one, two)
    ]
    shares = {name: parallel_share(means[0][name], means[1][name]) for name in after}
    print(f"\n{'stage':<44}{'1 thread':>9}{'2 threads':>10}{'parallel':>10}")
    for name in after:
        print(f"{name:<44}{means[0][name]:>9.1f}{means[1][name]:>10.1f}{shares[name]:>10.0%}")
    start = one[0].wall - sum(one[0].stages.values())
    print(f"\n{CORES} cores, simulated; the start of a DVC takes {start:.1f} s")
    in_turn = start + sum(with_threads(means[0][name], shares[name], CORES) for name in after)
    print(f"{'in turn':<10}{in_turn:6.1f} s")
    for jobs in JOBS:
        threads = CORES // jobs
        seconds = {n: with_threads(means[0][n], shares[n], threads) for n in after}
        wall = start + makespan(make_jobs(after), seconds, jobs, start)
        print(f"{f'-j {jobs}':<10}{wall:6.1f} s  {in_turn / wall:.2f}x")


def parallel_share(one: float, two: float) -> float:
    """The part of a stage's seconds that threads share, by Amdahl's law."""
    return min(max(2 * (1 - two / one), 0.0), MOST_PARALLEL)


def with_threads(seconds: float, share: float, threads: int) -> float:
    """A stage's seconds with more threads than one."""
    return seconds * (1 - share + share / threads)


def makespan(jobs: Sequence[Job], seconds: Mapping[str, float], slots: int, start: float) -> float:
    """When the last job ends, by the scheduler that ``podium repro -j`` has."""
    changed = frozenset(stage for job in jobs for stage in job.stages)
    schedule, clock = Schedule(jobs, changed, seconds), 0.0
    running: dict[str, float] = {}
    while not schedule.is_over:
        for job in schedule.ready()[: slots - len(running)]:
            schedule.start(job)
            running[job.name] = clock + start + sum(seconds[stage] for stage in job.stages)
        name = min(running, key=running.__getitem__)
        clock = running.pop(name)
        schedule.end(schedule.jobs[name], State.RAN)
    return clock


if __name__ == "__main__":
    main()
