"""Predicted numbers of what is submitted: against the truth, what is left, the worst rows."""

import numpy as np
import pandas as pd

from podium.data.dataset import Rows
from podium.data.several_targets import OneTarget
from podium.reporting.charts import numbers as charts
from podium.reporting.page import Block, Chart, Section, Text, table_of
from podium.reporting.page.blocks import shown
from podium.stages.report.results import Results, evenly, has_model_scale, residual

# More points say no more.
MOST_POINTS = 3_000
WORST, COLUMNS = 15, 5


def regression_section(results: Results) -> Section:
    """The out-of-fold predictions of what is submitted."""
    blocks: list[Block] = []
    for own in results.shown:
        blocks += _of_target(results, own)
    return Section("predictions", "Predictions", blocks)


def _of_target(results: Results, own: OneTarget) -> list[Block]:
    name = results.title_of(own)
    rows, what = residual_rows(results, own)
    correlation = float(np.corrcoef(rows["actual"], rows["predicted"])[0, 1])
    drawn = rows.iloc[evenly(len(rows), MOST_POINTS)]
    some = "" if len(drawn) == len(rows) else f" ({len(drawn):,} of {len(rows):,} rows)"
    median, low, high = (float(rows["residual"].quantile(q)) for q in (0.5, 0.1, 0.9))
    said = f"median {shown(median)}, 80 % of rows between {shown(low)} and {shown(high)}"
    return [
        Text(
            f"Out-of-fold predictions of {results.submitted_in_words}, which is submitted. "
            f"The residual is {what}."
        ),
        Chart(
            f"{name}: predicted against actual{some}",
            charts.predicted_vs_actual(drawn, name),
            f"Scatter plot of predicted against actual {name} with the diagonal; correlation "
            f"{correlation:.3f}.",
        ),
        Chart(
            f"{name}: residuals, their median and middle 80 %",
            charts.residuals(drawn, name, what),
            f"Scatter plot of the residual ({what}) by predicted {name}: {said}.",
        ),
        table_of(f"{name}: the {WORST} worst-predicted rows", worst_rows(results, own, rows)),
    ]


def residual_rows(results: Results, own: OneTarget) -> tuple[pd.DataFrame, str]:
    """Validated rows with their residual, and what that is: on the scale that models train on.

    Columns: row, id, actual, predicted, residual, fold.
    """
    oof, target = results.oof, own.target
    actual, predicted = own.y(results.y), oof[target.columns[0]].to_numpy(dtype=np.float64)
    table = pd.DataFrame(
        {
            "row": np.arange(len(oof)),
            "id": oof[results.competition.id].astype(str),
            "actual": actual,
            "predicted": predicted,
            "residual": residual(target, actual, predicted),
            "fold": results.fold_of_row.astype(str),
        }
    )
    of = target.transform if has_model_scale(target) else ""
    words = f"{of}(actual) - {of}(predicted)" if of else "actual - predicted"
    return table[np.isfinite(table["residual"])].reset_index(drop=True), words


def worst_rows(results: Results, own: OneTarget, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the largest residuals, and their values of the most telling columns."""
    worst = rows.iloc[np.argsort(-rows["residual"].abs(), kind="stable")[:WORST]]
    table = worst[["id", "actual", "predicted", "residual", "fold"]].reset_index(drop=True)
    own_values = row_values(results, own, worst["row"].to_numpy())
    return pd.concat([table, own_values.reset_index(drop=True)], axis=1)


def row_values(results: Results, own: OneTarget, rows: Rows) -> pd.DataFrame:
    """The values of the most important columns in some training rows; none of images."""
    train = getattr(results.dataset, "train", None)
    if not isinstance(train, pd.DataFrame):
        return pd.DataFrame(index=range(len(rows)))
    names = telling_columns(results, own, train)
    return train[names].iloc[rows]


def telling_columns(results: Results, own: OneTarget, train: pd.DataFrame) -> list[str]:
    """The columns that models find most important; without that those most correlated with y."""
    ranks: dict[str, float] = {}
    for model in results.models.values():
        for place, name in enumerate(model.most_important(own)):
            if name in train:
                ranks[name] = ranks.get(name, 0.0) + 1 / (1 + place)
    if not ranks:
        some = evenly(len(train), MOST_POINTS)
        y = pd.Series(own.y(results.dataset.y)[some], index=train.index[some])
        numeric = train.iloc[some].select_dtypes("number")
        # Ranks: a few large values say little.
        with np.errstate(invalid="ignore", divide="ignore"):
            found = numeric.rank().corrwith(y.rank()).abs().dropna()
        ranks = {str(name): float(value) for name, value in found.items()}
    best = sorted(ranks, key=lambda name: -ranks[name])[:COLUMNS]
    return best or [str(name) for name in train.columns[:COLUMNS]]
