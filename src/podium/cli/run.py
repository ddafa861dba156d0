"""Commands that compute: the pipeline, and a search of better hyperparameters."""

from pathlib import Path
from typing import Annotated

import typer

from podium.cli.base import RUN, CompetitionName, ModelName, command
from podium.cli.errors import interruptible
from podium.cli.stages import sync
from podium.runtime import guard


@command(
    RUN,
    "podium repro",
    "podium repro -j 4",
)
def repro(
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Run so many independent stages side by side."),
    ] = None,
) -> None:
    """Run the pipeline of every listed competition; one that fails stops no other."""
    from podium.stages.repro import repro as run

    sync()
    with interruptible("what has finished is kept; 'podium repro' goes on from there"):
        run(jobs)


@command(
    RUN,
    "podium tune house-prices mlp --minutes 10",
    "podium tune house-prices lightgbm --trials 0 --apply",
)
def tune(
    competition: CompetitionName,
    model: ModelName,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="How long, all in all; 10 if nothing is said.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=0, help="How many configurations; 0 only reports.")
    ] = None,
    sampler: Annotated[str, typer.Option(help="grid, random, tpe, gp or botorch.")] = "tpe",
    pruner: Annotated[
        str | None,
        typer.Option(help="Of networks: folds, median, halving, wilcoxon or none."),
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="URL of a database for the study, e.g. of several machines.")
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="The study's name; the model's if none.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Networks: configurations that train together.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampler.")] = 0,
    features: Annotated[
        bool, typer.Option("--features", help="Search preprocessing and features instead.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the best values to params.yaml.")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Run grid, random, tpe and gp, each on this budget.")
    ] = False,
) -> None:
    """Search better hyperparameters within a time, and check them on other folds."""
    from podium.stages.tune.command import Options
    from podium.stages.tune.command import tune as run

    options = Options(
        minutes=minutes,
        trials=trials,
        sampler=sampler,
        pruner=pruner,
        storage=storage,
        study=study,
        batch=batch,
        seed=seed,
        features=features,
        apply=apply,
    )
    with interruptible("the study keeps its trials; run it again to go on"):
        if compare:
            from podium.stages.tune.compared import compare_samplers

            compare_samplers(competition, model, options)
        else:
            run(competition, model, options)


@command(
    RUN,
    "podium cv house-prices --seeds 10",
    "podium cv house-prices --seeds 0,1,5 --models ridge,lightgbm --out cv.csv",
)
def cv(
    competition: CompetitionName,
    seeds: Annotated[
        str, typer.Option(help="How many seeds of the folds, or a list: 0,1,5; of one: 3,.")
    ] = "5",
    models: Annotated[
        str | None, typer.Option(help="Some of the models, separated by commas; all if none.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the table to a file, too: .csv or .json.")
    ] = None,
) -> None:
    """Score models and blend on folds of several seeds: mean, spread, ranks."""
    from podium.stages.cv.command import cv as run

    with (
        guard.only_one("cv", competition),
        interruptible("what has finished is kept; the same command goes on from there"),
    ):
        run(competition, seeds, models, out)
