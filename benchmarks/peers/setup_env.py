"""Make the environment of the peers that don't belong into Podium's own: RealMLP (pytabkit).

    python benchmarks/peers/setup_env.py

About 1.3 GB in benchmarks/peers/.venv with a CPU build of PyTorch; a second run does nothing new.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
CONSTRAINTS = HERE.parent.parent / "constraints.txt"
# PyTorch first, so that nothing else pulls another build of it.
STEPS = (
    ["torch==2.13.0"],
    ["pytabkit==1.7.3", "pytorch-lightning==2.6.6", "torchmetrics==1.9.0"],
)


def main() -> int:
    """Make it and install; returns the exit code."""
    if not python().is_file():
        venv.EnvBuilder(with_pip=True, clear=True).create(ENVIRONMENT)
    for packages in STEPS:
        print(f"Installing {' '.join(packages)}", flush=True)
        if _pip(packages) != 0:
            print("setup: pip failed: see above; then run the command again", file=sys.stderr)
            return 2
    return 0


def python() -> Path:
    """The environment's Python."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _pip(packages: list[str]) -> int:
    command = [
        str(python()),
        "-P",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    return subprocess.run([*command, "--constraint", str(CONSTRAINTS), *packages]).returncode


if __name__ == "__main__":
    sys.exit(main())
