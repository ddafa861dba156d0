"""Kill ``dvc repro`` anywhere: the next one finishes by itself, with the very same results.

    python tests/stress/kills.py --kills 20 [--aimed 3] [--stage-kills 3] [--interrupts 3]
                                  [--shipped]

The project goes back and forth between two sets of data and two ways to blend, so that stages have
to run again. Each time ``dvc repro`` is killed (SIGKILL, and it alone: the stage it runs lives on)
at a random moment of a stage, every stage in turn, and the next one starts at once. ``--aimed``
kills it at the worst moments: while a network trains, and while DVC writes its own files. Where the
next run can't read these, it is mended by ``podium sync``, the first step of ``make repro``, and
the table says so. ``--stage-kills`` kills the stage
instead of DVC; ``--interrupts`` is Ctrl-C, SIGINT to all. ``--shipped`` takes the parameters that
ship, on tables of the real size. A run that has ended before its kill comes is no kill: the next
one takes its place, in half the time. Ends with 1 if a run fails, or leaves other bytes than one
that nothing interrupted.
"""

import argparse
import os
import platform
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

import help_path  # noqa: F401
from podium.runtime.processes import has_ended
from projects import HIDDEN, HOUSES, ROOT, Project, write_houses
from results import CLOCK, RESULTS, SHOW_CLOCK, result_hashes

# What the project goes back and forth between, each a step from the one before.
SETTINGS = (("a", "weighted"), ("a", "mean"), ("b", "mean"), ("b", "weighted"))
STARTING = "dvc starts"
TRAINING = "models/dvc.yaml:"
# The blend is all that has to run again for these: cheaper than all stages.
BLEND_ONLY = (STARTING, "ensemble", "report")
SMALL_ROWS, ROWS = 120, 1460
SMALL_MODELS = {
    "ridge": {"alphas": [1, 100]},
    "mlp": {"hidden": [64], "epochs": 150, "seeds": 2, "learning_rate": 0.003},
}
TORN = "RWLock-file|validation failed|structure is corrupted"
HEADINGS = (
    f"{'':>3}  {'killed':<8}{'in':<24}{'after s':>8}{'lived on s':>12}{'next s':>8}"
    f"  {'went on':<9}{'mended':<8}same bytes"
)


@dataclass(frozen=True)
class Moment:
    """When to kill: in a stage, after a sign if one is named, and then so many seconds.

    The sign is a folder that appears, or a file that becomes empty.
    """

    stage: str
    seconds: float = 0.0
    sign: str = ""

    def __str__(self) -> str:
        stage = f"{self.stage.removeprefix(TRAINING).replace(f'@{HOUSES}', '')}"
        sign = {"": "", CHECKPOINT: ", training"}.get(self.sign, f", {Path(self.sign).name}")
        return stage.replace(f"{HOUSES}@", "") + sign

    def has_come(self, root: Path) -> bool:
        """Whether there is the sign."""
        path = root / self.sign
        return path.is_dir() or (path.is_file() and path.stat().st_size == 0)


CHECKPOINT = f"models/{HOUSES}/mlp/checkpoint"
AIMED = (
    Moment(f"{TRAINING}{HOUSES}@mlp", 0.3, CHECKPOINT),
    Moment(f"ensemble@{HOUSES}", 0, "dvc.lock"),
    Moment(f"{TRAINING}{HOUSES}@ridge", 0, "models/dvc.lock"),
)


@dataclass(frozen=True)
class Trial:
    """A kill, how long the killed run's stage lived on, and how the next run went.

    ``hit`` is false where the run had ended by itself before the kill came: that is no kill.
    """

    hit: bool
    lived_on: float | None
    seconds: float
    mended: bool
    resumed: bool
    problem: str


