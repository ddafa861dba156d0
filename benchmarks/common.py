"""What the benchmarks share: a project in a temporary folder, stages as the processes they are."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
REAL_FILES = "PODIUM_HOUSE_PRICES"


@contextmanager
def project(source: Mapping[str, Any]) -> Iterator[Path]:
    """A copy of the pipeline with every competition's source changed."""
    with TemporaryDirectory(prefix="podium-bench-") as folder:
        root = Path(folder)
        (root / "models").mkdir()
        for name in ("params.yaml", "dvc.yaml", "models/dvc.yaml", ".dvcignore"):
            shutil.copyfile(ROOT / name, root / name)
        (root / "src").symlink_to(ROOT / "src")
        edit(root, lambda params: params["house-prices"]["source"].update(source))
        yield root


def edit(root: Path, change: Any) -> None:
    """Change params.yaml in place."""
    yaml = YAML()
    params = yaml.load(root / "params.yaml")
    change(params)
    yaml.dump(params, root / "params.yaml")


def source(folder: str | None = None) -> dict[str, Any]:
    """The real files where ``folder`` or the environment names them, else the sample."""
    folder = folder or os.environ.get(REAL_FILES)
    if not folder:
        print(f"{REAL_FILES} names no folder: measuring on the synthetic sample")
        return {"provider": "sample"}
    return {"provider": "local", "path": str(Path(folder).resolve())}


def timed(root: Path, *command: str) -> float:
    """Wall seconds of a command; its output is shown if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def machine() -> str:
    """The machine in one line."""
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
