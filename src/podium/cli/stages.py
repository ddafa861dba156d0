"""The stages, which DVC runs in the order of ``dvc.yaml``; each can be run alone."""

from podium.cli.base import STAGES, CompetitionName, ModelName, command
from podium.runtime import guard
from podium.runtime.console import say


@command(STAGES, "podium sync")
def sync() -> None:
    """Write all training stages to models/dvc.yaml; repair DVC files damaged by a kill.

    Runs that are not in MLflow yet are logged.
    """
    from podium.runtime import dvc_files, plots_page, tracking
    from podium.stages import pipeline, resolve

    for line in (*dvc_files.repair(), *resolve.remove_dead_links()):
        say(line)
    if pipeline.sync(pipeline.competition_tasks()):
        say(f"{pipeline.TRAINING} was brought up to date with params.yaml")
    plots_page.make()
    tracking.warn_if_not_logged(60)


@command(STAGES, "podium package")
def package() -> None:
    """Stage: which Podium is installed, where it is not part of the project."""
    with guard.only_one("package"):
        from podium.stages.package import package as stage

        stage()


@command(STAGES, "podium resolve house-prices")
def resolve(competition: CompetitionName) -> None:
    """Stage: what each later stage depends on."""
    with guard.only_one("resolve", competition):
        from podium.stages.resolve import resolve as stage

        stage(competition)


@command(STAGES, "podium download house-prices")
def download(competition: CompetitionName) -> None:
    """Stage: raw files from their source."""
    with guard.only_one("download", competition):
        from podium.stages.download import download as stage

        stage(competition)


@command(STAGES, "podium preprocess house-prices")
def preprocess(competition: CompetitionName) -> None:
    """Stage: a typed table or an array of images, folds, and what is fitted per fold."""
    with guard.only_one("preprocess", competition):
        from podium.stages.preprocess import preprocess as stage

        stage(competition)


@command(STAGES, "podium train house-prices lasso")
def train(
    competition: CompetitionName,
    model: ModelName,
) -> None:
    """Stage: one model by k-fold."""
    with guard.only_one("train", competition, model):
        from podium.stages.train import train as stage

        stage(competition, model)


@command(STAGES, "podium ensemble house-prices")
def ensemble(competition: CompetitionName) -> None:
    """Stage: the blend and the checked submission."""
    with guard.only_one("ensemble", competition):
        from podium.stages.ensemble import ensemble as stage

        stage(competition)


@command(STAGES, "podium report house-prices")
def report(competition: CompetitionName) -> None:
    """Stage: plots, the page, and the table of scores."""
    with guard.only_one("report", competition):
        from podium.stages.report import report as stage

        stage(competition)
