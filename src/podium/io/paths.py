"""Where everything lies, relative to the project's folder."""

import os
from pathlib import Path


def raw(competition: str) -> Path:
    """Raw files as the source gave them."""
    return Path("data/raw") / competition


def resolved(competition: str) -> Path:
    """What each stage depends on, apart from data: values of params.yaml and hashes of sources."""
    return Path("data/resolved") / competition


def downloads(slug: str) -> Path:
    """A Kaggle archive on its way; gone when its files are in ``data/raw``."""
    return Path(".podium/downloads") / slug


def processed(competition: str) -> Path:
    """The typed table, folds and fitted transforms."""
    return Path("data/processed") / competition


def model(competition: str, name: str) -> Path:
    """One model's predictions, scores and weights."""
    return Path("models") / competition / name


def checkpoint(competition: str, model: str) -> Path:
    """A killed training's state; gone when the model's results are published."""
    return Path("models") / competition / model / "checkpoint"


def submission(competition: str) -> Path:
    """The file that goes to Kaggle."""
    return Path("submissions") / competition / "submission.csv"


def ledger(competition: str) -> Path:
    """The record of what was sent, and the scores that came back."""
    return Path("submissions") / competition / "ledger.csv"


def sent(competition: str) -> Path:
    """Copies of the files that were sent, named by their hash."""
    return Path("submissions") / competition / "sent"


def blend(competition: str) -> Path:
    """The ensemble's scores, weights and OOF predictions."""
    return Path("reports") / competition / "blend"


def report(competition: str) -> Path:
    """The page that a person looks at."""
    return Path("reports") / competition / "report.html"


def plots(competition: str) -> Path:
    """The page's pictures, and the tables behind DVC's plots."""
    return Path("reports") / competition / "plots"


def project_home() -> Path:
    """The folder that keeps what outlives a run: the MLflow database and its artefacts.

    It is the project's own folder, also for ``dvc exp run --temp`` and queued experiments, which
    work in a copy under ``.dvc/tmp/exps`` that is deleted afterwards.
    """
    root = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    for parent in root.parents:
        if parent.parts[-3:] == (".dvc", "tmp", "exps"):
            return parent.parents[2]
    return root
