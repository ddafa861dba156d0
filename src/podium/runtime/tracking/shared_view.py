"""The view of an experiment that a link opens: columns, order and charts.

MLflow keeps what its button "Share" shares in a tag of the experiment, and opens it by the tag's
name in the address. So a browser that has never seen the experiment shows the right columns at
once. The keys are those of MLflow 3's pages (``ExperimentPageUIState``); what they don't know, they
ignore.
"""

import json
from collections.abc import Sequence
from typing import Any

KEY = "podium"
TAG = f"mlflow.sharedViewState.{KEY}"
# Which of MLflow's pages suit: those of models, not of language models.
KIND_TAG, KIND = "mlflow.experimentKind", "custom_model_development"
_COLUMNS = (
    "metrics.`cv`",
    "metrics.`cv_se`",
    "metrics.`train_loss`",
    "metrics.`valid_loss`",
    "metrics.`fit_seconds`",
    "params.`dropout`",
    "params.`weight_decay`",
    "params.`learning_rate`",
)
_MOST_RUNS = 100
_FIRST = "fold0-seed0"


def address(server: str, experiment: str, mode: str = "") -> str:
    """The page of an experiment's runs with this view; ``mode`` CHART shows the charts."""
    shown = f"&compareRunsMode={mode}" if mode else ""
    view = f"runs?workflowType=machine_learning&viewStateShareKey={KEY}{shown}"
    return f"{server}/#/experiments/{experiment}/{view}"


def view(greater_is_better: bool) -> str:
    """The tag's value: runs sorted by CV, the best first."""
    sections = [
        _section("scores", "Scores"),
        _section("curves", "Curves"),
        # Sections of these names are where MLflow would put charts that it makes itself.
        _section("rest", "Model metrics", display=False),
        _section("first", _FIRST, display=False),
    ]
    state = {
        "orderByKey": "metrics.`cv`",
        "orderByAsc": not greater_is_better,
        "searchFilter": "",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(_COLUMNS),
        "columnOrder": [],
        "columnWidths": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": _charts(),
        "compareRunSections": sections,
        "isAccordionReordered": True,
        "viewMaximized": False,
        "runListHidden": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "globalLineChartConfig": {
            "xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": "",
        },
    }  # fmt: skip
    return json.dumps(state, separators=(",", ":"))


def _charts() -> list[dict[str, Any]]:
    knobs = ["dropout", "weight_decay", "learning_rate"]
    return [
        _chart("PARALLEL", "knobs", "scores", "CV by hyperparameters of networks",
               selectedParams=knobs, selectedMetrics=["cv"], showAllRuns=True),
        _chart("SCATTER", "cost", "scores", "CV by seconds of training",
               xaxis=_axis("fit_seconds"), yaxis=_axis("cv")),
        _line("valid", "Validation loss, mean of folds", ["valid_loss"]),
        _line("train", "Training loss, mean of folds", ["train_loss"]),
        _line("folds", "Score of each fold", ["fold_score"]),
        _line("live", "One network, while it trains", [f"{_FIRST}/valid_loss"]),
    ]  # fmt: skip


def _chart(kind: str, name: str, section: str, title: str, **more: Any) -> dict[str, Any]:
    return {
        "uuid": f"podium-{name}",
        "type": kind,
        "metricSectionId": f"podium-{section}",
        "displayName": title,
        "runsCountToCompare": _MOST_RUNS,
        "deleted": False,
        "isGenerated": False,
        **more,
    }


def _line(name: str, title: str, metrics: Sequence[str]) -> dict[str, Any]:
    return _chart(
        "LINE", name, "curves", title,
        metricKey=metrics[0], selectedMetricKeys=list(metrics), lineSmoothness=0,
        xAxisScaleType="linear", scaleType="linear", xAxisKey="step", yAxisKey="metric",
        selectedXAxisMetricKey="", useGlobalLineSmoothing=True, useGlobalXaxisKey=True,
        yAxisExpressions=[],
        range={"xMin": None, "xMax": None, "yMin": None, "yMax": None},
    )  # fmt: skip


def _axis(metric: str) -> dict[str, str]:
    return {"key": metric, "type": "METRIC"}


def _section(name: str, title: str, display: bool = True) -> dict[str, Any]:
    return {
        "uuid": f"podium-{name}",
        "name": title,
        "display": display,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
        "columns": 2,
        "cardHeight": 340,
    }
