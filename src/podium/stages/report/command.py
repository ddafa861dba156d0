"""The steps of the stage report."""

from podium.config.names import BLEND
from podium.io import files, paths
from podium.reporting.page import Page, Section, render
from podium.reporting.table import scores_rows, scores_view, targets_view
from podium.runtime.console import console
from podium.runtime.tracking import warn_at_end_of_pipeline
from podium.stages.class_report import ClassReport
from podium.stages.common import label
from podium.stages.report.blending import blending_section
from podium.stages.report.classification import classification_section
from podium.stages.report.data import compare_tables, data_section, origin, preprocessing
from podium.stages.report.errors import errors_section
from podium.stages.report.folds import folds_section
from podium.stages.report.leaderboard import leaderboard, target_scores
from podium.stages.report.models import models_section
from podium.stages.report.plot_files import class_reports, write_plots
from podium.stages.report.public import public_section
from podium.stages.report.regression import regression_section
from podium.stages.report.results import Results, read_results
from podium.stages.report.submit import commands, note, submit_section

# How long the last stage waits for a tracking server that answers slowly.
SERVER_SECONDS = 10.0


def report(name: str) -> None:
    """Write the page and the files of plots, print the table and how to submit.

    Raises:
        PodiumError: a model is not trained, or the ensemble stage has not run.
    """
    results = read_results(name)
    compared = compare_tables(results)
    reports = class_reports(results)
    sections = [
        leaderboard(results),
        blending_section(results),
        submit_section(results),
        data_section(results, compared),
        folds_section(results),
        _predictions(results, reports),
        errors_section(results),
        models_section(results),
        public_section(results),
        preprocessing(results),
    ]
    text = render(_page(results, sections))
    with files.publish(paths.plots(name)) as folder:
        write_plots(results, reports, compared, folder)
        # Within: where the page can't be written, the earlier tables stay, too.
        files.write_text(paths.report(name), text)
    _print(results)
    warn_at_end_of_pipeline(SERVER_SECONDS)


def _predictions(results: Results, reports: dict[str, ClassReport]) -> Section:
    if results.target.is_regression:
        return regression_section(results)
    return classification_section(results, reports)


def _page(results: Results, sections: list[Section]) -> Page:
    title = label(results.competition, results.schema)
    lead = [
        f"{_TASKS[results.competition.task]} {', '.join(results.competition.targets)}, scored by "
        f"{results.metric.title}. Data: {origin(results)}."
    ]
    return Page(title, lead, [section for section in sections if not section.is_empty])


_TASKS = {
    "regression": "Regression of",
    "binary": "Binary classification of",
    "multiclass": "Classification of",
}


def _print(results: Results) -> None:
    """The table at the end of a run, and how to submit."""
    out, title = console(), label(results.competition, results.schema)
    scores = results.scores.assign(
        seconds=[
            results.models[name].timing.get("fit_seconds", float("nan"))
            if name in results.models
            else float("nan")
            for name in results.scores["model"]
        ]
    )
    rows = scores_rows(scores, nested=results.is_nested)
    out.print(scores_view(f"{title}: {results.metric.title}", rows, results.submitted))
    if len(results.competition.targets) > 1:
        heading = f"Scores by target ({results.competition.scoring.title})"
        out.print(targets_view(heading, target_scores(results)))
    for line in _last_lines(results):
        # The terminal itself wraps a long line, which then can be copied whole.
        out.print(line, soft_wrap=True)


def _last_lines(results: Results) -> list[str]:
    name, submitted = results.name, results.submitted
    made_of = (
        "" if submitted == BLEND else f" (of {submitted}, since the blend's score doesn't beat it)"
    )
    lines = [*filter(None, [note(results)]), *commands(results)]
    return [
        f"submission  {paths.submission(name)}{made_of}",
        f"report      {paths.report(name)}",
        f"runs        mlflow, experiment '{name}' (podium ui)",
        *(f"{'' if index else 'submit':<12}{line}" for index, line in enumerate(lines)),
    ]
