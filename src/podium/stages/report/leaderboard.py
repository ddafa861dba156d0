"""The leaderboard: models and blend, the best first, and how sure their order is."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from podium.config.names import BLEND
from podium.data.several_targets import each_target
from podium.ensemble.paired import standard_error
from podium.metrics import Array
from podium.reporting.charts import scores as charts
from podium.reporting.page import Block, Cell, Chart, Column, Section, Table, Text, table_of
from podium.stages.report.baseline import baseline
from podium.stages.report.results import ModelResults, Results, in_words

# Where differences to the best are smaller than so many standard errors, folds don't tell.
CLEAR = 2.0


@dataclass(frozen=True)
class Entry:
    """A row of the leaderboard; NaN where there is no such number.

    ``worse`` is by how much the score is worse than the best one's, the mean over folds, with its
    standard error ``worse_error``; both are 0 and NaN for the best itself. ``without`` is by how
    much the blend's score gets worse without the model.
    """

    name: str
    cv: float
    error: float
    folds: Array
    worse: float = 0.0
    worse_error: float = float("nan")
    fit_seconds: float = float("nan")
    predict_seconds: float = float("nan")
    weight: float = float("nan")
    without: float = float("nan")


def entries(results: Results) -> list[Entry]:
    """All models and the blend, the best first."""
    found = [_model(results, model) for model in results.models.values()]
    found.append(_blend(results))
    losses = [results.metric.as_loss(entry.cv) for entry in found]
    # Of equal scores what is submitted is the first.
    order = sorted(
        range(len(found)),
        key=lambda at: (
            losses[at] != losses[at], losses[at], found[at].name != results.submitted,
        ),
    )  # fmt: skip
    ordered = [found[at] for at in order]
    lost = results.worth.set_index("model")["worse_without"].to_dict()
    return [
        replace(_compared(results, entry, ordered[0]), without=lost.get(entry.name, float("nan")))
        for entry in ordered
    ]


def _model(results: Results, model: ModelResults) -> Entry:
    folds = fold_scores(model.metrics)
    weights = results.scores.set_index("model")["weight"]
    return Entry(
        name=model.name,
        cv=_cv(model.metrics),
        error=float(model.metrics.get("cv_se", np.nan)),
        folds=folds,
        fit_seconds=float(model.timing.get("fit_seconds", np.nan)),
        predict_seconds=float(model.timing.get("predict_seconds", np.nan)),
        weight=float(weights.get(model.name, np.nan)),
    )


def _blend(results: Results) -> Entry:
    """Where a model is submitted in the blend's place, ``metrics.json`` has its scores inside."""
    facts = results.blend.get("blend", results.blend)
    folds = fold_scores(facts)
    return Entry(BLEND, _cv(facts), float(facts.get("cv_se", np.nan)), folds)


def _cv(facts: dict[str, object]) -> float:
    """The pooled score; the mean of folds where that alone is defined."""
    value = facts.get("cv", facts.get("cv_mean", np.nan))
    return float(value)  # type: ignore[arg-type]


def fold_scores(facts: dict[str, object]) -> Array:
    """One score for each fold of each repeat; NaN where the metric is undefined."""
    by_fold = facts.get("folds", {})
    assert isinstance(by_fold, dict)
    undefined = facts.get("undefined_folds", [])
    assert isinstance(undefined, list)
    places = [*map(int, by_fold), *undefined]
    found = np.full(max(places, default=-1) + 1, np.nan)
    for place, score in by_fold.items():
        found[int(place)] = score
    return found


def _compared(results: Results, entry: Entry, best: Entry) -> Entry:
    """The entry with its difference to the best on the same folds."""
    if entry is best:
        return entry
    if len(entry.folds) != len(best.folds) or not len(entry.folds):
        # A blend has one score a fold, whatever the repeats: only pooled scores compare.
        worse = results.metric.as_loss(entry.cv) - results.metric.as_loss(best.cv)
        return replace(entry, worse=worse)
    difference = entry.folds - best.folds
    difference = -difference if results.metric.greater_is_better else difference
    repeats = results.competition.folds.repeats if entry.name != BLEND else 1
    defined = difference[~np.isnan(difference)]
    worse = float(defined.mean()) if len(defined) else float("nan")
    return replace(entry, worse=worse, worse_error=standard_error(difference, repeats))


