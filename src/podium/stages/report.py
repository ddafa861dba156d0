"""Stage report: plots, one page, and the table at the end of a run."""

import shutil
from pathlib import Path

import pandas as pd
from rich.table import Table

from podium.config import Competition, load_config
from podium.config.folds import SCHEMES
from podium.config.providers import is_sample, providers_of
from podium.data import kinds
from podium.data.adversarial import Comparison, compare
from podium.data.dataset import Schema, never_validated
from podium.data.several_targets import OneTarget, each_target, scored_by, shown_targets
from podium.data.targets import Target
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.text import either
from podium.metrics import Metric
from podium.reporting import plots
from podium.reporting.page import Page, render
from podium.reporting.table import HEADINGS, scores_rows, scores_view, submitted_of, targets_view
from podium.runtime.console import console
from podium.runtime.tracking import warn_at_end_of_pipeline
from podium.stages.class_report import ClassReport, class_report, draw_worst_of
from podium.stages.common import (
    LEARNING_CURVE,
    PICTURES,
    label,
    read_schema,
    require_trained,
    target_of,
    true_values,
)

# How long the last stage waits for a tracking server that answers slowly.
SERVER_SECONDS = 10.0


def report(name: str) -> None:
    """Draw the plots, write the page, print the table and how to submit.

    Raises:
        PodiumError: a model is not trained, or the ensemble stage has not run.
    """
    competition = load_config(only=name)[name]
    schema = read_schema(name)
    target = target_of(competition, schema)
    scores = pd.read_csv(_required(competition))
    scores["seconds"] = [_fit_seconds(name, model) for model in scores["model"]]
    summary = pd.read_csv(paths.processed(name) / "summary.csv")
    submitted = submitted_of(scores)
    rows = scores_rows(scores, nested=competition.ensemble.method == "weighted")
    with files.publish(paths.plots(name)) as folder:
        pictures = folder / "pictures"
        pictures.mkdir()
        metric = scored_by(target, competition.scoring)
        plots.model_scores(scores, pictures / "1-scores.png", metric)
        found = _predictions(competition, target, submitted, folder, pictures)
        _copy_curves(pictures, competition, target)
        compared = _train_against_test(competition, folder)
        of_targets = _target_tables(competition, target)
        page = Page(
            title=label(competition, schema),
            facts={
                **_facts(competition, schema, metric, target, submitted),
                **({"train against test": compared.meaning} if compared else {}),
                **_warnings(summary),
            },
            scores=pd.DataFrame(rows, columns=HEADINGS),
            summary=summary,
            tables=of_targets | _class_tables(found) | _differences(compared),
            pictures=sorted(pictures.glob("*.png")),
            submit=_commands(competition),
            submit_note=_note(competition, schema),
        )
        text = render(page)
    files.write_text(paths.report(name), text)
    views = [scores_view(f"{label(competition, schema)}: {metric.title}", rows, submitted)]
    views += [targets_view(heading, table) for heading, table in of_targets.items()]
    _print(competition, schema, views, submitted)
    warn_at_end_of_pipeline(SERVER_SECONDS)


def _required(competition: Competition) -> Path:
    """The scores of all models and their blend."""
    require_trained(competition)
    path = paths.blend(competition.name) / "scores.csv"
    if not path.is_file():
        raise PodiumError(f"{path}: the models are not blended; run 'dvc repro'")
    return path


def _commands(competition: Competition) -> list[str]:
    """The exact commands that send the submission: Podium's, which brings its score back; Kaggle's.

    ``podium submissions --sync`` finds what Kaggle's sent. Without a slug there are none.
    """
    slug, path = competition.source.slug, paths.submission(competition.name)
    if slug is None:
        return []
    kaggle = f'kaggle competitions submit -c {slug} -f {path} -m "podium"'
    return [f"podium submit {competition.name}", kaggle]


def _fit_seconds(name: str, model: str) -> float:
    """NaN where nothing says how long it took: results that were copied, and the blend."""
    path = paths.model(name, model) / paths.TIMING
    return float(files.read_json(path)["fit_seconds"]) if path.is_file() else float("nan")


def _predictions(
    competition: Competition, target: Target, submitted: str, folder: Path, pictures: Path
) -> dict[str, ClassReport]:
    """The OOF predictions of what is submitted beside the truth, as numbers and pictures.

    The numbers in a picture's name keep the order of the page. Of classes there are reports, by the
    name of the target: of several the first have them.
    """
    oof = pd.read_parquet(paths.blend(competition.name) / "oof.parquet")
    found = {}
    for own in shown_targets(target):
        title = f"{submitted} {own.name}".strip()
        if target.is_regression:
            _draw_numbers(competition, oof[oof["fold"] >= 0], own, folder, pictures, title)
        else:
            found[own.name] = _draw_classes(competition, oof, own, folder, pictures, title)
    return found


