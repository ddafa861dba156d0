"""The configurations of an ``mlp_ensemble``: those that are listed, or drawn from a space."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from pydantic import ValidationError

from podium.config import MLPParams
from podium.config.auto import Shape
from podium.config.messages import explain
from podium.config.portfolio import MLPEnsembleParams, configuration
from podium.config.search import read_search
from podium.config.space import make_space
from podium.io.errors import PodiumError

# What ships: around mlp's defaults, which were chosen on several tables. A wide space (one to three
# layers, weak penalties, small batches) has configurations that are much worse, and a small holdout
# doesn't tell them from good ones (docs/results.md).
SPACE: Mapping[str, Mapping[str, Any]] = {
    "hidden": {"layers": [1, 2], "width": [96, 256], "log": True},
    "activation": {"choices": ["silu", "mish", "gelu", "relu"]},
    "numeric_embedding": {"choices": ["none", "periodic", "piecewise_linear"]},
    "frequency_scale": {
        "range": [0.05, 0.2],
        "log": True,
        "when": {"numeric_embedding": "periodic"},
    },
    "dropout": {"range": [0.25, 0.5]},
    "input_noise": {"range": [0.0, 0.2]},
    "weight_decay": {"range": [0.3, 1.0], "log": True},
    "learning_rate": {"range": [0.001, 0.002], "log": True},
    "huber_delta": {"range": [0.4, 1.0], "log": True},
}
# Knobs of numbers, which classes have no use for.
OF_NUMBERS = ("loss", "huber_delta", "quantile", "standardize_target")
# How many are drawn where nobody says: with more rows a configuration takes longer, and a single
# one is nearer to the best.
MOST, FEWEST = 16, 4
# Rows times configurations: from 3,750 rows on there are fewer configurations.
ROWS = 60_000


def rules(params: MLPEnsembleParams, shape: Shape) -> Mapping[str, Any]:
    """How many configurations there are."""
    return {"configurations": max(FEWEST, min(MOST, ROWS // max(1, shape.rows)))}


def configurations(params: MLPEnsembleParams, task: str) -> list[MLPParams]:
    """The configurations, the one without own knobs first; each draws for itself, by its number.

    What ships to be drawn depends on the task.

    Raises:
        PodiumError: knobs that are drawn don't go together.
    """
    listed = params.configurations
    own = listed if isinstance(listed, list) else _drawn(params, listed, task)
    each = [configuration_of(params, number, one) for number, one in enumerate(own)]
    equal: dict[str, MLPParams] = {}
    return [equal.setdefault(one.model_dump_json(), one) for one in each]


def configuration_of(params: MLPEnsembleParams, number: int, own: Mapping[str, Any]) -> MLPParams:
    """One of the configurations.

    Raises:
        PodiumError: its knobs don't go together.
    """
    try:
        return configuration(params, own)
    except ValidationError as error:
        what = explain(error.errors()[0], MLPParams)
        raise PodiumError(f"configuration {number} ({json.dumps(own)}): {what}") from error


def _drawn(params: MLPEnsembleParams, count: int, task: str) -> list[Mapping[str, Any]]:
    """The knobs that each of so many configurations has of its own."""
    ships = params.space == "default"
    written = SPACE if params.space == "default" else params.space
    without = set(params.knobs)
    if ships and task != "regression":
        without |= set(OF_NUMBERS)
    wanted = {knob: own for knob, own in written.items() if knob not in without}
    space = make_space(configuration(params, {}), read_search(wanted))
    each = [space.drawn(Random(f"{params.seed}:{number}")) for number in range(1, count)]
    return [{}, *each]
