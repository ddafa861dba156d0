"""The section of the blend: how predictions are mixed, and what each model is worth."""

import pandas as pd

from podium.config.blending import AUTO
from podium.config.names import BLEND
from podium.reporting.page import Block, Cell, Column, Section, Table, Text
from podium.stages.report.results import Results, in_words

# Where a difference is smaller than so many standard errors, it may be by chance.
CLEAR = 2.0


def blending_section(results: Results) -> Section:
    """Empty of a single model."""
    if results.worth.empty:
        return Section("blend", "Blend", [])
    blocks: list[Block] = [Text(line) for line in _words(results)]
    for name, facts in _of_each(results):
        if "candidates" in facts:
            blocks.append(_candidates(name, facts["candidates"]))
    blocks.append(_worth(results))
    return Section("blend", "Blend", blocks)


def _of_each(results: Results) -> list[tuple[str, dict[str, object]]]:
    """What is known of the blend, or of that of each of several targets, by name."""
    targets = results.blend.get("targets")
    return list(targets.items()) if targets else [("", results.blend)]


def _words(results: Results) -> list[str]:
    asked, title = results.competition.ensemble.method, results.metric.title
    said = []
    for name, facts in _of_each(results):
        of = f"{name}: " if name else ""
        method = facts.get("method", asked)
        if asked == AUTO:
            said.append(f"{of}Method auto chose {method}, by nested scores of each method.")
        else:
            said.append(f"{of}Predictions are mixed by method {method}.")
    same = results.blend.get("same_rows", {})
    if "cv" in same and "optimism" in same:
        nested = results.blend.get("blend", results.blend)["cv"]
        said.append(
            f"On the rows that it is fitted on, the blend has {title} {same['cv']:.5f}; on rows "
            f"that it isn't fitted on, {nested:.5f}, the nested score. The difference, "
            f"{same['optimism']:.5f}, is the optimism of the first, which nothing else here uses."
        )
    return said


def _candidates(name: str, candidates: object) -> Table:
    assert isinstance(candidates, dict)
    best = min(candidates, key=lambda one: candidates[one].get("worse", float("inf")))
    rows = [
        [Cell(method), _cell(facts, "cv", ".5f"),
         Cell("best") if method == best else _with_error(facts.get("worse"), facts.get("worse_se"))]
        for method, facts in candidates.items()
    ]  # fmt: skip
    columns = [
        Column("method"),
        Column("nested score", True),
        Column(f"worse than {best}", True, "± standard error over rows"),
    ]
    of = f" for {name}" if name else ""
    return Table(f"What auto chose from{of}, the simplest first", columns, rows)


def _worth(results: Results) -> Table:
    weights = results.scores.set_index("model")["weight"]
    ordered = results.worth.sort_values("worse_without", ascending=False, kind="stable")
    rows = [
        [
            Cell(row["model"], link=f"model-{row['model']}"),
            Cell(f"{weights[row['model']]:.2f}", float(weights[row["model"]])),
            _with_error(row["worse_without"], row["se"]),
            Cell(_verdict(row["worse_without"], row["se"])),
        ]
        for row in ordered.to_dict("records")
    ]
    columns = [
        Column("model"),
        Column("weight", True, f"in {in_words(BLEND)}"),
        Column("blend loses without it", True, "± standard error over rows"),
        Column("is that sure?"),
    ]
    return Table("What each model is worth, the most first", columns, rows)


def _verdict(lost: float, error: float) -> str:
    if not abs(lost) >= CLEAR * error:
        return "may be chance"
    return "helps" if lost > 0 else "harms"


def _cell(facts: dict[str, float], key: str, form: str) -> Cell:
    return Cell(format(facts[key], form), facts[key]) if key in facts else Cell("")


def _with_error(value: float | None, error: float | None) -> Cell:
    if value is None or pd.isna(value):
        return Cell("")
    text = f"{value:+.5f}" + ("" if error is None or pd.isna(error) else f" ± {error:.5f}")
    return Cell(text, value)
