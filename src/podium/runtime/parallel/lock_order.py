"""The order of stages in DVC's lock files: the same in every run.

DVC appends a stage to its lock file when it is done for the first time. Side by side that is
whenever it is done; and one after the other, in an order of models that changes with Python's hash
seed. Equal results would give other bytes of ``dvc.lock``, which git has.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from podium.io import files
from podium.runtime import dvc_files

# The stages that were listed before the run. One that fails or is killed leaves it for the next.
BEFORE = Path(".podium/dvc/order.json")
_STAGE = re.compile(r"^  (?! )(?P<name>.+):$", re.MULTILINE)


@contextmanager
def kept(order: Sequence[str]) -> Iterator[None]:
    """A run: stages that were listed stay where they are, new ones follow as in ``order``."""
    _note()
    try:
        yield
    except BaseException:
        _sort_all(order)
        raise
    if _sort_all(order):
        BEFORE.unlink()


def _note() -> None:
    """Before a run: which stages are listed, unless one that was not finished has noted it."""
    if not BEFORE.is_file():
        BEFORE.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(BEFORE, {str(path): _listed(path) for path in dvc_files.LOCK_FILES})


def _sort_all(order: Sequence[str]) -> bool:
    """Sort both files while no DVC is at them; False where one is at them for long."""
    from filelock import FileLock, Timeout

    # No DVC has run here yet.
    if not dvc_files.HELD[0].parent.is_dir():
        return True
    before = files.read_json(BEFORE)
    try:
        with FileLock(dvc_files.HELD[0], timeout=dvc_files.PATIENT_SECONDS):
            for path in dvc_files.LOCK_FILES:
                _sort(path, [*before.get(str(path), []), *_named(path, order)])
        return True
    except Timeout:
        return False


def _listed(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [found["name"] for found in _STAGE.finditer(path.read_text(encoding="utf-8"))]


def _named(path: Path, order: Sequence[str]) -> list[str]:
    """The stages of a lock file, as it has them: without the folder of their ``dvc.yaml``."""
    folder = f"{path.with_suffix('.yaml')}:" if path.parent != Path() else ""
    own = [name for name in order if (":" in name) == bool(folder)]
    return [name.removeprefix(folder) for name in own if name.startswith(folder)]


def _sort(path: Path, wanted: Sequence[str]) -> None:
    """Sort the blocks of a lock file; bytes within a block stay."""
    if not path.is_file():
        return
    places = {name: place for place, name in reversed(list(enumerate(wanted)))}
    text = path.read_text(encoding="utf-8")
    found = list(_STAGE.finditer(text))
    starts = [one.start() for one in found]
    blocks = [text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    named = zip((one["name"] for one in found), blocks, strict=True)
    ordered = sorted(named, key=lambda block: places.get(block[0], len(places)))
    new = text[: starts[0]] + "".join(block for _, block in ordered) if starts else text
    if new != text and text.endswith("\n"):
        files.write_text(path, new)
