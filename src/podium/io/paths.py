"""Paths of all files and folders, relative to the project folder."""

import os
from pathlib import Path, PurePosixPath

from podium.io.errors import PodiumError

# The folder of users' own code.
USER_CODE = Path("src/competitions")
# Which Podium is installed: ``podium init``.
PACKAGE = Path("data/resolved/package.json")
# Seconds differ from run to run: neither git nor DVC looks at this file of a model's folder.
TIMING = "timing.json"


def user_code(competition: str) -> Path:
    """The file of a competition's own code, which need not be there."""
    return USER_CODE / f"{competition.replace('-', '_')}.py"


def raw(competition: str) -> Path:
    """Raw files from the source."""
    return Path("data/raw") / competition


def extra_path(name: str) -> PurePosixPath:
    """Where among the raw files one of ``source.files.extra`` is."""
    return PurePosixPath("extra") / PurePosixPath(name).name


def resolved(competition: str) -> Path:
    """What each stage depends on, apart from data: values of params.yaml and hashes of sources."""
    return Path("data/resolved") / competition


def downloads(slug: str) -> Path:
    """A Kaggle archive while it is downloaded; deleted once its files are in ``data/raw``."""
    return Path(".podium/downloads") / slug


def processed(competition: str) -> Path:
    """The typed table, folds and fitted transforms."""
    return Path("data/processed") / competition


def refit(competition: str) -> Path:
    """What preprocessing fitted on all training rows, for models that ask for it."""
    return Path("data/refit") / competition


def model(competition: str, name: str) -> Path:
    """One model's predictions, scores and weights."""
    return Path("models") / competition / name


def checkpoint(competition: str, model: str) -> Path:
    """The state of an unfinished training; deleted when the model's results are published."""
    return Path("models") / competition / model / "checkpoint"


def submission(competition: str) -> Path:
    """The file that goes to Kaggle."""
    return Path("submissions") / competition / "submission.csv"


def ledger(competition: str) -> Path:
    """The record of all submissions and their scores."""
    return Path("submissions") / competition / "ledger.csv"


def sent(competition: str) -> Path:
    """Copies of the submitted files, named by their hash."""
    return Path("submissions") / competition / "sent"


def blend(competition: str) -> Path:
    """The ensemble's scores, weights and OOF predictions."""
    return Path("reports") / competition / "blend"


def cv(competition: str) -> Path:
    """A small file with the CV of each model and of the blend: what ``dvc metrics`` shows."""
    return Path("reports") / competition / "cv"


def fold_seeds(competition: str) -> Path:
    """Results of ``podium cv`` on folds of other seeds; neither git nor DVC looks there."""
    return Path(".podium/cv") / competition


def report(competition: str) -> Path:
    """The competition's HTML report."""
    return Path("reports") / competition / "report.html"


def plots(competition: str) -> Path:
    """The report's pictures, and the data of DVC's plots."""
    return Path("reports") / competition / "plots"


def enter_project() -> Path:
    """Make the project's folder the working folder, for notebooks, which lie in a folder of it.

    It is the nearest folder with ``params.yaml``, from the working folder upwards.

    Raises:
        PodiumError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file():
            os.chdir(folder)
            return folder
    raise PodiumError(f"{here}: no params.yaml here or above; open the notebook in a project")


def project_home() -> Path:
    """The folder of what outlives a run: the MLflow database and its artifacts.

    It is the project's own folder, also for ``dvc exp run --temp`` and queued experiments, which
    run in a copy under ``.dvc/tmp/exps`` that is deleted afterwards.
    """
    root = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    for parent in root.parents:
        if parent.parts[-3:] == (".dvc", "tmp", "exps"):
            return parent.parents[2]
    return root