def _draw_numbers(
    competition: Competition, oof: pd.DataFrame, own: OneTarget, folder: Path, pictures: Path,
    title: str,
) -> None:  # fmt: skip
    actual = own.y(true_values(oof, competition))
    predicted = oof[own.target.columns[0]].to_numpy()
    for name, draw in plots.NUMBER_PLOTS.items():
        path = pictures / f"2-{own.file(name.replace('_', '-'))}.png"
        draw(actual, predicted, path, title)
    table = pd.DataFrame({"actual": actual, "predicted": predicted})
    table.to_csv(folder / f"{own.file('predictions')}.csv", index=False)


def _draw_classes(
    competition: Competition, oof: pd.DataFrame, own: OneTarget, folder: Path, pictures: Path,
    title: str,
) -> ClassReport:  # fmt: skip
    actual, probabilities = own.y(true_values(oof, competition)), oof[own.target.columns].to_numpy()
    decided = oof[own.target.decided_columns].to_numpy() if competition.scoring.is_tuned else None
    found = class_report(actual, probabilities, oof[competition.id], own.target.classes, decided)
    found.write(folder / own.label)
    found.draw(pictures, title, f"2-{own.label}-" if own.label else "2-")
    draw_worst_of(competition, found, pictures / "2-worst.png", title)
    return found


def _train_against_test(competition: Competition, folder: Path) -> Comparison | None:
    """Whether a model can tell test rows from training rows, also as files."""
    kind = kinds.of(competition)
    found = compare(*kind.sample(kind.read(paths.processed(competition.name))))
    if found is not None:
        facts = {"roc_auc": round(found.auc, 4), "folds": [round(auc, 4) for auc in found.aucs]}
        files.write_json(folder / "train-against-test.json", facts | {"meaning": found.meaning})
        found.features.to_csv(folder / "train-against-test.csv", index=False)
    return found


def _differences(compared: Comparison | None) -> dict[str, pd.DataFrame]:
    """The table of the page about train and test."""
    if compared is None:
        return {}
    folds = ", ".join(f"{auc:.3f}" for auc in compared.aucs)
    heading = f"Train against test (ROC AUC by fold {folds}): the features that differ most"
    return {heading: compared.features}


def _copy_curves(folder: Path, competition: Competition, target: Target) -> None:
    """The models' learning curves, in their order."""
    for index, model in enumerate(competition.models):
        drawn = paths.model(competition.name, model) / PICTURES
        for own in shown_targets(target):
            name = own.file(f"3-{index}-learning-{model}")
            shutil.copyfile(drawn / f"{own.file(LEARNING_CURVE)}.png", folder / f"{name}.png")


def _class_tables(reports: dict[str, ClassReport]) -> dict[str, pd.DataFrame]:
    """Tables of the page that only classes have; of several targets each with its name."""
    tables: dict[str, pd.DataFrame] = {}
    for name, found in reports.items():
        of = f"{name}: " if name else ""
        tables |= {
            f"{of}Classes": found.scores.round(4),
            f"{of}Calibration (expected error {found.ece:.4f})": found.reliability.round(4),
            f"{of}The {len(found.worst)} worst-predicted rows": found.worst.round(4),
        }
    return tables


def _target_tables(competition: Competition, target: Target) -> dict[str, pd.DataFrame]:
    """The pooled OOF scores of each of several targets, by model, and what is submitted of it."""
    if len(competition.targets) == 1:
        return {}
    folders = {name: paths.model(competition.name, name) for name in competition.blended}
    metrics = {name: files.read_json(folder / "metrics.json") for name, folder in folders.items()}
    blend = files.read_json(paths.blend(competition.name) / "metrics.json")["targets"]
    rows = [
        {
            "target": own.name,
            **{name: facts["targets"][own.name].get("cv") for name, facts in metrics.items()},
            "submitted score": blend[own.name].get("cv"),
            "submitted": blend[own.name]["submitted"],
        }
        for own in each_target(target)
    ]
    return {f"Scores by target ({competition.scoring.title})": pd.DataFrame(rows)}


def _facts(
    competition: Competition, schema: Schema, metric: Metric, target: Target, submitted: str
) -> dict[str, str]:
    return {
        "data": _origin(schema),
        "metric": f"{metric.title}, pooled over out-of-fold predictions",
        "folds": _folds(competition),
        "preprocessing": _FITTED[schema.fit_on],
        **_decision(competition, target),
        "blend's score": _blended(competition),
        "submitted": "the blend" if submitted == "blend" else _not_the_blend(submitted),
    }


