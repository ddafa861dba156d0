"""A section for each model: curves, what it found important, its hyperparameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from podium.config.external import CHECKED
from podium.data.several_targets import OneTarget
from podium.reporting.charts import curves as charts
from podium.reporting.charts import models as learnt
from podium.reporting.curves import of_members
from podium.reporting.page import Block, Chart, Facts, Folded, Section, SmallCharts, Text
from podium.reporting.page.blocks import shown
from podium.stages.report.leaderboard import fold_scores
from podium.stages.report.results import ModelResults, Results, prefix
from podium.stages.shown_curves import loss_name, step_name

MOST_IMPORTANT, MOST_DEPENDENCES, MOST_LEVELS = 10, 4, 12
# Of a curve: a page of many models and targets stays below 3 MB.
MOST_POINTS = 100
# A gap of the validation loss above the training loss, in shares of it, that is worth a word.
SMALL, LARGE = 0.1, 0.5


def models_section(results: Results) -> Section:
    """All models in the order of params.yaml."""
    found = [_model(results, model) for model in results.models.values()]
    return Section("models", "Models", sections=found)


def _model(results: Results, model: ModelResults) -> Section:
    blocks: list[Block] = []
    for own in results.shown:
        blocks += curves(model, own)
    important = [one for own in results.shown for one in _importance(results, model, own)]
    blocks += important
    for own in results.shown:
        blocks += _dependence(model, own)
    blocks.append(Facts(_facts(results, model), beside=not important))
    every = Facts(hyperparameters(model))
    blocks.append(Folded(f"All {len(every.items)} hyperparameters of {model.name}", [every]))
    return Section(f"model-{model.name}", model.name, blocks)


def _facts(results: Results, model: ModelResults) -> dict[str, str]:
    scores = fold_scores(model.metrics)
    scores = scores[np.isfinite(scores)]
    cv = model.metrics.get("cv")
    title = results.metric.title
    facts = {f"{title}, all rows": f"{cv:.5f}" if isinstance(cv, float | int) else "undefined"}
    if len(scores):
        facts[f"{title}, by fold"] = ", ".join(f"{score:.5f}" for score in scores)
    details = dict(model.metrics.get("details", {}))
    if CHECKED in details:
        facts["folds"] = "as here" if details.pop(CHECKED) else "not checked"
    facts |= {
        f"{key.replace('_', ' ')} (mean over folds)": shown(float(value))
        for key, value in details.items()
    }
    return facts | _chosen(model) | _when(model.timing)


def _chosen(model: ModelResults) -> dict[str, str]:
    """The hyperparameters that are not at their defaults, and what ``auto`` was resolved to."""
    changed = flat(model.params.model_dump(mode="json", exclude_defaults=True))
    resolved = model.metrics.get("resolved", {})
    every = hyperparameters(model)
    return {key: value for key, value in every.items() if key in changed or key in resolved}


def hyperparameters(model: ModelResults) -> dict[str, str]:
    """All of them as they were used: defaults filled in, ``auto`` resolved."""
    values = model.params.model_dump(mode="json")
    resolved = model.metrics.get("resolved", {})
    facts = {}
    for key, value in flat(values).items():
        if key in resolved:
            facts[key] = f"{_shown(resolved[key])} (auto)"
        elif key != "model" or value != model.name:
            facts[key] = _shown(value)
    return facts


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Blocks inside of blocks as ``block.key``."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _when(timing: Mapping[str, Any]) -> dict[str, str]:
    facts = {}
    if "fit_seconds" in timing:
        facts["fitted in"] = f"{timing['fit_seconds']:.1f} s"
    if "finished" in timing:
        facts["trained"] = str(timing["finished"])
    if "commit" in timing:
        edited = ", with edits that were not committed" if timing.get("edited") else ""
        facts["commit"] = f"{str(timing['commit'])[:10]}{edited}"
    return facts


def curves(model: ModelResults, own: OneTarget) -> list[Block]:
    """Its learning curve, or its score by alpha; a word where there is neither."""
    history = model.history(own)
    if history.empty or history["step"].nunique() < 2:
        return [Text("It is fitted in one step, so there is no learning curve.")]
    title = prefix(own)
    if "alpha" in history:
        return [_by_alpha(history, title)]
    params = model.params.model_copy(update=model.metrics.get("resolved", {}))
    return _learning(history, title, loss_name(params, own.target.is_regression))


def _learning(history: pd.DataFrame, title: str, loss: str) -> list[Block]:
    x = step_name(history)
    table = banded(history)
    valid = table[table["part"] == "validation"] if len(table) else table
    if valid.empty:
        return [Text("No training went well enough for a learning curve.", strong=True)]
    best = int(valid["step"].iloc[int(valid["mean"].argmin())])
    words = gap_in_words(table, best, x)
    chart = Chart(
        f"{title}Loss by {x}: mean and range over folds",
        charts.learning(table, x, best, loss),
        f"Line chart of training and validation loss by {x}. {words}",
        note=words,
    )
    return [chart]


def banded(history: pd.DataFrame) -> pd.DataFrame:
    """Mean over folds, lowest and highest fold by step: columns part, step, mean, low, high.

    Steps are counted from 1. A member that stopped early keeps its last value; one that diverged is
    left out.
    """
    tables = []
    for part, name in (("train_loss", "training"), ("valid_loss", "validation")):
        members = of_members(history, part)
        if members.empty:
            continue
        folds = members.T.groupby(level=["repeat", "fold"]).mean().T
        table = pd.DataFrame({"mean": folds.mean(axis=1), "low": folds.min(axis=1),
                              "high": folds.max(axis=1)}).reset_index()  # fmt: skip
        tables.append(_thinned(table).assign(part=name, step=lambda own: own["step"] + 1))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Evenly spaced steps, and the best of them."""
    places = np.linspace(0, len(table) - 1, min(len(table), MOST_POINTS)).astype(int)
    return table.iloc[np.unique([*places, int(table["mean"].argmin())])]


