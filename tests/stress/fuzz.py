"""A seeded fuzz run: hostile csv files, params.yaml, archives and images into the real readers.

    python tests/stress/fuzz.py --inputs 20000

Each reader is a process of its own, with a bound on memory. An input must be read, or refused by a
``PodiumError`` of one line, within the time bound; and what earlier runs left must stay as it was.
Files come in as a ``download`` does: fetched from a folder or a zip, checked, and only then
published. Exits with 1 if any input fails; ``--keep FOLDER`` keeps those that do.
"""

import argparse
import multiprocessing
import os
import platform
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import numpy as np

from fuzz_readers import READERS, Reader
from podium.config.load import ConfigError
from podium.data.images.decode import DamagedImageError
from podium.io import files
from podium.io.errors import PodiumError

MEMORY_BYTES = 6 * 1024**3
# Of CPU, which other programs don't make longer; and, for what waits and computes nothing, of time.
SECONDS, WAITING = 10.0, 120.0
PACKAGES = ("pandas", "pyarrow", "ruamel.yaml", "pillow")
SHARES = {
    "tables": 4,
    "pixels": 2,
    "params.yaml": 4,
    "archives": 4,
    "image archives": 2,
    "images": 4,
}


class HangError(BaseException):
    """An input took too long; no reader may catch it."""


@dataclass
class Tally:
    """What became of a reader's inputs."""

    reader: str
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    hangs: int = 0
    tracebacks: int = 0
    changed: int = 0
    slowest: float = 0.0
    memory: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """Inputs that did what none may."""
        return self.hangs + self.tracebacks + self.changed


def main() -> None:
    options = parse()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {platform.machine()}, {packages}")
    bounds = f"{SECONDS:.0f} s of CPU and {MEMORY_BYTES / 1024**3:.0f} GiB an input"
    print(f"seed {options.seed}, {bounds}\n")
    tallies = list(run_all(options))
    print_table(tallies)
    for tally in tallies:
        for failure in tally.failures:
            print(f"\n{tally.reader}: {failure}")
    sys.exit(1 if sum(tally.bad for tally in tallies) else 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=SHARES, help="one reader, with all the inputs")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that fail")
    return parser.parse_args()


def run_all(options: argparse.Namespace) -> Iterator[Tally]:
    shares = {options.only: 1} if options.only else SHARES
    for name, share in shares.items():
        count = -(-options.inputs * share // sum(shares.values()))
        # A fresh process each: its peak of memory is the reader's own.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            yield pool.submit(run, name, count, options.seed, options.keep).result()


def run(name: str, count: int, seed: int, keep: Path | None) -> Tally:
    """All inputs of one reader."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, too_long)
    tally = Tally(name)
    with TemporaryDirectory(prefix="podium-fuzz-") as folder, working_in(Path(folder)):
        reader = READERS[name](Path(folder), np.random.default_rng(seed))
        kept = {path: hashes(path) for path in (reader.earlier, reader.beside)}
        shutil.copytree(reader.earlier, "copy")
        for index in range(count):
            content = reader.make(random.Random(f"{seed} {name} {index}"))
            before = tally.bad
            take(tally, reader, content, kept)
            if keep is not None and tally.bad > before:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{name.replace(' ', '-')}-{index}").write_bytes(content)
    tally.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return tally


def take(tally: Tally, reader: Reader, content: bytes, kept: Mapping[Path, object]) -> None:
    """One input: read it within the bounds, and look at what it left."""
    started = time.process_time()
    accepted = read_one(tally, reader, content)
    seconds = time.process_time() - started
    tally.inputs += 1
    tally.slowest = max(tally.slowest, seconds)
    tally.accepted += accepted
    same = hashes(reader.beside) == kept[reader.beside]
    if accepted:
        # What is new may replace what was: only this reader's own.
        shutil.rmtree(reader.earlier)
        shutil.copytree("copy", reader.earlier)
    if not same or hashes(reader.earlier) != kept[reader.earlier]:
        tally.changed += 1
        tally.failures.append(f"changed an earlier result: {content[:80]!r}")


def read_one(tally: Tally, reader: Reader, content: bytes) -> bool:
    """Whether an input was taken; refused ones and failures are counted."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITING)
    try:
        reader.read(content)
        return True
    except (PodiumError, DamagedImageError) as error:
        tally.refused += 1
        lines = error.lines if isinstance(error, ConfigError) else [str(error)]
        if not all(line and line.isprintable() for line in lines):
            tally.tracebacks += 1
            tally.failures.append(f"not one line: {lines}")
    except HangError:
        tally.hangs += 1
        tally.failures.append(
            f"longer than {SECONDS:.0f} s of CPU, or {WAITING:.0f} s: {content[:80]!r}"
        )
    except Exception:
        tally.tracebacks += 1
        tally.failures.append(traceback.format_exc(limit=-4))
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
    return False


def too_long(_: int, __: FrameType | None) -> None:
    raise HangError


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    earlier = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(earlier)


def hashes(folder: Path) -> dict[str, str]:
    """Every file below a folder, the hidden ones too, by its SHA-256."""
    return {
        str(path.relative_to(folder)): files.sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def print_table(tallies: Sequence[Tally]) -> None:
    columns = ["inputs", "accepted", "refused", "hangs", "tracebacks", "changed"]
    print(f"{'reader':<15}" + "".join(f"{name:>11}" for name in columns) + "  slowest s  peak MiB")
    total = Tally("all")
    for tally in tallies:
        for name in columns:
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.slowest = max(total.slowest, tally.slowest)
        total.memory = max(total.memory, tally.memory)
    for tally in [*tallies, total]:
        numbers = "".join(f"{getattr(tally, name):>11,}" for name in columns)
        print(f"{tally.reader:<15}{numbers}{tally.slowest:>11.2f}{tally.memory:>10.0f}")


if __name__ == "__main__":
    main()
