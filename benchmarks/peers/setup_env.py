"""Make the environments of the peers that don't belong into Podium's own, each in one of its own.

    python benchmarks/peers/setup_env.py [catboost lightgbm pytabkit autogluon]

All of them by default: about 5 GB in benchmarks/peers/.venv, or in the folder that PODIUM_PEERS
names, with CPU builds of PyTorch. A second run does nothing new.
"""

import argparse
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = "PODIUM_PEERS"
CONSTRAINTS = HERE.parent.parent / "constraints.txt"
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """Packages to install, in steps; ``constrained``: all else in Podium's own versions."""

    steps: tuple[tuple[str, ...], ...]
    constrained: bool = True


# PyTorch first, so that nothing else pulls another build of it.
ENVIRONMENTS = {
    "catboost": Environment((("catboost", "pyarrow", "scikit-learn"),)),
    "lightgbm": Environment((("lightgbm", "pandas", "pyarrow", "scikit-learn"),)),
    "pytabkit": Environment(
        (
            (TORCH,),
            ("pytabkit[models]==1.7.3", "pytorch-lightning==2.6.6", "torchmetrics==1.9.0"),
            ("pyarrow",),
        )
    ),
    # It needs earlier versions of much.
    "autogluon": Environment(
        (
            (TORCH,),
            (
                "autogluon.tabular[catboost,fastai,lightgbm,ray,tabm,xgboost]==1.6.3",
                TORCH,
                "pyarrow",
            ),
        ),
        constrained=False,
    ),
}


def main() -> int:
    """Make what is asked for and install; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peers", nargs="*", help=f"of {', '.join(ENVIRONMENTS)}; all if none")
    names = parser.parse_args().peers or list(ENVIRONMENTS)
    if unknown := [name for name in names if name not in ENVIRONMENTS]:
        parser.error(f"no peer '{unknown[0]}'; there are {', '.join(ENVIRONMENTS)}")
    for name in names:
        if not _make(name):
            print("setup: pip failed: see above; then run the command again", file=sys.stderr)
            return 2
    return 0


def _make(name: str) -> bool:
    """One environment; whether it is there."""
    wanted = ENVIRONMENTS[name]
    if not python(name).is_file():
        venv.EnvBuilder(with_pip=True, clear=True).create(folder(name))
    constraint = ["--constraint", str(CONSTRAINTS)] if wanted.constrained else []
    for packages in wanted.steps:
        print(f"{name}: installing {' '.join(packages)}", flush=True)
        command = [str(python(name)), "-P", "-m", "pip", "--disable-pip-version-check", "install"]
        if subprocess.run([*command, "--quiet", *constraint, *packages]).returncode != 0:
            return False
    return True


def folder(name: str) -> Path:
    """Where the environment of a peer is."""
    return Path(os.environ.get(PEERS) or HERE / ".venv") / name


def python(name: str) -> Path:
    """The environment's Python."""
    return folder(name) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


if __name__ == "__main__":
    sys.exit(main())
