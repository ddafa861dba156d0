"""The table of ``podium cv``: on the screen, as csv, as json."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from podium.config.names import BLEND
from podium.io import files
from podium.io.errors import PodiumError
from podium.io.text import counted, printable
from podium.metrics import Metric
from podium.runtime.console import results
from podium.stages.common import DIGITS
from podium.stages.cv.summary import Gain, Row, Summary


def print_tables(title: str, metric: Metric, summary: Summary) -> None:
    """Print a row for each model and the blend, what ranks say, and the CV of each seed."""
    better = "higher" if metric.greater_is_better else "lower"
    many = counted(len(summary.seeds), "fold seed")
    headings = ["", "mean ± se", "std", "mean rank", "seeds at rank 1, 2 ..."]
    table = _table(f"{title}: {metric.title} on {many}, {better} is better", headings)
    for row in summary.rows:
        table.add_row(*_cells(row, summary))
    results().print(table)
    for line in _notes(summary):
        print(line, flush=True)
    of_seeds = _table("", ["seed", *(_name(row) for row in summary.rows)])
    for place, seed in enumerate(summary.seeds):
        of_seeds.add_row(str(seed), *(_score(float(row.scores[place])) for row in summary.rows))
    results().print(of_seeds)


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    return table


def _name(row: Row) -> str:
    return "blend (nested)" if row.name == BLEND else printable(row.name)


def _cells(row: Row, summary: Summary) -> list[str]:
    mean = _score(row.mean) + (f" ± {row.se:.5f}" if row.se is not None else "")
    std = "" if row.std is None else f"{row.std:.5f}"
    many = len(summary.seeds)
    shares = [round(share * many) for share in row.rank_shares(len(summary.rows))]
    return [_name(row), mean, std, f"{row.mean_rank:.1f}", " ".join(map(str, shares))]


def _score(score: float) -> str:
    return "undefined" if score != score else f"{score:.5f}"


def _notes(summary: Summary) -> Iterator[str]:
    if summary.agreement is not None:
        yield (
            f"stability of ranks: Kendall's W {summary.agreement:.2f} "
            "(1: all seeds rank alike, 0: ranks are chance)"
        )
    many = len(summary.seeds)
    for gain in (summary.over_best_model, summary.over_each_best):
        if gain is not None:
            error = "" if gain.se is None else f" ± {gain.se:.5f} (standard error over seeds)"
            yield (
                f"blend against {gain.other}: better on {gain.better} of {many} seeds, by "
                f"{gain.mean:+.5f}{error}"
            )


def check_out(out: Path | None) -> None:
    """Check the ending of ``--out`` before anything is computed.

    Raises:
        PodiumError: it is neither csv nor json, or there is no such folder.
    """
    if out is None:
        return
    if out.suffix not in WRITERS:
        raise PodiumError(f"--out: '{printable(str(out))}' must end in {' or '.join(WRITERS)}")
    if not out.parent.is_dir():
        raise PodiumError(f"--out: no folder '{printable(str(out.parent))}'; make it first")


def write(out: Path, summary: Summary) -> None:
    """Write the table in the format of the file's ending."""
    files.write_text(out, WRITERS[out.suffix](summary))


def _facts(row: Row) -> dict[str, Any]:
    return {
        "model": row.name,
        "mean": _rounded(row.mean),
        "std": _rounded(row.std),
        "se": _rounded(row.se),
        "mean_rank": _rounded(row.mean_rank),
    }


def _csv(summary: Summary) -> str:
    """One row a model and seeds as columns; the shares of ranks as ``rank_1`` and so on."""
    import pandas as pd

    rows = []
    for row in summary.rows:
        shares = enumerate(row.rank_shares(len(summary.rows)), start=1)
        own: dict[str, Any] = {f"rank_{rank}": round(share, DIGITS) for rank, share in shares}
        pairs = zip(summary.seeds, row.scores, strict=True)
        own |= {f"seed_{seed}": _rounded(score) for seed, score in pairs}
        rows.append(_facts(row) | own)
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")


def _json(summary: Summary) -> str:
    rows = [
        _facts(row)
        | {
            "rank_shares": [round(one, DIGITS) for one in row.rank_shares(len(summary.rows))],
            "cv": [_rounded(score) for score in row.scores],
        }
        for row in summary.rows
    ]
    facts = {
        "seeds": summary.seeds,
        "kendalls_w": _rounded(summary.agreement),
        "blend_over_best_model": _gain(summary.over_best_model),
        "blend_over_each_seeds_best": _gain(summary.over_each_best),
        "rows": rows,
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _gain(gain: Gain | None) -> dict[str, Any] | None:
    if gain is None:
        return None
    numbers = {"mean": _rounded(gain.mean), "se": _rounded(gain.se)}
    return {"other": gain.other, **numbers, "better_seeds": gain.better}


def _rounded(number: float | None) -> float | None:
    """Rounded as scores are; None where it is undefined."""
    return None if number is None or number != number else round(float(number), DIGITS)


WRITERS: Mapping[str, Callable[[Summary], str]] = {".csv": _csv, ".json": _json}
