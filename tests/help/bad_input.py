"""Files that are spoilt, and what a command must do about them: one line, and nothing changed."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from projects import Outcome, write_csv


def change(folder: Path, name: str, edit: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    table = table if (changed := edit(table)) is None else changed
    write_csv(table, folder / name)


def put(name: str, row: int, column: str, value: str) -> Callable[[Path], None]:
    def edit(table: pd.DataFrame) -> None:
        table.loc[row, column] = value

    return lambda folder: change(folder, name, edit)


def rewrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def drop(name: str, column: str) -> Callable[[Path], None]:
    return lambda folder: change(folder, name, lambda table: table.drop(columns=column))


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_one_line(outcome: Outcome, says: str) -> None:
    assert outcome.code == 2, outcome
    lines = outcome.err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("podium: error: ")
    assert says in lines[0]
