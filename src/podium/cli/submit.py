"""Commands that submit: one sends a file to Kaggle, one shows earlier submissions."""

from contextlib import nullcontext
from typing import Annotated

import typer

from podium.cli.base import SUBMIT, CompetitionName, command
from podium.cli.names import competitions
from podium.runtime import guard


@command(
    SUBMIT,
    "podium submit house-prices --dry-run",
    "podium submit house-prices -m 'without the pool'",
)
def submit(
    competition: CompetitionName,
    message: Annotated[
        str, typer.Option("-m", "--message", help="Made from run, CV and commit if not given.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="All but the upload.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also a file sent before, or implausible.")
    ] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the score.")] = 300,
) -> None:
    """Check submission.csv, send it to Kaggle, and bring its score back."""
    with nullcontext() if dry_run else guard.only_one("ledger", competition):
        from podium.submissions.commands import submit as run

        run(competition, message, dry_run, force, wait)


@command(
    SUBMIT,
    "podium submissions",
    "podium submissions house-prices --sync",
)
def submissions(
    competition: Annotated[
        str | None,
        typer.Argument(
            help="A competition's block; all that are listed if not given.",
            autocompletion=competitions,
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Write what Kaggle knows to the ledger and MLflow.")
    ] = False,
) -> None:
    """Show what was sent: CV beside the public score."""
    from podium.submissions.commands import all_submissions
    from podium.submissions.commands import submissions as run

    if competition is None:
        all_submissions(sync)
        return
    with guard.only_one("ledger", competition) if sync else nullcontext():
        run(competition, sync)
