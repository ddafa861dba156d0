"""Mistakes in a user's own code, each as one line with its file and line."""

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from podium.io.errors import PodiumError
from podium.io.text import nearest, visible

# Of a library's message: what a line of a terminal or two can show.
LONGEST = 300


class UserCodeError(PodiumError):
    """A mistake in a user's own code."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")


@contextmanager
def blamed(
    folder: Path, what: str, known: Iterable[object], otherwise: tuple[Path, int]
) -> Iterator[None]:
    """Report what fails inside at the innermost line of a file in ``folder``.

    ``what`` is the function that is called, or nothing; ``known`` are names of which a ``KeyError``
    may have missed one; ``otherwise`` is the place where no line of the folder is known.

    Raises:
        PodiumError: anything failed; memory that is short, and Ctrl-C, stay what they are.
    """
    try:
        yield
    except (PodiumError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        path, line = _place(error, folder) or otherwise
        words = f"{what}: " if what else ""
        raise UserCodeError(path, line, f"{words}{_said(error)}{_hint(error, known)}") from error


def _place(error: BaseException, folder: Path) -> tuple[Path, int] | None:
    """The file, relative to the project, and the line that an error comes from."""
    if isinstance(error, SyntaxError) and _is_in(error.filename, folder):
        return folder / Path(str(error.filename)).name, error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_in(frame.filename, folder)]
    return (folder / Path(own[-1].filename).name, own[-1].lineno or 1) if own else None


def _is_in(file: str | None, folder: Path) -> bool:
    return file is not None and Path(file).parent == folder.absolute()


def _said(error: BaseException) -> str:
    """The error's type and the first line of its message."""
    if isinstance(error, SystemExit):
        return "ended the program; remove the exit"
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    lines = visible_lines(text)
    kind = type(error).__name__
    return f"{kind}: {lines[0][:LONGEST]}" if lines else kind


def visible_lines(text: str) -> list[str]:
    """The lines of a message that are not empty, without control characters."""
    return [visible(line.strip()) for line in text.splitlines() if line.strip()]


def _hint(error: BaseException, known: Iterable[object]) -> str:
    names = [str(name) for name in known]
    if not isinstance(error, KeyError) or not error.args or not names:
        return ""
    wanted = error.args[0]
    is_name = isinstance(wanted, str) and wanted.isprintable() and len(wanted) < 60
    return f"; {nearest(wanted, names)}" if is_name else ""
