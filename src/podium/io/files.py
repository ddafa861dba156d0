"""Atomic writing of files and folders, so that a crash never leaves half a result; and hashes."""

import glob
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from podium.io.errors import PodiumError

MANIFEST = "manifest.json"


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex, read in blocks."""
    return _digest(path, "sha256")


def digest(content: bytes) -> str:
    """SHA-256 of bytes, as hex."""
    return hashlib.sha256(content).hexdigest()


def sha1(path: Path) -> str:
    """SHA-1 of a file's bytes, as hex: only for comparing with a published SHA-1."""
    return _digest(path, "sha1")


def md5(path: Path) -> str:
    """MD5 of a file's bytes, as hex: only for comparing with what DVC's lock files have."""
    return _digest(path, "md5")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, then rename it over ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        scratch = Path(folder) / path.name
        scratch.write_text(text, encoding="utf-8", newline="\n")
        scratch.replace(path)


def write_json(path: Path, data: Any) -> None:
    """Write JSON in the order of ``data``, so that equal data gives equal bytes.

    Raises:
        PodiumError: a number is not finite, for which JSON has no word; an earlier file stays.
    """
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise PodiumError(
            f"{path.name}: {error}: a score or a fact that was to be written is NaN or infinite; "
            "look for diverged predictions or extreme values of the target"
        ) from None
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        PodiumError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PodiumError(
            f"{path} is missing: an earlier stage has not run; run 'dvc repro'"
        ) from None
    except ValueError as error:
        raise PodiumError(
            f"{path} is not valid JSON ({error}); write it again with 'dvc repro -f'"
        ) from None


@contextmanager
def publish(folder: Path) -> Iterator[Path]:
    """A scratch folder whose files replace those of ``folder`` if the block succeeds.

    Entries of ``folder`` that the block did not write are removed, except hidden files. After an
    error ``folder`` is unchanged.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield scratch
        _replace_entries(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove scratch folders of killed processes; a folder has only one writer at a time.

    DVC would treat them as part of the parent folder.
    """
    # tempfile's names end in eight random characters.
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.{'?' * 8}"):
        shutil.rmtree(left, ignore_errors=True)


def _replace_entries(scratch: Path, folder: Path) -> None:
    """Move new entries first and remove old ones last: results exist before a checkpoint goes."""
    folder.mkdir(exist_ok=True)
    fresh = {entry.name for entry in scratch.iterdir()}
    for entry in scratch.iterdir():
        if (folder / entry.name).is_dir():
            remove(folder / entry.name)
        entry.replace(folder / entry.name)
    for old in list(folder.iterdir()):
        if old.name not in fresh and (old.is_dir() or not old.name.startswith(".")):
            remove(old)


def remove(path: Path) -> None:
    """Delete a file or a whole folder; a link is unlinked, not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def manifest_of(folder: Path, **facts: Any) -> dict[str, Any]:
    """Facts plus name, size and SHA-256 of every file in ``folder``; contains no timestamps."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    entries = [
        {
            "name": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in files
    ]
    return {**facts, "files": entries}


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, deleted after the block."""
    with tempfile.TemporaryDirectory(prefix="podium-") as folder:
        yield Path(folder)
