"""How alike the models' errors are: blending gains where they differ."""

import numpy as np
import pandas as pd

from podium.data.several_targets import OneTarget
from podium.metrics import Array
from podium.reporting.charts import models as charts
from podium.reporting.page import Block, Chart, Section, Text
from podium.stages.report.results import ModelResults, Results, prefix, residual


def errors_section(results: Results) -> Section:
    """Correlations of the models' OOF errors; nothing for a single model."""
    blocks: list[Block] = []
    if len(results.models) > 1:
        for own in results.shown:
            blocks += _of_target(results, own)
    return Section("errors", "Errors in common", blocks)


def _of_target(results: Results, own: OneTarget) -> list[Block]:
    table = correlations(results, own)
    pairs = [
        (one, other, float(table.loc[one, other]))
        for at, one in enumerate(table)
        for other in list(table)[at + 1 :]
        if np.isfinite(table.loc[one, other])
    ]
    if not pairs:
        return []
    pairs.sort(key=lambda pair: pair[2])
    least, most, name = pairs[0], pairs[-1], prefix(own)
    if len(pairs) == 1:
        line = (
            f"{name}The errors of {least[0]} and {least[1]} have a correlation of {least[2]:.2f}."
        )
        return [Text(f"{line} The less it is, the more a blend gains.")]
    rows = (
        table.rename_axis("one")
        .reset_index()
        .melt("one", var_name="other", value_name="correlation")
    )
    rows.loc[rows["one"] == rows["other"], "correlation"] = np.nan
    return [
        Text(
            f"{name}The less two models' errors are correlated, the more their blend gains. The "
            f"least alike are {least[0]} and {least[1]} ({least[2]:.2f}), the most "
            f"{most[0]} and {most[1]} ({most[2]:.2f})."
        ),
        Chart(
            f"{name}Correlation of the models' out-of-fold errors",
            charts.correlation(rows, list(table)),
            "Heat map of correlations: "
            + "; ".join(f"{one} and {other} {value:.2f}" for one, other, value in pairs)
            + ".",
        ),
    ]


def correlations(results: Results, own: OneTarget) -> pd.DataFrame:
    """Correlations of errors by pair of models, of one target."""
    errors = {name: _error(results, model, own) for name, model in results.models.items()}
    return pd.DataFrame(errors).corr()


def _error(results: Results, model: ModelResults, own: OneTarget) -> Array:
    """The residual on the scale that models train on; of classes what the true one lacks of 1."""
    target, y = own.target, own.y(results.y)
    p = model.oof[target.columns].to_numpy(dtype=np.float64)
    if target.is_regression:
        return residual(target, y, p[:, 0])
    return np.asarray(1 - p[np.arange(len(y)), y.astype(np.int64)])