def _decision(competition: Competition, target: Target) -> dict[str, str]:
    """How labels were decided, where thresholds or cut points were tuned."""
    if not competition.scoring.is_tuned:
        return {}
    metrics = files.read_json(paths.blend(competition.name) / "metrics.json")
    found = {}
    for own in shown_targets(target):
        facts = metrics["targets"][own.name] if own.name else metrics
        (kind, values), *_ = facts["decision"].items()
        by_label = values.items() if isinstance(values, dict) else [("", values)]
        shown = ", ".join(f"{label} {value:.4g}".strip() for label, value in by_label)
        found[f"labels {own.name}".strip()] = (
            f"{kind.replace('_', ' ')} {shown}, tuned for {competition.scoring.title} on all "
            "OOF rows; for the score each fold's on the other folds' rows"
        )
    return found


def _folds(competition: Competition) -> str:
    """How many folds there are, and how they were made."""
    spec = competition.folds
    folds = pd.read_parquet(paths.blend(competition.name) / "oof.parquet", columns=["fold"])["fold"]
    keys = ("group", "by", "gap", "window", "column", "path")
    facts = [f"{key} {getattr(spec, key)}" for key in keys if spec.is_set(key)]
    unseen = never_validated(folds.to_numpy()[:, None])
    scheme = ", ".join([spec.scheme, *facts])
    return f"{folds.max() + 1} ({scheme}), {spec.repeats} repeat(s), seed {spec.seed}{unseen}"


def _blended(competition: Competition) -> str:
    """What the blend's score is, by how its weights were fitted."""
    method, scheme = competition.ensemble.method, SCHEMES[competition.folds.scheme]
    which = "past" if method == "weighted" and scheme.past_only else method
    return _BLENDED[which] + _NESTED[competition.ensemble.nested]


def _warnings(summary: pd.DataFrame) -> dict[str, str]:
    """What preprocessing warned about, by column."""
    if "warning" not in summary:
        return {}
    found = summary.dropna(subset="warning")
    rows = zip(found["column"], found["warning"], strict=True)
    return {f"warning: {column}": str(warning) for column, warning in rows}


def _not_the_blend(submitted: str) -> str:
    return f"{submitted}, since the blend's score doesn't beat it"


def _origin(schema: Schema) -> str:
    if not is_sample(schema.provider):
        return f"from {schema.provider}"
    kind = "SYNTHETIC sample in the real schema" if schema.synthetic else "sample, not Kaggle's"
    return f"{kind}: scores say nothing about Kaggle"


def _note(competition: Competition, schema: Schema) -> str:
    """What to do first, where it is no submission for Kaggle, or nothing says which of Kaggle's."""
    if not is_sample(schema.provider):
        if competition.source.slug is None:
            return (
                f"set {competition.name}.source.slug in params.yaml: the last part of the "
                "competition's address on Kaggle"
            )
        return ""
    kind = "synthetic" if schema.synthetic else "sample"
    own = providers_of(competition.kind)
    others = either(name for name, provider in own.items() if not provider.is_sample)
    return (
        f"not this one, it is made from {kind} data: set source.provider to {others}, run again, "
        "then:"
    )


_BLENDED = {
    "weighted": "nested: each fold is predicted with weights fitted on the other folds' rows",
    "past": "nested: each fold is predicted with weights fitted on earlier folds' rows, the first "
    "one with equal weights",
    "mean": "of the plain mean of the models, for which nothing is fitted",
}
_NESTED = {"folds": "", "full": ", which are predicted by models that never saw the scored fold"}
_FITTED = {
    "fold": "fitted on each fold's training rows",
    "train": "fitted on all training rows, the scored ones included",
    "train_and_test": "fitted on training and test rows together",
}


def _print(competition: Competition, schema: Schema, views: list[Table], submitted: str) -> None:
    out = console()
    for view in views:
        out.print(view)
    made_of = "" if submitted == "blend" else f" (of {_not_the_blend(submitted)})"
    commands = [*filter(None, [_note(competition, schema)]), *_commands(competition)]
    lines = [
        f"submission  {paths.submission(competition.name)}{made_of}",
        f"report      {paths.report(competition.name)}",
        f"runs        mlflow, experiment '{competition.name}' (podium ui)",
        *(f"{'' if index else 'submit':<12}{line}" for index, line in enumerate(commands)),
    ]
    for line in lines:
        # The terminal itself wraps a long line, which then can be copied whole.
        out.print(line, soft_wrap=True)
