"""Commands that show results: runs, experiments, the difference of two models."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from podium.cli import names
from podium.cli.base import LOOK, CompetitionName, command
from podium.io.errors import PodiumError, without_password
from podium.runtime import server


@command(
    LOOK,
    "podium ui",
    "podium ui --port 5001",
)
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Compare runs: MLflow's pages on this machine, or the addresses on your own server."""
    from podium.runtime.tracking import experiment_pages, tracking_uri, warn_if_not_logged

    if not Path("params.yaml").is_file():
        raise PodiumError("params.yaml is missing: run podium in the project's folder")
    warn_if_not_logged(30)
    uri = tracking_uri()
    remote = uri.startswith(("http://", "https://"))
    address = without_password(uri) if remote else f"http://127.0.0.1:{port}"
    pages = experiment_pages(address, _greater_is_better())
    for name, page in pages.items():
        print(f"{name}: {page}", flush=True)
    if not pages:
        raise PodiumError(f"no runs in {without_password(uri)} yet; 'podium repro' makes some")
    if not remote:
        server.require_free_port(port)
        server.become(server.mlflow_command(uri, port))


@command(LOOK, "podium exp", "podium exp --all")
def exp(
    everything: Annotated[
        bool, typer.Option("--all", help="Also the experiments of earlier commits.")
    ] = False,
) -> None:
    """Show DVC's experiments: only the CVs and parameters that differ."""
    from podium.stages.experiments import experiments

    experiments(everything)


@command(
    LOOK,
    "podium compare house-prices lasso mlp",
    "podium compare house-prices blend blend@HEAD~1",
    "podium compare 3f2a9c41 b07d55e2",
)
def compare(
    competition: Annotated[
        str,
        typer.Argument(
            help="A competition's block in params.yaml; none before the ids of two runs.",
            autocompletion=names.competitions,
        ),
    ],
    first: Annotated[
        str,
        typer.Argument(
            help="A model, 'blend', one of a commit (lasso@HEAD~1), or an MLflow run's id.",
            autocompletion=names.models_and_blend,
        ),
    ],
    second: Annotated[
        str | None, typer.Argument(help="The same.", autocompletion=names.models_and_blend)
    ] = None,
) -> None:
    """Compare two models or runs on the same folds: paired differences, a confidence interval."""
    from podium.stages.compare import compare as of_competition
    from podium.stages.compare import compare_runs

    if second is None:
        compare_runs(competition, first)
    else:
        of_competition(competition, first, second)


@command(LOOK, "podium runs house-prices", "podium runs house-prices --limit 50")
def runs(
    competition: CompetitionName,
    limit: Annotated[int, typer.Option(min=1, help="Show so many.")] = 20,
    everything: Annotated[
        bool, typer.Option("--all", help="Also trials of searches, and runs on other data.")
    ] = False,
) -> None:
    """List the runs in MLflow, the best first: CV, its standard error, what differs."""
    from podium.stages.runs import runs as run

    run(competition, limit, everything)


def _greater_is_better() -> set[str]:
    """Competitions whose metric is better when it is greater; none of an invalid params.yaml."""
    from podium.config import load_config

    with suppress(PodiumError):
        blocks = load_config().blocks
        return {name for name, block in blocks.items() if block.scoring.greater_is_better}
    return set()
