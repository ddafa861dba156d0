"""The words of ``podium tune``; what it does is in ``command.py``, imported when it is used."""

from typing import Annotated

import typer


def tune(
    competition: Annotated[str, typer.Argument(help="A competition's block in params.yaml.")],
    model: Annotated[str, typer.Argument(help="One of the competition's models.")],
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
    from podium.stages.tune.command import tune as command

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
    if compare:
        from podium.stages.tune.compared import compare_samplers

        compare_samplers(competition, model, options)
    else:
        command(competition, model, options)
