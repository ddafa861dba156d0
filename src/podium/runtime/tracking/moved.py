"""A project that was moved or copied: its MLflow database says where artifacts lay before.

MLflow writes the absolute address of every experiment's and run's artifacts to its database, and
has no call that changes one. So the addresses are changed in the database itself.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from podium.io.errors import warn
from podium.io.paths import project_home
from podium.runtime.tracking.journal import tracking_uri

DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
# MLflow's pages may be writing.
LOCK_SECONDS = 5.0
# The tables and columns that hold addresses.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
)


def follow_move() -> None:
    """Let the project's own database name the artifacts that lie in this folder, with a warning.

    What else is wrong with the database is for MLflow to say.
    """
    home = project_home()
    path = home / DATABASE
    if tracking_uri() != f"sqlite:///{path}" or not path.is_file():
        return
    with suppress(sqlite3.Error):
        former = _change_addresses(path, home)
        if former:
            warn(
                f"the project was at {former} when its runs were logged: {DATABASE} now has the "
                f"artifacts at {home / ARTIFACTS}"
            )


def _change_addresses(path: Path, home: Path) -> str:
    """Change what lay in another project's folder; that folder, or nothing."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=LOCK_SECONDS, uri=True)) as db:
        rows = db.execute("SELECT artifact_location FROM experiments")
        homes = {_former_home(str(address)) for (address,) in rows}
        former = {folder for folder in homes if folder and _has_moved(folder, home)}
        with db:
            for folder in former:
                _replace(db, folder, home)
        return min(map(str, former), default="")


def _former_home(address: str) -> Path | None:
    """The project's folder in an address such as ``file:///project/mlartifacts/titanic``."""
    parts = urlsplit(address)
    folder = Path(unquote(parts.path)).parent
    return folder.parent if parts.scheme == "file" and folder.name == ARTIFACTS else None


def _has_moved(former: Path, home: Path) -> bool:
    """Whether the project itself was there: not where somebody chose to keep artifacts alone."""
    if former == home:
        return False
    return not (former / ARTIFACTS).exists() or (former / DATABASE).exists()


def _replace(db: sqlite3.Connection, former: Path, home: Path) -> None:
    old, new = (f"{(folder / ARTIFACTS).as_uri()}/" for folder in (former, home))
    for table, column in ADDRESSES:
        with suppress(sqlite3.OperationalError):  # An older MLflow has no table of models.
            db.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE substr({column}, 1, ?) = ?",
                (new, len(old) + 1, len(old), old),
            )
