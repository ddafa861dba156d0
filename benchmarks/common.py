"""What the benchmarks share: a project in a temporary folder, stages as the processes they are."""

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from podium.runtime.environment import prepare

ROOT = Path(__file__).resolve().parent.parent
HOUSES, DIGITS = "house-prices", "digit-recognizer"
REAL_FILES, REAL_DIGITS = "PODIUM_HOUSE_PRICES", "PODIUM_DIGITS"


@contextmanager
def project(
    source: Mapping[str, Any], name: str = HOUSES, folder: Path | None = None
) -> Iterator[Path]:
    """A copy of the pipeline with one competition, its source changed.

    It lies in ``folder``, which stays, or in one that is removed afterwards.
    """
    with TemporaryDirectory(prefix="podium-bench-") as temporary:
        root = folder or Path(temporary)
        (root / "models").mkdir(parents=True)
        for file in ("params.yaml", "dvc.yaml", "models/dvc.yaml", ".dvcignore"):
            shutil.copyfile(ROOT / file, root / file)
        for link in ("src", "scripts"):
            (root / link).symlink_to(ROOT / link)
        edit(root, lambda params: params.update(competitions=[name]))
        edit(root, lambda params: params[name]["source"].update(source))
        yield root


def edit(root: Path, change: Any) -> None:
    """Change params.yaml in place."""
    yaml = YAML()
    params = yaml.load(root / "params.yaml")
    change(params)
    yaml.dump(params, root / "params.yaml")


def source(folder: str | None = None, variable: str = REAL_FILES) -> dict[str, Any]:
    """The real files where ``folder`` or the environment names them, else the sample."""
    folder = folder or os.environ.get(variable)
    if not folder:
        print(f"{variable} names no files: measuring on the sample")
        return {"provider": "sample"}
    return {"provider": "local", "path": str(Path(folder).resolve())}


def environment() -> dict[str, str]:
    """This process's, but for where runs are tracked."""
    return {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}


def timed(root: Path, *command: str) -> float:
    """Wall seconds of a command; its output is shown if it fails."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment(), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def stage_seconds(
    command: Sequence[str], pattern: re.Pattern[str], root: Path, own: Mapping[str, str]
) -> tuple[float, dict[str, float]]:
    """Wall seconds of a run of DVC's stages, and of each: from its line to that of the next.

    ``pattern`` finds a stage's name in its line.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=root, env=own, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    starts: list[tuple[str, float]] = []
    assert process.stdout is not None
    for line in process.stdout:
        if found := pattern.search(line):
            starts.append((found[1], time.perf_counter()))
    if process.wait() != 0:
        sys.exit(f"{' '.join(command)} failed")
    end = time.perf_counter()
    ends = [moment for _, moment in starts[1:]] + [end]
    stages = {name: end - start for (name, start), end in zip(starts, ends, strict=True)}
    return end - started, stages


def quiet_threads() -> None:
    """Start this process again with threads that wait without spinning, as those of stages do.

    Who spins pays for every neighbour of a busy machine, and so would be slower than it is.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        prepare()
        # The script imports what lies beside it.
        own = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], own)


def machine() -> str:
    """The machine in one line."""
    cores = f"{os.cpu_count()} cores"
    return f"Python {platform.python_version()}, {platform.machine()}, {cores}, {processor()}"


def processor() -> str:
    """What the processor calls itself."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def versions(*packages: str) -> str:
    """Packages and their versions in one line."""
    return ", ".join(f"{package} {version(package)}" for package in packages)
