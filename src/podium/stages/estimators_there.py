"""Whether estimators that `models:` names by an import path are there, and have their knobs.

This imports their packages, and so is no part of reading params.yaml.
"""

from collections.abc import Iterable

from podium.config import Competition, ImportedParams
from podium.config.load import located


def estimator_problems(competition: Competition, names: Iterable[str] | None = None) -> list[str]:
    """A line about each thing that is wrong, with file, line and key.

    ``names`` are the models to look at; None: all.
    """
    lines = []
    for name in competition.models if names is None else names:
        params = competition.models[name]
        if isinstance(params, ImportedParams):
            from podium.models.classes import problems

            for key, message in problems(params, competition.task):
                lines.append(located((competition.name, "models", name, key), message))
    return lines