def leaderboard(results: Results) -> Section:
    """The page's first section."""
    rows = entries(results)
    constant, constant_name = baseline(results)
    blocks: list[Block] = [Text(line, strong) for line, strong in _words(results, rows)]
    blocks.append(_table(results, rows, constant))
    if np.isfinite(constant):
        blocks.append(Text(_constant_words(results, rows[0], constant, constant_name)))
    blocks += _charts(results, rows)
    blocks += _by_target(results)
    return Section("leaderboard", "Leaderboard", blocks)


def _words(results: Results, rows: list[Entry]) -> list[tuple[str, bool]]:
    """What is submitted and why, and which models the folds don't tell from the best."""
    best, submitted = rows[0], results.submitted
    title = results.metric.title
    blended = next(row for row in rows if row.name == BLEND)
    better = "higher" if results.metric.greater_is_better else "lower"
    said = [(f"Scores are {title} of out-of-fold predictions: {better} is better.", False)]
    if submitted == BLEND:
        line = f"The blend is submitted: {title} {_score(blended.cv)}."
        if best is not blended:
            line += f" It loses to its best model, {best.name}, with {_score(best.cv)}."
        said.append((line, best is not blended))
    else:
        own = next(row for row in rows if row.name == submitted)
        line = (
            f"What is submitted is {submitted}, since the blend's score doesn't beat it: "
            f"{_score(own.cv)} against {_score(blended.cv)}."
        )
        said.append((line, len(results.competition.blended) > 1))
    close = [in_words(row.name) for row in rows[1:] if _is_close(row)]
    if close:
        said.append(
            (
                f"The folds can't separate {_listed(close)} from {in_words(best.name)}: the "
                f"difference is less than {CLEAR:g} standard errors.",
                False,
            )
        )
    return said


def _is_close(row: Entry) -> bool:
    return bool(row.worse < CLEAR * row.worse_error)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _score(value: float) -> str:
    return "undefined" if value != value else f"{value:.5f}"


def _table(results: Results, rows: list[Entry], constant: float) -> Table:
    has_seconds = any(np.isfinite(row.predict_seconds) for row in rows)
    lost = any(np.isfinite(row.without) for row in rows)
    columns = [
        Column("model"),
        Column("CV", True, "all rows, ± standard error"),
        Column(f"worse than {in_words(rows[0].name)}", True, "same folds, ± standard error"),
        Column("gain over a constant", True),
        Column("fit", True, "seconds"),
        *([Column("predict", True, "seconds")] if has_seconds else []),
        Column("weight", True, "in the blend"),
        *([Column("blend loses", True, "without it; below 0 it gains")] if lost else []),
    ]
    table = [_cells(results, row, rows[0], constant, has_seconds, lost) for row in rows]
    return Table("Leaderboard, the best first", columns, table, bold=0)


def _cells(
    results: Results, row: Entry, best: Entry, constant: float, has_seconds: bool, lost: bool
) -> list[Cell]:
    order = results.metric.as_loss(row.cv)
    cv = _score(row.cv) + (f" ± {row.error:.5f}" if np.isfinite(row.error) else "")
    worse = _signed(row.worse, "+.5f") if row is not best else "best"
    if np.isfinite(row.worse_error):
        worse += f" ± {row.worse_error:.5f}"
    gain = results.metric.as_loss(constant) - results.metric.as_loss(row.cv)
    return [
        Cell(row.name, link=_link(row), mark=_marks(results, row)),
        Cell(cv, None if order != order else order),
        Cell(worse, row.worse),
        _number(gain, "+.4f"),
        _number(row.fit_seconds, ".1f"),
        *([_number(row.predict_seconds, ".2f")] if has_seconds else []),
        _number(row.weight, ".2f"),
        *([_number(row.without, "+.5f")] if lost else []),
    ]


