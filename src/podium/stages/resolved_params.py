"""Every model's hyperparameters as they are used: ``podium check --resolved``."""

from collections.abc import Iterator

from podium.config import Competition, ModelParams
from podium.data import kinds
from podium.data.dataset import SCHEMA
from podium.io import paths
from podium.models.several_targets import resolve_for_first
from podium.stages.common import target_of


def resolved_lines(competition: Competition) -> Iterator[str]:
    """One line a model: all its hyperparameters, and which of them the table's size decided.

    Where the table is not preprocessed yet, ``auto`` stays, and a last line says so.
    """
    there = (paths.processed(competition.name) / SCHEMA).is_file()
    data = kinds.of(competition).read(paths.processed(competition.name)) if there else None
    for name, params in competition.models.items():
        resolved = params
        if data is not None:
            target = target_of(competition, data.schema)
            resolved = resolve_for_first(params, data, target, competition.scoring)
        yield f"{competition.name}.models.{name}: {_shown(params, resolved)}"
    if data is None and any(params.automatic() for params in competition.models.values()):
        yield f"{competition.name}: values for auto follow from the table: dvc repro"


def _shown(params: ModelParams, resolved: ModelParams) -> str:
    automatic = params.automatic()
    values = resolved.model_dump(exclude={"model"})
    return ", ".join(
        f"{name} {value}{' (auto)' if name in automatic and value != 'auto' else ''}"
        for name, value in values.items()
    )
