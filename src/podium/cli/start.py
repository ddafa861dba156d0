"""Commands to start with: a new project, a competition's block in ``params.yaml``, checks."""

import gc
from typing import Annotated

import typer

from podium.cli.base import START, command
from podium.cli.check import check as check_params
from podium.runtime import guard
from podium.runtime.console import say


@command(START, "podium init house", "podium init")
def init(
    folder: Annotated[str, typer.Argument(help="An empty folder, or a new one's name.")] = ".",
) -> None:
    """Lay out a project in an empty folder: pipeline, parameters, notebooks, a test."""
    from podium.stages.init.command import init as run

    run(folder)


@command(
    START,
    "podium new titanic",
    "podium new houses --path ~/Downloads/house-prices.zip",
)
def new(
    name: Annotated[
        str | None, typer.Argument(help="The block's name; the slug if none is given.")
    ] = None,
    slug: Annotated[
        str | None, typer.Option(help="The last part of the competition's address on Kaggle.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(help="A folder or zip with the files, instead of Kaggle.")
    ] = None,
) -> None:
    """Add a competition: guess its block from its files, and write it to params.yaml."""
    with guard.only_one("new"):
        from podium.stages.new.command import new as run

        run(name, slug, path)
    check_params()
    say("next: 'dvc repro' trains its models and makes the submission")


@command(START, "podium check", "podium check --resolved")
def check(
    resolved: Annotated[
        bool, typer.Option("--resolved", help="List every hyperparameter's value, auto ones too.")
    ] = False,
) -> None:
    """Validate params.yaml without running anything; its columns too, where the data are there."""
    # Imports make few objects that die: to look for them costs a twentieth of the time.
    gc.disable()
    try:
        check_params(resolved)
    finally:
        gc.enable()


@command(
    START,
    "podium metrics",
    "podium metrics --task binary",
)
def metrics(
    task: Annotated[
        str | None, typer.Option(help="Only those of a task: regression, binary or multiclass.")
    ] = None,
) -> None:
    """List the metrics: name, title, tasks, which is better, what is submitted."""
    from podium.config.metric_names import metric_lines

    for line in metric_lines(task):
        print(line)
