"""What a run in MLflow is called, and the parameters by which it is told from others.

All values of ``params.yaml`` that a run depends on are in its artefact ``params.json``. Its
parameters are those that say something: a table of runs has a column for each.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from podium.config import Competition, ModelParams
from podium.config.providers import is_sample
from podium.data.dataset import Schema
from podium.io import files
from podium.runtime.tracking import Run, flatten

NAME_LENGTH = 120
# A longer value is a list of columns or the like: nothing to compare in a table.
VALUE_LENGTH = 60
PARAMS = "params.json"
# What all runs have, so that none is missing in a plot of them.
OF_COMPETITION = ("metric", "target_transform", "folds.scheme", "folds.count", "folds.seed")
OF_MODEL = (
    "alpha", "l1_ratio", "C", "gamma", "num_leaves", "rounds", "dropout", "weight_decay",
    "learning_rate", "hidden", "channels", "batch_size", "epochs", "seeds",
)  # fmt: skip
MANY = len(OF_MODEL)
# What other runs of the competition have in common, and what has parameters of its own.
_NOT_SHOWN: Any = {
    **dict.fromkeys(("name", "kind", "task", "id", "target", "classes"), True),
    **dict.fromkeys(("models", "ensemble", "submission"), True),
    "source": {"files", "slug", "path"},
}


def run_name(model: str, schema: Schema, params: ModelParams | None = None) -> str:
    """``mlp dropout=0.5``: the model, and the hyperparameters that differ from their defaults.

    Of data that aren't the competition's own it begins with ``sample`` or ``synthetic``.
    """
    changed = params.model_dump(exclude_defaults=True, exclude={"model"}) if params else {}
    # A table shows the first few.
    names = sorted(changed, key=lambda key: OF_MODEL.index(key) if key in OF_MODEL else MANY)
    knobs = " ".join(f"{key}={changed[key]}" for key in names).replace(", ", ",")
    name = f"{_origin(schema)}{model} {knobs}".strip()
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def _origin(schema: Schema) -> str:
    if not is_sample(schema.provider):
        return ""
    return "synthetic: " if schema.synthetic else "sample: "


def log_competition(run: Run, competition: Competition, own: Mapping[str, Any]) -> None:
    """Log a competition's block but for its models, and with it the values of ``own``."""
    values = competition.model_dump(mode="json", exclude=_NOT_SHOWN)
    changed = competition.model_dump(mode="json", exclude=_NOT_SHOWN, exclude_defaults=True)
    names = {name for name, _ in flatten(changed)} | set(OF_COMPETITION)
    features = [name for name, value in values.pop("features", {}).items() if value]
    shown = {name: value for name, value in flatten(values) if name in names}
    if features:
        shown["features"] = len(features)
    run.log_params({**_short(shown), **own})


def log_model(
    run: Run, competition: Competition, params: ModelParams, resolved: ModelParams
) -> None:
    """Log a model's hyperparameters, and all of its competition.

    Args:
        run: where to.
        competition: whose model it is.
        params: its block in params.yaml.
        resolved: the same, ``auto`` replaced.
    """
    log_competition(run, competition, _short(changed_params(params, resolved)))
    log_all(run, competition, resolved)


def changed_params(params: ModelParams, resolved: ModelParams) -> dict[str, Any]:
    """Hyperparameters that differ from their defaults, were ``auto``, or are always looked at."""
    before, after = params.model_dump(mode="json"), resolved.model_dump(mode="json")
    changed = {"model", *params.model_dump(exclude_defaults=True)}
    return {
        name: value
        for name, value in after.items()
        if name in changed or name in OF_MODEL or before.get(name) != value
    }


def log_all(run: Run, competition: Competition, resolved: ModelParams | None = None) -> None:
    """Every value, as an artefact."""
    values = competition.model_dump(mode="json", exclude={"models"})
    if resolved is not None:
        values["hyperparameters"] = resolved.model_dump(mode="json")
    with files.scratch() as folder:
        files.write_json(folder / PARAMS, values)
        run.log_artifacts(folder)


def _short(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without long values and those that are not set."""
    return dict(_told(values))


def _told(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in flatten(values):
        text = value if isinstance(value, str) else json.dumps(value)
        if value not in (None, [], {}) and len(text) <= VALUE_LENGTH:
            yield name, value
