"""The ``podium`` command: a thin face over the stages.

Libraries are imported inside the commands, so that ``podium check`` answers at once.
"""

import signal
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from podium.io import disk
from podium.io.errors import PodiumError, SettingError, warn, without_password
from podium.runtime import environment, guard, library_warnings, resources, server
from podium.stages.tune.cli import tune

if TYPE_CHECKING:
    from podium.config import Competition, Config

app = typer.Typer(
    name="podium",
    help="From params.yaml to a checked Kaggle submission. The stages are run by 'dvc repro'.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
CompetitionName = Annotated[str, typer.Argument(help="A competition's block in params.yaml.")]


app.command()(tune)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Options of every command; --debug is read by main, which prints the errors."""


@app.command()
def check(
    resolved: Annotated[
        bool, typer.Option("--resolved", help="List every hyperparameter's value, auto ones too.")
    ] = False,
) -> None:
    """Validate params.yaml without running anything; its columns too, where the data are there."""
    from podium.config import load_config
    from podium.config.load import ConfigError
    from podium.stages.own_code import all_notes

    try:
        config = load_config()
    except ConfigError as error:
        _raise_last(error.lines)
    listed = {name: config[name] for name in config.competitions}
    for line in _described(config):
        print(line)
    if problems := [line for block in config.blocks.values() for line in _problems(block)]:
        _raise_last(list(dict.fromkeys(problems)))
    for note in all_notes(listed.values(), config.blocks):
        warn(note)
    if resolved:
        _print_resolved(listed.values())
    print("params.yaml is valid")


@app.command()
def metrics(
    task: Annotated[
        str | None, typer.Option(help="Only those of a task: regression, binary or multiclass.")
    ] = None,
) -> None:
    """List the metrics: name, title, tasks, which is better, what is submitted."""
    from podium.config.metric_names import metric_lines

    for line in metric_lines(task):
        print(line)


def _described(config: "Config") -> Iterator[str]:
    """A line for each competition, and one for those that are not listed."""
    for name in config.competitions:
        competition = config[name]
        yield (
            f"{name}: {competition.kind} {competition.task}, {competition.metric}, "
            f"{_folds(competition)}, models: {', '.join(competition.models)}"
        )
    if others := [name for name in config.blocks if name not in config.competitions]:
        yield f"not listed in competitions: {', '.join(others)}"


def _print_resolved(competitions: "Iterable[Competition]") -> None:
    from podium.stages.resolved_params import resolved_lines

    for competition in competitions:
        for line in resolved_lines(competition):
            print(line)


def _folds(competition: "Competition") -> str:
    """How many folds there are, where params.yaml says it."""
    from podium.config.folds import SCHEMES

    folds = competition.folds
    given = SCHEMES[folds.scheme].is_given
    return f"folds of scheme {folds.scheme}" if given else f"{folds.count} folds"


def _raise_last(lines: Sequence[str]) -> NoReturn:
    """Print all errors but the last, which ends the command."""
    for line in lines[:-1]:
        print(f"podium: error: {line}", file=sys.stderr)
    raise PodiumError(lines[-1])


def _problems(competition: "Competition") -> list[str]:
    """Errors about a competition that its block alone doesn't show."""
    from podium.stages.estimators_there import estimator_problems
    from podium.stages.own_code import code_problems

    return [
        *code_problems(competition),
        *estimator_problems(competition),
        *_data_problems(competition),
    ]


def _data_problems(competition: "Competition") -> list[str]:
    """Errors about columns that are not in the data; folds and features that don't fit the rows.

    Nothing is looked up where the data are not there. Local files that are missing, where DVC would
    stop with words of its own, are a warning: params.yaml itself is valid.
    """
    from podium.config.load import ConfigError
    from podium.io.usercode.errors import UserCodeError
    from podium.stages.named_columns import (
        feature_failures,
        feature_problems,
        fold_problems,
        table_there,
        unknown_columns,
    )
    from podium.stages.resolve import local_files

    try:
        local_files(competition)
        table = table_there(competition)
        if table is None:
            return feature_problems(competition)
        return unknown_columns(competition, table) or [
            *fold_problems(competition, table),
            *feature_failures(competition, table),
        ]
    except ConfigError as error:
        return error.lines
    except UserCodeError as error:
        return [str(error)]
    except PodiumError as error:
        warn(f"{competition.name}: {error}")
        return []


@app.command()
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
        from podium.stages.new.command import new as command

        command(name, slug, path)
    check()
    print("next: 'dvc repro' trains its models and makes the submission")


@app.command()
def sync() -> None:
    """Write all training stages to models/dvc.yaml; repair DVC files damaged by a kill.

    Runs that are not in MLflow yet are logged.
    """
    from podium.runtime import dvc_files, tracking
    from podium.stages import pipeline, resolve

    for line in (*dvc_files.repair(), *resolve.remove_dead_links()):
        print(line)
    if pipeline.sync(pipeline.competition_tasks()):
        print(f"{pipeline.TRAINING} was brought up to date with params.yaml")
    tracking.warn_if_not_logged(60)


@app.command()
def repro(
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Run so many independent stages side by side."),
    ] = None,
) -> None:
    """Run the pipeline of every listed competition; one that fails stops no other."""
    from podium.stages.repro import repro as command

    sync()
    command(jobs)


