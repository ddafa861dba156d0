"""Competition metrics: what they are, the table of all, and the decisions that some have tuned."""

from podium.metrics.decisions import Decision, decided, nested_decisions, tune
from podium.metrics.metric import Array, Metric
from podium.metrics.table import FAMILIES, METRICS, metric_named

__all__ = [
    "FAMILIES",
    "METRICS",
    "Array",
    "Decision",
    "Metric",
    "decided",
    "metric_named",
    "nested_decisions",
    "tune",
]
