"""Stage report: plots, one page, and the table at the end of a run."""

from pathlib import Path

import numpy as np
import pandas as pd

from podium import files, paths
from podium.config import Competition, load_config
from podium.reporting import plots
from podium.reporting.page import Page, render
from podium.reporting.table import HEADINGS, scores_rows, scores_view
from podium.stages.common import TIMING, console, label, read_schema, target_column, target_of
from podium.tabular.dataset import Schema
from podium.targets import Target


def report(name: str) -> None:
    """Draw the plots, write the page, print the table and how to submit.

    Raises:
        PodiumError: the ensemble stage has not run.
    """
    competition = load_config(only=name)[name]
    schema = read_schema(name)
    target = target_of(competition, schema)
    scores = pd.read_csv(paths.blend(name) / "scores.csv")
    scores["seconds"] = [_fit_seconds(name, model) for model in scores["model"]]
    rows = scores_rows(scores, nested=competition.ensemble.method == "weighted")
    with files.publish(paths.plots(name)) as folder:
        pictures = folder / "pictures"
        pictures.mkdir()
        predictions = _predictions(competition, target)
        _draw(pictures, competition, scores, predictions)
        predictions.to_csv(folder / "predictions.csv", index=False)
        page = Page(
            title=label(competition, schema),
            facts=_facts(competition, schema),
            scores=pd.DataFrame(rows, columns=HEADINGS),
            summary=pd.read_csv(paths.processed(name) / "summary.csv"),
            pictures=sorted(pictures.glob("*.png")),
            submit=submit_command(competition),
            submit_note=_SYNTHETIC if schema.synthetic else "",
        )
        text = render(page)
    files.write_text(paths.report(name), text)
    _print(competition, schema, rows)


def submit_command(competition: Competition) -> str:
    """The very command that sends the submission."""
    slug = competition.source.slug or "<slug>"
    path = paths.submission(competition.name)
    return f'kaggle competitions submit -c {slug} -f {path} -m "podium"'


def _fit_seconds(name: str, model: str) -> float:
    """NaN where nothing says how long it took: results that were copied, and the blend."""
    path = paths.model(name, model) / TIMING
    return float(files.read_json(path)["fit_seconds"]) if path.is_file() else float("nan")


def _draw(
    folder: Path, competition: Competition, scores: pd.DataFrame, predictions: pd.DataFrame
) -> None:
    """The pictures of the page; the numbers in a name keep their order."""
    name = competition.name
    plots.model_scores(scores, folder / "1-scores.png", competition.scoring)
    if competition.task == "regression":
        plots.predicted_vs_actual(
            predictions["actual"].to_numpy(),
            predictions["predicted"].to_numpy(),
            folder / "2-predicted-vs-actual.png",
            "blend",
        )
    for index, model in enumerate(competition.models):
        history = pd.read_csv(paths.model(name, model) / "history.csv")
        plots.learning_curve(history, folder / f"3-{index}-learning-{model}.png", model)


def _predictions(competition: Competition, target: Target) -> pd.DataFrame:
    """The blend's OOF predictions beside the truth: values, or class names."""
    oof = pd.read_parquet(paths.blend(competition.name) / "oof.parquet")
    actual = oof[target_column(competition)]
    if target.is_regression:
        return pd.DataFrame({"actual": actual, "predicted": oof["prediction"]})
    classes = np.array(target.classes)
    predicted = classes[oof[target.columns].to_numpy().argmax(axis=1)]
    return pd.DataFrame({"actual": classes[actual.astype(int)], "predicted": predicted})


def _facts(competition: Competition, schema: Schema) -> dict[str, str]:
    folds = competition.folds
    return {
        "data": "SYNTHETIC sample in the real schema: scores say nothing about Kaggle"
        if schema.synthetic
        else f"from {schema.provider}",
        "metric": f"{competition.scoring.title}, pooled over out-of-fold predictions",
        "folds": f"{folds.count} ({folds.scheme}), {folds.repeats} repeat(s), seed {folds.seed}",
        "preprocessing": _FITTED[schema.fit_on],
        "blend's score": _BLENDED[competition.ensemble.method],
    }


_SYNTHETIC = (
    "not this one, it is made from synthetic data: set source.provider to kaggle, mirror or "
    "local, run again, then:"
)
_BLENDED = {
    "weighted": "nested: each fold is predicted with weights fitted on the other folds",
    "mean": "of the plain mean of the models, for which nothing is fitted",
}
_FITTED = {
    "fold": "fitted on each fold's training rows",
    "train": "fitted on all training rows, the scored ones included",
    "train_and_test": "fitted on training and test rows together",
}


def _print(competition: Competition, schema: Schema, rows: list[list[str]]) -> None:
    out = console()
    out.print(scores_view(f"{label(competition, schema)}: {competition.scoring.title}", rows))
    out.print(f"submission  {paths.submission(competition.name)}")
    out.print(f"report      {paths.report(competition.name)}")
    out.print(f"runs        mlflow, experiment '{competition.name}' (make ui)")
    note = [_SYNTHETIC] if schema.synthetic else []
    for index, line in enumerate([*note, submit_command(competition)]):
        out.print(f"{'' if index else 'submit':<12}{line}")
