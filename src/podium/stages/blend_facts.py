"""What is said of a blend beside its scores: method, optimism, what each model is worth."""

import math
from typing import Any

import pandas as pd

from podium.ensemble.blend import Blend
from podium.ensemble.choice import Candidate
from podium.ensemble.worth import Worth
from podium.metrics import Metric
from podium.stages.common import DIGITS

# The file with what each model is worth, beside ``metrics.json``.
WORTH = "worth.csv"


def method_facts(result: Blend, metric: Metric) -> dict[str, Any]:
    """The part of ``metrics.json`` about how predictions are mixed.

    ``same_rows`` is the score of weights on the rows that they are fitted on, and ``optimism`` by
    how much it is better than the nested one. With ``auto``: what was chosen, also for each fold,
    and the candidates, each with the score by which they were compared.
    """
    facts: dict[str, Any] = {"method": result.method} if result.method else {}
    if result.same_rows == result.same_rows:
        optimism = metric.as_loss(result.blended.score) - metric.as_loss(result.same_rows)
        facts["same_rows"] = _numbers(cv=result.same_rows, optimism=optimism)
    if result.candidates:
        facts["candidates"] = {one.name: _compared(one) for one in result.candidates}
        facts["fold_methods"] = list(result.fold_methods)
    return facts


def _compared(one: Candidate) -> dict[str, float]:
    return _numbers(cv=one.score, worse=one.worse, worse_se=one.error)


def _numbers(**values: float) -> dict[str, float]:
    """Rounded, without those that are undefined."""
    return {name: round(value, DIGITS) for name, value in values.items() if math.isfinite(value)}


def worth_table(names: list[str], found: list[Worth]) -> pd.DataFrame:
    """A row for each model: by how much the blend is worse without it, and the standard error."""
    rows = [
        {
            "model": name,
            "worse_without": round(one.without, DIGITS),
            "se": round(one.error, DIGITS),
        }
        for name, one in zip(names, found, strict=False)
    ]
    return pd.DataFrame(rows, columns=["model", "worse_without", "se"])
