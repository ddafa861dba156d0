"""``podium repro``: the pipeline of every listed competition, in turn or side by side."""

from collections.abc import Iterable
from contextlib import suppress

from podium.config import Competition, Config, load_config
from podium.config.models import model_spec
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.runtime import repro as in_turn
from podium.runtime.parallel import command, lock_order
from podium.runtime.parallel.alone import alone
from podium.stages.pipeline import TRAINING

# Of a competition, in ``dvc.yaml``.
STAGES = ("resolve", "download", "preprocess", "ensemble", "report")
# Of a model that was never trained here, in seconds, by the module that fits it. Only their order
# counts, and only until there are measured ones.
GUESSES = {
    "podium.models.image_networks": 1000.0,
    "podium.models.table_networks": 100.0,
    "podium.models.retrieval": 100.0,
    "podium.models.gradient_boosting": 50.0,
    "podium.models.boosting": 50.0,
}
GUESS = 5.0


def repro(jobs: int | None) -> None:
    """Run what an edit touches; ``jobs`` independent stages at a time, if it is given.

    Raises:
        PodiumError: something failed; what doesn't need it has run.
        KeyboardInterrupt: a Ctrl-C, after the stages that were running have ended.
        SystemExit: the same after SIGTERM.
    """
    config = load_config()
    names = config.competitions
    with alone() as lock, lock_order.kept(stage_order(config)):
        if jobs is not None:
            expected = expected_seconds(config[name] for name in names)
            command.repro([f"report@{name}" for name in names], jobs, expected, lock)
        elif failed := in_turn.run_all(names):
            raise PodiumError(
                f"{', '.join(failed)} failed, as said above; {len(names) - len(failed)} of "
                f"{len(names)} competitions are up to date"
            )


def stage_order(config: Config) -> list[str]:
    """All stages, as lock files list those of a first run."""
    return [f"{stage}@{name}" for name in config.competitions for stage in STAGES] + [
        f"{TRAINING}:{name}@{model}"
        for name in config.competitions
        for model in config[name].models
    ]


def expected_seconds(competitions: Iterable[Competition]) -> dict[str, float]:
    """Seconds of each training stage, by DVC's name of it: those of the last time, or a guess."""
    return {
        f"{TRAINING}:{competition.name}@{model}": _seconds(competition, model)
        for competition in competitions
        for model in competition.models
    }


def _seconds(competition: Competition, model: str) -> float:
    path = paths.model(competition.name, model) / paths.TIMING
    # Read for an order alone: whatever is wrong with it is no error.
    with suppress(PodiumError, KeyError, TypeError, ValueError):
        return float(files.read_json(path)["fit_seconds"])
    fit = model_spec(competition.kind, competition.models[model].model).fit
    return GUESSES.get(fit.partition(":")[0], GUESS)
