"""The folds: how they were made, their sizes, and the target in each."""

from typing import Any

import numpy as np
import pandas as pd

from podium.config.folds import SCHEMES
from podium.data.dataset import Split, never_validated
from podium.data.several_targets import OneTarget
from podium.reporting.charts import data as charts
from podium.reporting.page import Block, Chart, Section, Text, table_of
from podium.reporting.page.blocks import shown
from podium.stages.report.results import Results

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
# With more classes a chart of folds says nothing.
MOST_CLASSES = 40


def folds_section(results: Results) -> Section:
    """How scores come about."""
    splits = [split for split in results.dataset.splits if split.repeat == 0]
    blocks: list[Block] = [Text(f"{in_words(results)}. {_blended(results)}.")]
    blocks += [
        _target(results, own, splits) for own in results.shown if own.target.outputs <= MOST_CLASSES
    ]
    if results.dataset.times is not None or SCHEMES[results.competition.folds.scheme].in_order:
        blocks.append(_in_time(results, splits))
    blocks.append(table_of("Rows of each fold", _sizes(results, splits), beside=True))
    return Section("folds", "Folds", blocks)


def in_words(results: Results) -> str:
    """How many folds there are, and how they were made."""
    spec, folds = results.competition.folds, results.fold_of_row
    keys = ("group", "by", "gap", "window", "column", "path")
    facts = [f"{key} {getattr(spec, key)}" for key in keys if spec.is_set(key)]
    scheme = ", ".join([spec.scheme, *facts])
    unseen = never_validated(folds[:, None])
    return f"{folds.max() + 1} ({scheme}), {spec.repeats} repeat(s), seed {spec.seed}{unseen}"


def _blended(results: Results) -> str:
    """What the blend's score is, by how its weights were fitted."""
    spec, scheme = results.competition.ensemble, SCHEMES[results.competition.folds.scheme]
    if not results.is_nested:
        return "The blend's score is that of equal weights, for which nothing is fitted"
    which = "past" if scheme.past_only else "others"
    return f"The blend's score is {_BLENDED[which]}{_NESTED[spec.nested]}"


_BLENDED = {
    "others": "nested: each fold is predicted with weights fitted on the other folds' rows",
    "past": "nested: each fold is predicted with weights fitted on earlier folds' rows, the first "
    "one with equal weights",
}
_NESTED = {"folds": "", "full": ", which are predicted by models that never saw the scored fold"}


def _sizes(results: Results, splits: list[Split]) -> pd.DataFrame:
    """A row for each fold of the first repeat: its rows, and the target's mean or rarest class."""
    table = pd.DataFrame(
        {
            "fold": [str(split.fold) for split in splits],
            "rows to train on": [len(split.train_rows) for split in splits],
            "rows to validate": [len(split.valid_rows) for split in splits],
        }
    )
    for own in results.shown:
        if own.target.is_regression:
            y, name = own.y(results.dataset.y), results.title_of(own)
            means = [float(y[split.valid_rows].mean()) for split in splits]
            table[f"mean {name}"] = means
    return table


def _target(results: Results, own: OneTarget, splits: list[Split]) -> Chart:
    y, name = own.y(results.dataset.y), results.title_of(own)
    if own.target.is_regression:
        rows = pd.DataFrame(
            [
                {
                    "fold": str(split.fold),
                    "rows": len(split.valid_rows),
                    **{
                        key: float(np.quantile(y[split.valid_rows], q))
                        for key, q in QUANTILES.items()
                    },
                }
                for split in splits
            ]
        )
        medians = ", ".join(f"{row.fold}: {shown(row.q50)}" for row in rows.itertuples())
        said = (
            f"Box plot of {name} by fold: a line from 5 % to 95 % of the rows, a box from 25 % to "
            f"75 %, a white mark at the median. Medians by fold: {medians}."
        )
        return Chart(f"{name} by fold", charts.folds_of_numbers(rows, name), said)
    classes = own.target.classes
    shares = np.stack(
        [
            np.bincount(y[split.valid_rows].astype(np.int64), minlength=len(classes))
            for split in splits
        ]
    )
    rows = pd.DataFrame(
        [
            {
                "fold": str(split.fold),
                "class": label,
                "rows": int(counts[place]),
                "share": counts[place] / counts.sum(),
                "place": place,
            }
            for split, counts in zip(splits, shares, strict=True)
            for place, label in enumerate(classes)
        ]
    )
    parts = shares / shares.sum(axis=1, keepdims=True)
    spread = float((parts.max(axis=0) - parts.min(axis=0)).max())
    said = (
        f"Shares of the {len(classes)} classes of {name} by fold; no class's share differs by more "
        f"than {spread:.1%} between folds."
    )
    return Chart(f"{name} by fold", charts.folds_of_classes(rows, classes), said)


def _in_time(results: Results, splits: list[Split]) -> Chart:
    """Which places in time each fold trains on and validates."""
    times = results.dataset.times
    places = np.arange(len(results.dataset.y)) if times is None else times
    rows: list[dict[str, Any]] = []
    for split in splits:
        for part, own in (("training", split.train_rows), ("validation", split.valid_rows)):
            for low, high in _runs(np.unique(places[own])):
                rows.append({"fold": str(split.fold), "part": part, "low": low, "high": high + 1})
    last = rows[-1]
    said = (
        "Bars of the places in time that each fold trains on and validates. The last fold "
        f"validates {last['low']} to {int(last['high']) - 1}."
    )
    return Chart("Folds in time", charts.fold_times(pd.DataFrame(rows)), said)


def _runs(places: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[tuple[int, int]]:
    """First and last of each run of places without a hole."""
    parts = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts if len(part)]
