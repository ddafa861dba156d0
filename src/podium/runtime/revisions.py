"""Results of another commit, out of DVC's cache."""

import subprocess
from pathlib import Path

from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.runtime.repro import DVC

# Columns with the hashes of files, which DVC shows beside metrics (that have a colon).
FILES = r"(data|models|reports|src|submissions)/[^:]*$"


def fetch(revision: str, path: Path, target: Path) -> None:
    """Copy a result as a git revision of this project has it.

    Raises:
        PodiumError: there is no such revision, or the result is not in DVC's cache.
    """
    command = [*DVC, "get", ".", str(path), "--rev", revision, "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not target.is_file():
        raise PodiumError(
            f"'{printable(revision)}': DVC has no {path} of this revision: "
            + _reason(done.stderr, path)
        )


def _reason(said: str, path: Path) -> str:
    """Why there is none; DVC calls it an unexpected error if no lock file lists the result."""
    lines = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    reason = lines[0].removeprefix("ERROR: ") if lines else "'dvc get' failed"
    if "unknown Git revision" in reason:
        return "git knows no such commit, branch or tag"
    if reason.startswith("unexpected error") and str(path) in reason:
        return "its lock files don't list it: commit dvc.lock and models/dvc.lock after 'dvc repro'"
    return printable(reason)


def experiments(everything: bool) -> str:
    """What ``dvc exp show`` has of the workspace and its experiments, as csv: what differs.

    Args:
        everything: those of all commits.

    Raises:
        PodiumError: there are no commits, or DVC fails.
    """
    command = [*DVC, "exp", "show", "--csv", "--only-changed", "--drop", FILES]
    command += ["--all-commits"] if everything else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        said = lines[0].removeprefix("ERROR: ") if lines else "it failed"
        raise PodiumError(f"'dvc exp show': {printable(said)}")
    return done.stdout