class Repro:
    """A ``dvc repro`` that runs; ``stages`` is where it has been, in seconds since its start."""

    def __init__(self, root: Path) -> None:
        self.root, self.started = root, time.perf_counter()
        self.stages: dict[str, float] = {STARTING: 0.0}
        self.output = ""
        self.process = subprocess.Popen(
            ["dvc", "repro"],
            cwd=root,
            env={name: value for name, value in os.environ.items() if name not in HIDDEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def follow(self) -> Iterator[str]:
        """The names of its stages, when they begin."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if found := re.search("Running stage '(.+)'", line):
                self.stages[found[1]] = time.perf_counter() - self.started
                yield found[1]

    def finish(self) -> float:
        """Wait for its end; the seconds it took."""
        list(self.follow())
        self.process.wait()
        return time.perf_counter() - self.started

    def reach(self, moment: Moment) -> None:
        """Wait for a moment."""
        if moment.stage != STARTING:
            next((stage for stage in self.follow() if stage == moment.stage), None)
        while moment.sign and self.process.poll() is None and not moment.has_come(self.root):
            time.sleep(0.0001)
        time.sleep(moment.seconds)

    def kill(self, kind: str) -> list[psutil.Process]:
        """Kill it; returns the processes that were running below it."""
        below = []
        if self.process.poll() is None:
            below = psutil.Process(self.process.pid).children(recursive=True)
        if kind == "dvc":
            self.process.kill()
        elif kind == "stage":
            for process in below:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        elif self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        if kind != "dvc":
            self.finish()
        self.process.wait()
        return below


def main() -> int:
    """Kill as often as asked, print a table; 1 if a run went wrong."""
    wanted = options()
    # Programs that a shell starts in the background, and all that they start, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    with TemporaryDirectory(prefix="podium-kills-") as folder:
        root = prepare(Path(folder), wanted.shipped).root
        references, lengths = zip(*(reference(root, *one) for one in SETTINGS), strict=True)
        print(HEADINGS)
        at, problems = len(SETTINGS) - 1, 0
        planned = moments(wanted, lengths[0] | lengths[-2])
        for number, (kind, moment) in enumerate(planned, 1):
            for sooner in sooner_and_sooner(moment):
                at = (other_blend if blend_only(moment) else other_data)(at)
                trial = kill_once(root, kind, sooner, SETTINGS[at], references[at])
                print_row(number, kind, sooner, trial)
                problems += bool(trial.problem)
                if trial.hit:
                    break
            else:
                problems += 1
                print(f"number {number} never hit a run: all had ended")
        problems += print_traces(root)
    print(f"{problems} problems")
    return int(problems > 0)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill dvc repro, and look at the next one.")
    parser.add_argument("--kills", type=int, default=20, help="of dvc repro, at random moments")
    parser.add_argument("--aimed", type=int, default=0, help="of dvc repro, at the worst moments")
    parser.add_argument("--stage-kills", type=int, default=0, help="of the stage that it runs")
    parser.add_argument("--interrupts", type=int, default=0, help="Ctrl-C")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shipped", action="store_true", help="parameters and size as they ship")
    return parser.parse_args()


def prepare(root: Path, shipped: bool) -> Project:
    """Two sets of data, parameters, and DVC."""
    rows = ROWS if shipped else SMALL_ROWS
    for seed, name in enumerate(("a", "b")):
        write_houses(root / name, rows, rows, seed)
    project = Project.make(root)

    def change(params: Any) -> None:
        params[HOUSES]["models"] = SMALL_MODELS
        params[HOUSES]["preprocess"]["drop"] = ["PoolQC"]

    if shipped:
        shutil.copyfile(ROOT / "params.yaml", root / "params.yaml")
        project.edit(lambda params: params.update(competitions=[HOUSES]))
    else:
        project.edit(change)
    project.use_dvc()
    return project


def other_data(at: int) -> int:
    """The setting with the other data and the same blend."""
    return len(SETTINGS) - 1 - at


def other_blend(at: int) -> int:
    """The setting with the same data and the other blend."""
    return at ^ 1


def blend_only(moment: Moment) -> bool:
    return moment.stage.partition("@")[0] in BLEND_ONLY


def choose(root: Path, setting: tuple[str, str]) -> None:
    """Take a set of data and a way to blend."""

    def change(params: Any) -> None:
        data, params[HOUSES]["ensemble"]["method"] = setting
        params[HOUSES]["source"].update(provider="local", path=data)

    Project(root).edit(change)


def reference(root: Path, *setting: str) -> tuple[dict[str, str], dict[str, float]]:
    """What a run that nothing interrupts leaves, and how long it is in each stage."""
    data, blend = setting
    choose(root, (data, blend))
    run = Repro(root)
    end = run.finish()
    if run.process.returncode:
        sys.exit(run.output)
    ends = [*list(run.stages.values())[1:], end]
    lengths = {stage: ends[i] - begin for i, (stage, begin) in enumerate(run.stages.items())}
    return results(root), lengths


def results(root: Path) -> dict[str, str]:
    """By file: the hash of everything that stages write and that shows no seconds."""
    return result_hashes(root, CLOCK | SHOW_CLOCK)


def moments(wanted: argparse.Namespace, lengths: dict[str, float]) -> Iterator[tuple[str, Moment]]:
    """What to kill and when: every stage in turn, at any moment until the next one begins."""
    for moment in islice(cycle(AIMED), wanted.aimed):
        yield "dvc", moment
    chance = random.Random(wanted.seed)
    counts = {"dvc": wanted.kills, "stage": wanted.stage_kills, "ctrl-c": wanted.interrupts}
    for kind, count in counts.items():
        # A stage can be killed only while one runs.
        stages = [stage for stage in lengths if kind == "dvc" or stage != STARTING]
        order: list[str] = []
        while len(order) < count:
            order += chance.sample(stages, len(stages))
        for stage in order[:count]:
            yield kind, Moment(stage, chance.uniform(0, lengths[stage]))


def sooner_and_sooner(moment: Moment) -> Iterator[Moment]:
    """A moment, and what to take in its place while runs end before it comes."""
    for halvings in range(6):
        yield replace(moment, seconds=moment.seconds / 2**halvings)


def kill_once(
    root: Path, kind: str, moment: Moment, setting: tuple[str, str], expected: dict[str, str]
) -> Trial:
    """Kill a run towards a setting, and let the next one finish it."""
    choose(root, setting)
    killed = Repro(root)
    killed.reach(moment)
    with ThreadPoolExecutor(1) as watcher:
        below = killed.kill(kind)
        lived_on = watcher.submit(seconds_alive, below)
        run, seconds, mended = finish(root)
    found = results(root)
    differing = {file for file in {*found, *expected} if found.get(file) != expected.get(file)}
    return Trial(
        hit=killed.process.returncode != 0,
        lived_on=lived_on.result() if below else None,
        seconds=seconds,
        mended=mended,
        resumed="continue from epoch" in run.output,
        problem=problem(run, below, differing),
    )


def seconds_alive(processes: list[psutil.Process]) -> float:
    """How long from now until all of them have ended, or a minute."""
    started = time.perf_counter()
    while not all(map(has_ended, processes)) and time.perf_counter() < started + 60:
        time.sleep(0.02)
    return time.perf_counter() - started


def finish(root: Path) -> tuple[Repro, float, bool]:
    """``dvc repro`` at once, its seconds, and whether DVC's own files had to be mended first."""
    run = Repro(root)
    seconds = run.finish()
    if not (run.process.returncode and re.search(TORN, run.output)):
        return run, seconds, False
    started = time.perf_counter()
    Project(root).must_run("podium", "sync")
    seconds += time.perf_counter() - started
    run = Repro(root)
    return run, seconds + run.finish(), True


def problem(run: Repro, below: list[psutil.Process], differing: set[str]) -> str:
    """What is not as it should be."""
    if run.process.returncode:
        return f"exit code {run.process.returncode}:\n{run.output}"
    if not all(map(has_ended, below)):
        return "a process of the killed run lives still"
    return f"differ: {', '.join(sorted(differing))}" if differing else ""


def print_row(number: int, kind: str, moment: Moment, trial: Trial) -> None:
    lived_on = "-" if trial.lived_on is None else f"{trial.lived_on:.1f}"
    resumed, mended = ("yes" if fact else "-" for fact in (trial.resumed, trial.mended))
    same = trial.problem or ("yes" if trial.hit else "yes (had ended: no kill)")
    print(
        f"{number:>3}  {kind:<8}{moment!s:<24}{moment.seconds:>8.2f}{lived_on:>12}"
        f"{trial.seconds:>8.1f}  {resumed:<9}{mended:<8}{same}",
        flush=True,
    )


def print_traces(root: Path) -> int:
    """What the killed runs have left for good, of which there should be nothing."""
    left = [path for top in RESULTS for path in (root / top).rglob(".*.????????")]
    with sqlite3.connect(root / "mlflow.db") as database:
        states = dict(database.execute("select status, count(*) from runs group by status"))
    print(f"scratch files left: {', '.join(map(str, left)) or 'none'}; runs in MLflow: {states}")
    return len(left) + states.get("RUNNING", 0)


if __name__ == "__main__":
    sys.exit(main())