def _number(value: float, form: str) -> Cell:
    if not np.isfinite(value):
        return Cell("")
    return Cell(_signed(value, form), value)


def _signed(value: float, form: str) -> str:
    """A number in this form; 0 without a sign."""
    text = format(value, form)
    return text if float(text) else format(0.0, form.lstrip("+"))


def _link(row: Entry) -> str:
    return "" if row.name == BLEND else f"model-{row.name}"


def _marks(results: Results, row: Entry) -> str:
    if row.name == results.submitted:
        return "submitted"
    return "nested" if row.name == BLEND and results.is_nested else ""


def _constant_words(results: Results, best: Entry, constant: float, name: str) -> str:
    gain = results.metric.as_loss(constant) - results.metric.as_loss(best.cv)
    line = (
        f"The best constant is the {name} of each fold's training rows: "
        f"{results.metric.title} {_score(constant)}. "
    )
    if results.metric.greater_is_better or constant <= 0 or not np.isfinite(gain):
        return line
    return line + f"The error of {in_words(best.name)} is {1 - gain / constant:.0%} of that."


def _charts(results: Results, rows: list[Entry]) -> list[Block]:
    """The differences, and the scores of the folds."""
    best = rows[0]
    table = pd.DataFrame(
        {
            "model": [row.name for row in rows],
            "difference": [row.worse for row in rows],
            "low": [row.worse - np.nan_to_num(row.worse_error) for row in rows],
            "high": [row.worse + np.nan_to_num(row.worse_error) for row in rows],
        }
    )
    said = "; ".join(
        f"{row.name} {row.worse:.5f} ± {row.worse_error:.5f}"
        for row in rows[1:]
        if np.isfinite(row.worse_error)
    )
    found: list[Block] = []
    if len(rows) > 1 and said:
        found.append(
            Chart(
                f"How sure the order is: by how much each is worse than {in_words(best.name)}",
                charts.differences(table, in_words(best.name)),
                f"Dot plot of the difference to {in_words(best.name)} on the same folds, with its "
                f"standard error, {results.metric.title}: {said}.",
            )
        )
    return found + _folds_chart(results, rows)


def _folds_chart(results: Results, rows: list[Entry]) -> list[Block]:
    best, title = rows[0], results.metric.title
    table = pd.DataFrame(
        [
            {"model": row.name, "fold": str(fold), "score": score, "is_best": row is best}
            for row in reversed(rows)
            for fold, score in enumerate(row.folds)
            if np.isfinite(score)
        ]
    )
    if table.empty or table["fold"].nunique() < 2:
        return []
    own = table[table["is_best"]]
    by_fold = zip(own["fold"], own["score"], strict=True)
    said = ", ".join(f"{fold}: {score:.5f}" for fold, score in by_fold)
    return [
        Chart(
            f"How hard each fold is: {in_words(best.name)} in orange, others in grey",
            charts.fold_scores(table, title, [row.name for row in rows]),
            f"{title} of every model by fold. {best.name} by fold: {said}.",
        )
    ]


def _by_target(results: Results) -> list[Block]:
    """The pooled OOF scores of each of several targets, by model, and what is submitted of it."""
    if len(results.competition.targets) == 1:
        return []
    title = f"Scores by target ({results.competition.scoring.title})"
    return [table_of(title, target_scores(results), digits=5)]


def target_scores(results: Results) -> pd.DataFrame:
    """A row for each target: each model's score, what is submitted, and its score."""
    blend, models = results.blend["targets"], results.models
    rows = [
        {
            "target": own.name,
            **{
                name: models[name].metrics["targets"][own.name].get("cv")
                for name in results.competition.blended
            },
            "submitted score": blend[own.name].get("cv"),
            "submitted": blend[own.name]["submitted"],
        }
        for own in each_target(results.target)
    ]
    return pd.DataFrame(rows)
