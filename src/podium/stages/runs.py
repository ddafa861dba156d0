"""``podium runs``: a competition's runs, the best first, as MLflow's page shows them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from podium.config import load_config
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.metrics import Metric
from podium.runtime.console import results
from podium.runtime.tracking import SUBMITTED_TAG, read_runs

ID_LENGTH = 8
TRIAL = "trial"
# What a run's name ends with; a column of the table has those that differ.
_KNOBS = re.compile(r"(\s[^\s=]+=\S*)+(\s\S*…)?$")


@dataclass(frozen=True)
class Row:
    """A run with a score.

    ``kind`` is what scores can be compared within: the data, the folds, and the metric.
    """

    run_id: str
    name: str
    model: str
    stage: str
    started: datetime
    cv: float
    metrics: dict[str, float]
    params: dict[str, str]
    kind: tuple[str, ...]
    submitted: str


def runs(name: str, limit: int, everything: bool) -> None:
    """Print a competition's runs, the best first.

    Args:
        name: the competition.
        limit: how many.
        everything: also runs on other data than the newest, whose scores can't be compared, and
            trials of searches.

    Raises:
        PodiumError: MLflow can't be reached, or has no such run.
    """
    metric = load_config(only=name)[name].scoring
    found = scored_runs(name)
    if not found:
        raise PodiumError(f"{name}: MLflow has no run with a score yet; 'podium repro' makes some")
    newest = next((row for row in found if row.stage != TRIAL), found[0])
    comparable = [row for row in found if row.kind == newest.kind and row.stage != TRIAL]
    shown = sorted(found if everything else comparable, key=lambda row: _place(metric, row))
    best = min(comparable or found, key=lambda row: _place(metric, row))
    results().print(_table(name, metric, shown[:limit], best))
    for line in _notes(found, shown, limit, everything, best):
        print(line)


def _place(metric: Metric, row: Row) -> tuple[float, bool]:
    """What runs are sorted by: a blend that is only as good as a model comes after it."""
    return metric.as_loss(row.cv), _is_of_a_model(row)


def _is_of_a_model(row: Row) -> bool:
    """Whether a blend's run submitted a model in its place."""
    return row.submitted not in ("", row.model)


def scored_runs(name: str) -> list[Row]:
    """A competition's runs that have a score, the newest first.

    Raises:
        PodiumError: MLflow can't be reached, or has no run of it.
    """
    rows = read_runs(name).to_dict("records")
    return [_row(row) for row in rows if row.get("metrics.cv", float("nan")) > float("-inf")]


def _row(facts: Mapping[Any, Any]) -> Row:
    metrics, params, tags = (_of(facts, kind) for kind in ("metrics", "params", "tags"))
    kind = tags.get("data.sha256", ""), tags.get("folds.sha256", ""), params.pop("metric", "")
    return Row(
        run_id=facts["run_id"],
        name=_KNOBS.sub("", printable(str(facts["name"] or ""))),
        model=tags.get("podium.model", ""),
        stage=tags.get("podium.stage", ""),
        started=facts["start"],
        cv=metrics["cv"],
        metrics=metrics,
        params=params,
        kind=kind,
        submitted=tags.get(SUBMITTED_TAG, ""),
    )


def _of(facts: Mapping[Any, Any], kind: str) -> dict[str, Any]:
    """The metrics, parameters or tags that a run has, by their own names."""
    start = f"{kind}."
    return {
        name.removeprefix(start): value
        for name, value in facts.items()
        if name.startswith(start) and value == value
    }


def _table(name: str, metric: Metric, rows: Sequence[Row], best: Row) -> Table:
    better = "higher" if metric.greater_is_better else "lower"
    title = f"{name}: {metric.title}, {better} is better; * is the best"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("", "run", "name", "when (UTC)", "CV ± se", "seconds"):
        justify = "right" if heading in ("CV ± se", "seconds") else "left"
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("what differs", overflow="fold")
    differing = _differing(rows)
    for row in rows:
        table.add_row(
            "*" if row is best else "",
            row.run_id[:ID_LENGTH],
            Text(row.name),
            row.started.strftime("%Y-%m-%d %H:%M"),
            _score(row),
            _seconds(row),
            Text(" ".join(_values(row, differing[row.model]))),
            style="bold" if row is best else "",
        )
    return table


def _score(row: Row) -> str:
    """Runs of earlier versions of Podium have no standard error."""
    error = row.metrics.get("cv_se")
    return f"{row.cv:.5f}" if error is None else f"{row.cv:.5f} ± {error:.5f}"


def _seconds(row: Row) -> str:
    seconds = row.metrics.get("fit_seconds")
    return "" if seconds is None else f"{seconds:.1f}"


def _differing(rows: Sequence[Row]) -> dict[str, list[str]]:
    """By model: the parameters that its runs don't have in common."""
    found = {}
    for model in {row.model for row in rows}:
        own = [row.params for row in rows if row.model == model]
        names = dict.fromkeys(name for params in own for name in params)
        found[model] = [name for name in names if len({one.get(name) for one in own}) > 1]
    return found


def _values(row: Row, names: Sequence[str]) -> Iterator[str]:
    if _is_of_a_model(row):
        yield printable(f"submitted={row.submitted}")
    for name in names:
        if name in row.params:
            yield printable(f"{name}={row.params[name]}")


def _notes(
    found: Sequence[Row], shown: Sequence[Row], limit: int, everything: bool, best: Row
) -> list[str]:
    """What ``*`` is the best of, what the table leaves out, and what shows it."""
    notes = []
    if shown[0] is not best:
        notes.append("* the best of the runs on today's data and folds")
    if len(shown) > limit:
        notes.append(f"{limit} of {len(shown)} runs; --limit {len(shown)} shows all of these")
    if not everything and len(found) > len(shown):
        rest = len(found) - len(shown)
        notes.append(f"{rest} more of searches, or on other data, folds or metric: --all")
    return notes