@app.command()
def resolve(competition: CompetitionName) -> None:
    """Stage: what each later stage depends on."""
    with guard.only_one("resolve", competition):
        from podium.stages.resolve import resolve as stage

        stage(competition)


@app.command()
def download(competition: CompetitionName) -> None:
    """Stage: raw files from their source."""
    with guard.only_one("download", competition):
        from podium.stages.download import download as stage

        stage(competition)


@app.command()
def preprocess(competition: CompetitionName) -> None:
    """Stage: a typed table or an array of images, folds, and what is fitted per fold."""
    with guard.only_one("preprocess", competition):
        from podium.stages.preprocess import preprocess as stage

        stage(competition)


@app.command()
def train(
    competition: CompetitionName,
    model: Annotated[str, typer.Argument(help="One of the competition's models.")],
) -> None:
    """Stage: one model by k-fold."""
    with guard.only_one("train", competition, model):
        from podium.stages.train import train as stage

        stage(competition, model)


@app.command()
def ensemble(competition: CompetitionName) -> None:
    """Stage: the blend and the checked submission."""
    with guard.only_one("ensemble", competition):
        from podium.stages.ensemble import ensemble as stage

        stage(competition)


@app.command()
def report(competition: CompetitionName) -> None:
    """Stage: plots, the page, and the table of scores."""
    with guard.only_one("report", competition):
        from podium.stages.report import report as stage

        stage(competition)


@app.command()
def compare(
    competition: CompetitionName,
    first: Annotated[
        str,
        typer.Argument(
            help="A model, 'blend', one of a commit (lasso@HEAD~1), or an MLflow run's id."
        ),
    ],
    second: Annotated[str, typer.Argument(help="The same.")],
) -> None:
    """Compare two models on the same folds: paired differences, with a confidence interval."""
    from podium.stages.compare import compare as command

    command(competition, first, second)


@app.command()
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
        from podium.submissions.commands import submit as command

        command(competition, message, dry_run, force, wait)


@app.command()
def submissions(
    competition: Annotated[
        str | None, typer.Argument(help="A competition's block; all that are listed if not given.")
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Write what Kaggle knows to the ledger and MLflow.")
    ] = False,
) -> None:
    """Show what was sent: CV beside the public score."""
    from podium.submissions.commands import all_submissions
    from podium.submissions.commands import submissions as command

    if competition is None:
        all_submissions(sync)
        return
    with guard.only_one("ledger", competition) if sync else nullcontext():
        command(competition, sync)


@app.command()
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
        raise PodiumError(f"no runs in {without_password(uri)} yet; 'make repro' makes some")
    if not remote:
        server.require_free_port(port)
        server.become(server.mlflow_command(uri, port))


def _greater_is_better() -> set[str]:
    """Competitions whose metric is better when it is greater; none of an invalid params.yaml."""
    from podium.config import load_config

    with suppress(PodiumError):
        blocks = load_config().blocks
        return {name for name, block in blocks.items() if block.scoring.greater_is_better}
    return set()


def main() -> None:
    """Run the command; an error that the user can fix is one line and exit code 2."""
    environment.prepare()
    signal.signal(signal.SIGTERM, _terminated)
    guard.follow_dvc()
    # --debug may stand before or after the command.
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        with nullcontext() if debug else library_warnings.gathered(warn):
            # Else typer would print its own errors, in boxes. It returns the code of a Ctrl-C.
            code = app(arguments or ["--help"], standalone_mode=False)
        sys.exit(code)
    except Exception as error:
        if debug:
            traceback.print_exc()
        sys.exit(_fail(error))


def _fail(error: Exception) -> int:
    """Say in one line what went wrong, and what to do; returns the exit code."""
    message = _explained(error)
    if message:
        print(f"podium: error: {' '.join(message.split())}", file=sys.stderr)
        return 2
    print(
        f"podium: unexpected {type(error).__name__}: {error}; this is a bug: please report "
        "what it prints with --debug",
        file=sys.stderr,
    )
    return 1


def _explained(error: Exception) -> str:
    """The message of an error that the user can fix; empty for any other."""
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, SettingError):
        return _located(error)
    if isinstance(error, PodiumError):
        return str(error)
    if isinstance(error, OSError):
        return disk.describe(error)
    if resources.is_out_of_memory(error):
        return (
            f"not enough memory: {error}; smaller networks, batches or images need less; earlier "
            "results are as they were"
        )
    return ""


def _located(error: SettingError) -> str:
    """The message with the line of params.yaml, if that can be read."""
    from podium.config.load import located

    with suppress(PodiumError):
        return located(error.keys, error.message)
    return str(error)


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the words of a command, and where its help is."""
    context = getattr(error, "ctx", None)
    words = context.command_path if context else "podium"
    what = getattr(error, "format_message", lambda: str(error))().rstrip(".")
    return f"{words}: {what[:1].lower()}{what[1:]}; '{words} --help' shows how it is used"


def _terminated(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends the run in MLflow as KILLED instead of leaving it open."""
    sys.exit(128 + signum)
