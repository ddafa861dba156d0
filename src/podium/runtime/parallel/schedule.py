"""Which job starts next: the one with the longest way to the end of all.

This is list scheduling by the longest path (R. L. Graham, 'Bounds on multiprocessing timing
anomalies', SIAM J. Appl. Math. 1969): never worse than twice the best possible, and for jobs
without order, longest first, than 4/3. Nothing here knows processes, so that benchmarks can run it
on a clock of their own.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from podium.runtime.parallel.plan import Job


class State(Enum):
    """Where a job is; the last three are ends without results of this run."""

    WAITING = "waiting"
    RUNNING = "running"
    RAN = "ran"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    LEFT_OUT = "left out"


GOOD = (State.RAN, State.UNCHANGED)
BAD = (State.FAILED, State.LEFT_OUT)


class Schedule:
    """The state of every job.

    Args:
        jobs: in the order of a serial run, which decides between equals.
        changed: stages that DVC would run whatever comes before them.
        seconds: what a stage is expected to take; a stage without is taken for a short one.
    """

    def __init__(
        self, jobs: Sequence[Job], changed: frozenset[str], seconds: Mapping[str, float]
    ) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.states = dict.fromkeys(self.jobs, State.WAITING)
        self.changed = {name for name, job in self.jobs.items() if changed.intersection(job.stages)}
        self._known_unchanged: set[str] = set()
        self._lengths = _lengths(list(jobs), seconds)
        self._settle()

    @property
    def is_over(self) -> bool:
        """Whether no job waits or runs."""
        return not {State.WAITING, State.RUNNING}.intersection(self.states.values())

    def of(self, *states: State) -> list[Job]:
        """The jobs in these states."""
        return [job for name, job in self.jobs.items() if self.states[name] in states]

    def ready(self) -> list[Job]:
        """The jobs that may start, the longest way to the end first."""
        found = [job for job in self.of(State.WAITING) if self._all_good(job)]
        return sorted(found, key=lambda job: -self._lengths[job.name])

    def in_question(self) -> list[Job]:
        """Jobs that may start but of which only DVC knows whether they have to: see ``answer``.

        What comes before them ran, but may have left the same bytes. A single one is not asked
        about: its own DVC finds out as fast.
        """
        found = [job for job in self.ready() if job.name not in self.changed]
        return found if len(found) > 1 else []

    def answer(self, asked: Sequence[Job], changed: frozenset[str]) -> None:
        """Take DVC's answer about jobs in question."""
        for job in asked:
            known = self.changed if changed.intersection(job.stages) else self._known_unchanged
            known.add(job.name)
        self._settle()

    def start(self, job: Job) -> None:
        """The job runs."""
        self.states[job.name] = State.RUNNING

    def end(self, job: Job, state: State) -> None:
        """The job has ended; those that need a failed one are left out."""
        self.states[job.name] = state
        self._settle()

    def _all_good(self, job: Job) -> bool:
        return all(self.states[name] in GOOD for name in job.after)

    def _settle(self) -> None:
        """Give jobs that have nothing to do, or can't be done, their state; in serial order."""
        for job in self.of(State.WAITING):
            before = {self.states[name] for name in job.after}
            if before.intersection(BAD):
                self.states[job.name] = State.LEFT_OUT
            elif job.name in self._known_unchanged or (
                job.name not in self.changed and before <= {State.UNCHANGED}
            ):
                self.states[job.name] = State.UNCHANGED


def _lengths(jobs: Sequence[Job], seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds from a job's start to the end of the last one that needs it, were there no others."""
    lengths: dict[str, float] = {}
    for job in reversed(jobs):
        own = sum(seconds.get(stage, 0.0) for stage in job.stages)
        later = [lengths[other.name] for other in jobs if job.name in other.after]
        lengths[job.name] = own + max(later, default=0.0)
    return lengths