def gap_in_words(table: pd.DataFrame, best: int, x: str) -> str:
    """Where validation was best, and how far apart the two are at the end."""
    valid, train = (table[table["part"] == part] for part in ("validation", "training"))
    last = int(valid["step"].max())
    lowest = float(valid["mean"].min())
    at_end = float(valid["mean"].iloc[-1])
    said = f"Validation loss is lowest at {x} {best} of {last}, {shown(lowest)}"
    said += f"; at the end it is {shown(at_end)}." if best < last else ", the last one."
    if train.empty:
        return said
    trained = float(train["mean"].iloc[-1])
    gap = at_end - trained
    said += f" Training loss ends at {shown(trained)}: a gap of {shown(gap)}"
    if trained > 0 and np.isfinite(gap / trained):
        said += f" ({gap / trained:+.0%} of it), {_verdict(gap / trained)}"
    return f"{said}."


def _verdict(share: float) -> str:
    if share < SMALL:
        return "so it hardly overfits"
    return "so it overfits somewhat" if share < LARGE else "so it fits the training rows far better"


def _by_alpha(history: pd.DataFrame, title: str) -> Chart:
    """The validation loss of each fold at each alpha that the fold tried."""
    table = history.groupby(["repeat", "fold", "alpha"])["valid_loss"].mean().reset_index()
    table = table[np.isfinite(table["valid_loss"])]
    several = table["repeat"].nunique() > 1
    table["name"] = [
        f"{row.repeat}/{row.fold}" if several else f"fold {row.fold}" for row in table.itertuples()
    ]
    lowest = table.groupby("name")["valid_loss"].idxmin()
    table["is_best"] = table.index.isin(lowest)
    found = table[table["is_best"]]
    said = ", ".join(f"{row.name}: {row.alpha:.3g}" for row in found.itertuples(index=False))
    rows = table.rename(columns={"valid_loss": "score"}).drop(columns="fold")
    rows = rows.rename(columns={"name": "fold"})[["fold", "alpha", "score", "is_best"]]
    return Chart(
        f"{title}Validation loss by alpha, each fold alone",
        charts.by_alpha(rows, "validation loss"),
        f"Line chart of the validation loss by alpha, a line for each fold. The best alpha by "
        f"fold: {said}.",
        note=f"Best alpha (a diamond): {said}. Each fold searches on its training rows alone."
        + _at_the_end(table),
    )


