"""What stages share: where they print, and the facts they tag runs with."""

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from podium import files, paths
from podium.config import Competition
from podium.tabular.dataset import Schema
from podium.targets import Target


def console() -> Console:
    """Standard output; a log file gets lines of any length."""
    return Console(file=sys.stdout, soft_wrap=not sys.stdout.isatty(), highlight=False)


def read_schema(competition: str) -> Schema:
    """Facts about the preprocessed table."""
    return Schema(**files.read_json(paths.processed(competition) / "schema.json"))


def target_of(competition: Competition, schema: Schema) -> Target:
    """The competition's kind of target."""
    return Target(competition.task, competition.target_transform, tuple(schema.classes))


def run_tags(competition: Competition, schema: Schema, stage: str) -> dict[str, str]:
    """Tags by which a run is found again."""
    return {
        "podium.stage": stage,
        "podium.competition": competition.name,
        "data.provider": schema.provider,
        "data.synthetic": str(schema.synthetic).lower(),
        "data.sha256": schema.data_sha256,
        "folds.sha256": schema.folds_sha256,
    }


def run_params(competition: Competition) -> dict[str, Any]:
    """The competition's block, without its models."""
    return competition.model_dump(exclude={"models", "name", "ensemble"})


def label(competition: Competition, schema: Schema) -> str:
    """The competition's name, with the data named where they are synthetic."""
    return f"{competition.name} (synthetic sample data)" if schema.synthetic else competition.name


def relative(path: Path) -> str:
    """A path as messages show it."""
    return path.as_posix()
