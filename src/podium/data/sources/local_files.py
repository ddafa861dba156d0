"""Which files of this machine a competition with provider ``local`` is made of.

Nothing is opened here.
"""

from pathlib import Path, PurePosixPath

from podium.config import Competition
from podium.config.schema import Files
from podium.io.errors import PodiumError, SettingError
from podium.io.paths import extra_path
from podium.io.text import printable

# The keys of ``source.files`` that name a file; ``extra`` names any number.
SAMPLE_KEY = "sample_submission"
KEYS = ("train", "test", "labels", SAMPLE_KEY)
# The end of an error about a sample submission that is not there.
NULL = " (null if the competition has none)"
EXTRA = "extra"


def place(competition: Competition) -> Path:
    """The folder or zip that ``source.path`` names.

    Raises:
        PodiumError: there is none, or it is a table itself.
    """
    path = competition.source.path
    try:
        where = Path(path or "").expanduser()
        found = where.is_dir() or where.is_file()
    except (RuntimeError, OSError) as error:
        # No such user's home, a name that is too long, a folder that is closed.
        raise _not_found(competition, path, f" ({error})") from None
    if not found:
        raise _not_found(competition, where)
    if where.is_file() and where.suffix.lower() == ".csv":
        raise SettingError(
            (competition.name, "source", "path"),
            f"expected a folder or a zip, found the file '{printable(str(where))}'; give its "
            "folder",
        )
    return where


def files_of(competition: Competition) -> dict[str, Path]:
    """What is read, by its key in ``source.files``: files, and folders of images.

    A zip that holds everything has the key ``train``. A file that is missing is under its own name.

    Raises:
        PodiumError: there is no such folder or zip.
    """
    where, files = place(competition), competition.source.files
    if where.is_file():
        return {"train": where}
    found = {key: _table(where, there) for key, there in table_files(files).items()}
    return found | {key: where / there for key, there in image_files(files).items()}


def table_files(files: Files) -> dict[str, str]:
    """The csv files' names there, by their keys; ``extra/stores`` is the extra file stores.csv.

    A sample submission that is null is not among them.
    """
    keys = ("labels",) if files.labels else ("train", "test")
    tables = {key: getattr(files, key) for key in (*keys, SAMPLE_KEY)}
    there = {key: name for key, name in tables.items() if name is not None}
    return there | {str(extra_path(there).with_suffix("")): there for there in files.extra}


def image_files(files: Files) -> dict[str, str]:
    """The names of folders or archives of image files there, by their keys."""
    return {key: getattr(files, key) for key in ("train", "test")} if files.labels else {}


def names_of(name: str) -> tuple[str, ...]:
    """The names that a table may have: its own, or a zip's: ``train.csv.zip``, ``train.zip``."""
    if is_zip(name):
        return (name,)
    return (name, f"{name}.zip", str(PurePosixPath(name).with_suffix(".zip")))


def is_zip(name: str) -> bool:
    """Whether a file is a zip by its name."""
    return name.lower().endswith(".zip")


def _table(where: Path, there: str) -> Path:
    """The first of a table's names that is there, or its own."""
    paths = [where / name for name in names_of(there)]
    return next((path for path in paths if path.is_file()), paths[0])


def _not_found(competition: Competition, where: object, why: str = "") -> PodiumError:
    return SettingError(
        (competition.name, "source", "path"),
        f"no folder or zip at '{printable(str(where))}'{why}; give the path of the downloaded "
        "files",
    )
