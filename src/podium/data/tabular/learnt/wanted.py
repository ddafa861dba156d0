"""Whether a competition learns features at all: known before any library is imported."""

from podium.config import Competition, TableCompetition
from podium.io.usercode.sources import functions


def learns(competition: Competition) -> bool:
    """Whether preprocessing learns features: of params.yaml, or by the user's own encoders."""
    if not isinstance(competition, TableCompetition):
        return False
    return competition.features.learns or bool(functions(competition.name, ["encoders"]))
