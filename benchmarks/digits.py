"""The digit recognizer as a whole: accuracy, time and memory of one ``dvc repro``.

    PODIUM_DIGITS=<folder or zip of the real files> python benchmarks/digits.py
        [--data PATH] [--keep FOLDER] [--small]

Everything that params.yaml ships for the digits, run in a temporary folder, or in ``--keep``, which
must not exist yet and stays. ``--small`` takes the first rows and few epochs only, to see that all
is well; its scores say nothing. Prints what the stages say, then a table in Markdown.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import pandas as pd

from common import (
    DIGITS,
    REAL_DIGITS,
    edit,
    environment,
    machine,
    project,
    source,
    timed,
    versions,
)

SMALL = {"train.csv": 2000, "test.csv": 1000, "sample_submission.csv": 1000}
SHORT = {"softmax": "epochs", "mlp": "epochs", "cnn": "epochs", "lightgbm": "rounds"}
PACKAGES = ("podium", "torch", "numpy", "scikit-learn", "lightgbm", "dvc", "mlflow")
GIB = 2**30


def main() -> None:
    """Run everything once, and print."""
    options = read_options()
    print(f"{machine()}\n{versions(*PACKAGES)}")
    with files(options) as raw, project(raw, DIGITS, options.keep) as root:
        if options.small:
            edit(root, shorten)
        get_ready(root)
        with Memory(root) as memory:
            started = time.perf_counter()
            repro(root)
            seconds = time.perf_counter() - started
        print_table(root)
        print_whole(root, seconds, memory)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="The digit recognizer as a whole.")
    parser.add_argument("--data", help="folder or zip of the real digits")
    parser.add_argument("--keep", type=Path, help="a new folder for the project, which stays")
    parser.add_argument("--small", action="store_true", help="few rows and epochs")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        parser.error(f"--keep: there is something at '{options.keep}' already")
    return options


@contextmanager
def files(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The source, which is a short copy where that is asked for."""
    raw = source(options.data, REAL_DIGITS)
    if not options.small or "path" not in raw:
        yield raw
        return
    with TemporaryDirectory(prefix="podium-digits-") as folder:
        for name, rows in SMALL.items():
            head(Path(raw["path"]), name, rows).to_csv(Path(folder) / name, index=False)
        yield raw | {"path": folder}


def head(where: Path, name: str, rows: int) -> pd.DataFrame:
    """The first rows of a file in a folder or a zip."""
    if where.is_dir():
        return pd.read_csv(where / name, nrows=rows)
    with ZipFile(where) as archive:
        inside = next(entry for entry in archive.namelist() if Path(entry).name == name)
        with archive.open(inside) as file:
            return pd.read_csv(file, nrows=rows)


def shorten(params: dict[str, Any]) -> None:
    """Two epochs or rounds of every model that has such."""
    for name, knobs in params[DIGITS]["models"].items():
        model = knobs.get("model", name)
        knobs.update({SHORT[model]: 2} if model in SHORT else {})


def get_ready(root: Path) -> None:
    """What a project needs before ``dvc repro``."""
    timed(root, "podium", "sync")
    timed(root, "dvc", "init", "--no-scm", "-q")
    timed(root, "dvc", "config", "core.analytics", "false")


def repro(root: Path) -> None:
    """The whole pipeline, its lines shown as they come."""
    sys.stdout.flush()
    done = subprocess.run(["dvc", "repro"], cwd=root, env=environment())
    if done.returncode != 0:
        sys.exit("dvc repro failed")


class Memory:
    """Memory of all processes whose working folder is in a project, looked at every second.

    ``most`` is what they held together, pages that they share counted once (PSS); ``largest`` the
    most that one of them had (RSS). The process that stays after a stage is not below ``dvc``, so
    that the folder tells them. 0 where there is no ``/proc``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.most = self.largest = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.ended.wait(1.0):
            own = [folder for folder in Path("/proc").glob("[0-9]*") if self._is_own(folder)]
            self.most = max(self.most, sum(size(one / "smaps_rollup", "Pss:") for one in own))
            self.largest = max(self.largest, *(size(one / "status", "VmHWM:") for one in own), 0)

    def _is_own(self, process: Path) -> bool:
        # A process may end while it is looked at.
        with suppress(OSError):
            return (process / "cwd").resolve(strict=True).is_relative_to(self.root)
        return False


def size(file: Path, name: str) -> int:
    """Bytes on the line of a name in a file of ``/proc``; 0 if its process has ended."""
    with suppress(OSError):
        lines = file.read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
    return 0


def print_table(root: Path) -> None:
    """A row a model and one for the blend."""
    blend = read(root / f"reports/{DIGITS}/blend/metrics.json")
    print(f"\n| model | OOF {blend['metric']} | mean ± std of folds | weight | fit, s |")
    print("|---|---:|---:|---:|---:|")
    for model, weight in blend["weights"].items():
        folder = root / f"models/{DIGITS}/{model}"
        seconds = f"{read(folder / 'timing.json')['fit_seconds']:.0f}"
        print_row(model, read(folder / "metrics.json"), f"{weight:.2f}", seconds)
    print_row("blend, nested", blend, "", "")


def print_row(name: str, scores: dict[str, Any], weight: str, seconds: str) -> None:
    folds = f"{scores['cv_mean']:.4f} ± {scores['cv_std']:.4f}"
    print(f"| {name} | {scores['cv']:.5f} | {folds} | {weight} | {seconds} |")


def print_whole(root: Path, seconds: float, memory: Memory) -> None:
    """Sizes, wall time and memory of the whole."""
    model = next(iter(read(root / f"reports/{DIGITS}/blend/metrics.json")["weights"]))
    train, test = (
        len(pd.read_parquet(root / f"models/{DIGITS}/{model}/{part}.parquet"))
        for part in ("oof", "test")
    )
    print(f"\n{train} training images, {test} test images")
    print(f"dvc repro, everything: {seconds / 60:.1f} minutes")
    if memory.most:
        largest, together = memory.largest / GIB, memory.most / GIB
        print(f"peak memory: {largest:.2f} GiB of the largest process (RSS)", end="")
        print(f", {together:.2f} GiB of all together (PSS)")


def read(path: Path) -> dict[str, Any]:
    """A JSON file."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


if __name__ == "__main__":
    main()
