"""Running a plan's jobs: a DVC for each, so many at a time, none with more threads than its share.

Each DVC locks the project while it reads and writes its own files, and not while its stage runs;
``--wait-for-lock`` lets the others wait for that. All that a job leaves is what the same stage
leaves in a serial run.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import IO, TextIO

from podium.io.errors import PodiumError
from podium.runtime import dvc_files, repro
from podium.runtime.parallel.lines import Lines, short
from podium.runtime.parallel.plan import Job, Plan, make_jobs, read_changed
from podium.runtime.parallel.schedule import Schedule, State

LOOK_SECONDS = 1.0
# A stage of a killed DVC ends by itself within five seconds; then its output ends, too.
LEFT_SECONDS = 8.0
BLOCK = 1 << 16


@dataclass
class _Running:
    """A job with its process; ``open`` counts the streams that may still bring output."""

    job: Job
    process: subprocess.Popen[bytes]
    lines: Lines
    started: float
    open: int = 2
    ended: float | None = None


class Runner:
    """Runs jobs until all are done, left out, or a signal has come.

    Args:
        plan: what there is to do.
        slots: how many jobs at a time.
        seconds: what each stage is expected to take.
        environment: of every DVC.
        held: open files that the DVCs keep open: locks that end with the last of them.
    """

    def __init__(
        self,
        plan: Plan,
        slots: int,
        seconds: Mapping[str, float],
        environment: Mapping[str, str],
        held: Sequence[int] = (),
    ) -> None:
        self.schedule = Schedule(make_jobs(plan.after), plan.changed, seconds)
        self.slots, self.environment, self.held = slots, environment, held
        self.width = max(len(short(stage)) for stage in plan.order)
        self.running: list[_Running] = []
        self.again: set[str] = set()
        self.stopped: list[int] = []
        self.selector = selectors.DefaultSelector()

    def run(self) -> Schedule:
        """Run all; how each job ended.

        Raises:
            KeyboardInterrupt: a Ctrl-C, after the stages that were running have ended.
            SystemExit: the same after SIGTERM.
        """
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._stop) for number in signals}
        try:
            while self.running or not (self.schedule.is_over or self.stopped):
                self._start_jobs()
                self._take_output()
                for one in [one for one in self.running if self._has_ended(one)]:
                    self._end(one)
        finally:
            # None, unless an error ends this: nothing runs on without it.
            for one in self.running:
                one.process.terminate()
            for number, handler in before.items():
                signal.signal(number, handler)
        # A killed DVC is on the list of readers and writers until no other one is.
        self._repair()
        repro.raise_if(self.stopped)
        return self.schedule

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Start no more. A terminal sends its signals to all; SIGTERM comes to this one alone."""
        self.stopped.append(number)
        if number == signal.SIGTERM:
            for one in self.running:
                one.process.terminate()

    def _start_jobs(self) -> None:
        while not self.stopped and len(self.running) < self.slots and self.schedule.ready():
            if asked := self.schedule.in_question():
                self.schedule.answer(asked, self._changed(asked))
            elif jobs := self.schedule.ready():
                self._start(jobs[0])

    @staticmethod
    def _changed(asked: Sequence[Job]) -> frozenset[str]:
        """Those that DVC would run; all, if it can't tell, since each one's DVC says more."""
        stages = [stage for job in asked for stage in job.stages]
        try:
            return read_changed(stages)
        except PodiumError:
            return frozenset(stages)

    def _start(self, job: Job) -> None:
        process = subprocess.Popen(
            [*repro.DVC, "--wait-for-lock", "repro", "--single-item", *job.stages],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=self.held,
        )
        self.schedule.start(job)
        lines = Lines(job.stages, self.width)
        one = _Running(job, process, lines, time.monotonic())
        self.running.append(one)
        for pipe, stream in ((process.stdout, sys.stdout), (process.stderr, sys.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self.selector.register(pipe, selectors.EVENT_READ, self._taker(one, pipe, stream))
        # A signal that came between the two calls has not reached it.
        if signal.SIGTERM in self.stopped:
            process.terminate()

    def _taker(self, one: _Running, pipe: IO[bytes], stream: TextIO) -> Callable[[], None]:
        def take() -> None:
            with suppress(BlockingIOError):
                chunk = os.read(pipe.fileno(), BLOCK)
                one.lines.take(chunk, stream)
                if not chunk:
                    self.selector.unregister(pipe)
                    pipe.close()
                    one.open -= 1

        return take

    def _take_output(self) -> None:
        for key, _ in self.selector.select(LOOK_SECONDS):
            key.data()

    def _has_ended(self, one: _Running) -> bool:
        """Whether the DVC has ended, and its stage too: that has the other ends of the pipes."""
        if one.open and one.process.poll() is None:
            return False
        one.ended = one.ended or time.monotonic()
        return not one.open or time.monotonic() - one.ended > LEFT_SECONDS

    def _end(self, one: _Running) -> None:
        code = one.process.wait()
        self.running.remove(one)
        for pipe in (one.process.stdout, one.process.stderr):
            if pipe is not None and not pipe.closed:
                self.selector.unregister(pipe)
                pipe.close()
        if code == 0:
            nothing = one.lines.skipped == len(one.job.stages)
            self.schedule.end(one.job, State.UNCHANGED if nothing else State.RAN)
        elif self._was_kept_out(one):
            self.again.add(one.job.name)
            self.schedule.end(one.job, State.WAITING)
        else:
            self.schedule.end(one.job, State.FAILED)
            signalled = f"killed by signal {-code}" if code < 0 else f"failed with exit code {code}"
            one.lines.say(signalled, sys.stderr)

    def _repair(self) -> None:
        for line in dvc_files.repair(dvc_files.PATIENT_SECONDS):
            print(f"podium: {line}", file=sys.stderr, flush=True)

    def _was_kept_out(self, one: _Running) -> bool:
        """Whether a DVC came to no stage for a file that a killed one had left damaged.

        It is repaired here, and what was kept out runs once more.
        """
        self._repair()
        came_nowhere = not one.lines.seen and one.process.returncode > 0
        return came_nowhere and one.job.name not in self.again