def _at_the_end(table: pd.DataFrame) -> str:
    """In which folds the best alpha is the smallest or the largest that was tried."""
    found = []
    for at, alphas in table.groupby("name", sort=False):
        best = alphas.loc[alphas["is_best"], "alpha"].iloc[0]
        ends = {"smallest": alphas["alpha"].min(), "largest": alphas["alpha"].max()}
        found += [(word, str(at)) for word, end in ends.items() if best == end and len(alphas) > 1]
    said = ""
    for word, beyond in (("smallest", "smaller"), ("largest", "larger")):
        if names := [at for end, at in found if end == word]:
            where = "every fold" if len(names) == table["name"].nunique() else ", ".join(names)
            said += f" In {where} it is the {word} that was tried: a {beyond} one may be better."
    return said


def _importance(results: Results, model: ModelResults, own: OneTarget) -> list[Block]:
    table = model.importance(own)
    if table.empty:
        return []
    top = table.head(MOST_IMPORTANT)
    top = top.assign(low=top["mean"] - top["se"].fillna(0), high=top["mean"] + top["se"].fillna(0))
    said = ", ".join(
        f"{row.feature} {shown(row.mean, 3)}" for row in top.head(5).itertuples(name="Row")
    )
    title = results.competition.scoring.title
    return [
        Chart(
            f"{prefix(own)}The {len(top)} most important features",
            learnt.importance(top, title),
            f"Bar chart of permutation importance: how much worse {title} gets when a feature is "
            f"shuffled, with its standard error. {said}.",
        )
    ]


def _dependence(model: ModelResults, own: OneTarget) -> list[Block]:
    """Partial dependence of the most important features."""
    table = model.dependence(own)
    if table.empty:
        return []
    there = list(dict.fromkeys(table["feature"]))
    ranked = [name for name in model.most_important(own) if name in there]
    names = [*ranked, *(name for name in there if name not in ranked)]
    charts = [
        _dependence_chart(table[table["feature"] == name], str(name), own)
        for name in names[:MOST_DEPENDENCES]
    ]
    return [SmallCharts(charts)]


def _dependence_chart(table: pd.DataFrame, feature: str, own: OneTarget) -> Chart:
    outputs = table["output"].astype(str)
    # Of several classes the one that the feature changes the most.
    means = table["mean"].groupby(outputs, sort=False)
    output = str((means.max() - means.min()).idxmax())
    rows = table[outputs == output]
    numbers = pd.to_numeric(rows["value"], errors="coerce")
    is_number = bool((rows["type"] == "number").all() if "type" in rows else numbers.notna().all())
    if is_number:
        rows = rows.assign(value=numbers).sort_values("value")
    else:
        rows = rows.assign(value=rows["value"].astype(str)).head(MOST_LEVELS)
    title = "mean prediction" if own.target.is_regression else "mean probability"
    of = "" if own.target.is_regression else f", of {output}"
    first, last = rows.iloc[0], rows.iloc[-1]
    low, high = rows["mean"].min(), rows["mean"].max()
    said = (
        f"Partial dependence on {feature}{of}: {shown(first['mean'])} at {first['value']}, "
        f"{shown(last['mean'])} at {last['value']}, between {shown(low)} and {shown(high)}."
    )
    return Chart(
        f"{prefix(own)}By {feature}{of}", learnt.dependence(rows, feature, title, is_number), said
    )
