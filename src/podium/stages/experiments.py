"""``podium exp``: what ``dvc exp show`` has, where it differs, in a table that fits a terminal."""

import csv
import io
import re

from rich import box
from rich.table import Table
from rich.text import Text

from podium.io.text import printable
from podium.runtime import revisions
from podium.runtime.console import results

_METRIC = re.compile(r"reports/([^/]+)/cv/([^/]+)\.json:cv$")
_LEFT = {"Experiment": "experiment", "rev": "commit", "Created": "when"}
# Of DVC's row: how experiments hang together.
_HIDDEN = ("typ", "parent", "State", "Executor")


def experiments(everything: bool) -> None:
    """Print the workspace, its commit and its experiments: CVs and parameters that differ.

    Args:
        everything: the experiments of all commits.

    Raises:
        PodiumError: DVC fails.
    """
    rows = list(csv.DictReader(io.StringIO(revisions.experiments(everything))))
    names = [name for name in (rows[0] if rows else {}) if name not in _HIDDEN]
    # DVC counts a result that a commit doesn't have as another value.
    names = [name for name in names if name in _LEFT or _differs(rows, name)]
    table = Table(box=box.SIMPLE_HEAD)
    for name in names:
        justify = "right" if _METRIC.match(name) else "left"
        table.add_column(_heading(name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(_value(row, name)) for name in names))
    results().print(table)
    if all(name in _LEFT for name in names):
        print("nothing differs; 'dvc exp run' and commits of dvc.lock make rows to compare")


def _differs(rows: list[dict[str, str]], name: str) -> bool:
    return len({value for row in rows if (value := _value(row, name))}) > 1


def _heading(name: str) -> str:
    """A metric's competition and model; a parameter's name as it is."""
    return printable(_LEFT.get(name) or _METRIC.sub(r"\1 \2", name))


def _value(row: dict[str, str], name: str) -> str:
    """The time to the minute; ``!`` is DVC's word for a result that a commit doesn't have."""
    value = row[name] or ""
    if name == "Created":
        return value[:16].replace("T", " ")
    return "" if value == "!" else printable(value)
