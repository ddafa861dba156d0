"""Make the environment in ``.venv``: only the standard library, so that any Python 3.11+ runs it.

    python3 scripts/setup_env.py          what the pipeline needs
    python3 scripts/setup_env.py --dev    what the tests and checks need, too

A stamp in the environment remembers what was installed from which files; while it is right,
nothing is done.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
TORCH = "2.13.0"


def main() -> int:
    """Set up the environment; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the environment in .venv.")
    parser.add_argument("--dev", action="store_true", help="with the tools for tests and checks")
    dev = parser.parse_args().dev
    if sys.version_info < OLDEST_PYTHON:
        print(_too_old(), file=sys.stderr)
        return 2
    wanted = _fingerprint()
    if _installed(wanted, dev):
        return 0
    if not _python().is_file():
        print(f"Making {ENVIRONMENT.name} with Python {platform.python_version()}", flush=True)
        venv.EnvBuilder(with_pip=True, clear=True).create(ENVIRONMENT)
    print("Installing pinned packages; the first time this takes a few minutes", flush=True)
    failed = _install_torch() or _install_project(dev)
    if failed:
        print("setup: pip failed: see above; then run the command again", file=sys.stderr)
        return 2
    _stamp(dev).write_text(wanted)
    return 0


def _too_old() -> str:
    found = platform.python_version()
    return (
        f"setup: Python 3.11 or newer is needed, {sys.executable} is {found}; "
        "run make with PYTHON=python3.12, say"
    )


def _python() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _fingerprint() -> str:
    """Changes when what should be installed does."""
    texts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join([*texts, str(ROOT).encode()])).hexdigest()


def _stamp(dev: bool) -> Path:
    return ENVIRONMENT / (".podium-dev" if dev else ".podium")


def _installed(wanted: str, dev: bool) -> bool:
    """Whether a stamp says so; an environment with the tools has the rest too."""
    stamps = [_stamp(True)] if dev else [_stamp(False), _stamp(True)]
    return any(stamp.is_file() and stamp.read_text() == wanted for stamp in stamps)


def _install_torch() -> int:
    """PyTorch first, so that nothing else pulls another build of it.

    Without a GPU the CPU build is preferred where pip knows of one (through an index or a folder
    in its configuration); PyPI's own Linux build brings several GB of CUDA packages.
    """
    if _has_torch():
        return 0
    if sys.platform == "linux" and shutil.which("nvidia-smi") is None:
        if _pip("--quiet", f"torch=={TORCH}+cpu", quiet_failure=True) == 0:
            return 0
        print(
            "No CPU build of PyTorch at hand: taking PyPI's, with CUDA. To save several GB, point "
            "PIP_EXTRA_INDEX_URL at the CPU index that pytorch.org/get-started names.",
            flush=True,
        )
    return _pip("--quiet", f"torch=={TORCH}")


def _has_torch() -> bool:
    code = f"import importlib.metadata as m; assert m.version('torch').startswith('{TORCH}')"
    return subprocess.run([_python(), "-P", "-c", code], capture_output=True).returncode == 0


def _install_project(dev: bool) -> int:
    project = f"{ROOT}[dev]" if dev else str(ROOT)
    return _pip("--quiet", "--constraint", str(ROOT / "constraints.txt"), "--editable", project)


def _pip(*arguments: str, quiet_failure: bool = False) -> int:
    command = [str(_python()), "-P", "-m", "pip", "--disable-pip-version-check", "install"]
    output = subprocess.DEVNULL if quiet_failure else None
    return subprocess.run([*command, *arguments], cwd=ROOT, stderr=output).returncode


if __name__ == "__main__":
    sys.exit(main())
