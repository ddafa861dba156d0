"""Checks across keys of a competition: values that contradict each other."""

from collections.abc import Iterator
from importlib.util import find_spec

from podium.config.folds import SCHEMES
from podium.config.metric_names import fitting, unknown_metric
from podium.config.models import model_spec
from podium.config.providers import PROVIDERS, providers_of
from podium.config.schema import Competition, ImageCompetition, TableCompetition
from podium.io.text import either
from podium.metrics import metric_named

Finding = tuple[tuple[str, ...], str]


def check_competition(competition: Competition) -> Iterator[Finding]:
    """Yield (path of keys, message) for everything in the block that doesn't fit the rest."""
    yield from _check_folds(competition)
    yield from _check_metric(competition)
    yield from _check_target(competition)
    yield from _check_drop(competition)
    yield from _check_submission(competition)
    yield from _check_source(competition)
    yield from _check_kind(competition)
    yield from _check_ensemble(competition)
    yield from _check_models(competition)
    yield from _check_idle(competition)


def _check_folds(competition: Competition) -> Iterator[Finding]:
    folds, scheme = competition.folds, SCHEMES[competition.folds.scheme]
    if folds.count < 2:
        yield (
            ("folds", "count"),
            f"expected at least 2 folds, found {folds.count}; each fold is validated on a model "
            "trained on the others",
        )
    if scheme.needs_classes and competition.task == "regression":
        yield ("folds", "scheme"), f"'{folds.scheme}' needs classes; use 'kfold' for regression"
    yield from _check_group(competition)
    if not scheme.shuffles and folds.repeats > 1:
        yield (
            ("folds", "repeats"),
            f"'{folds.scheme}' folds are the same at every repeat; set repeats to 1",
        )


def _check_group(competition: Competition) -> Iterator[Finding]:
    folds = competition.folds
    name, needs_group = folds.scheme, SCHEMES[folds.scheme].needs_group
    if needs_group and competition.kind == "image":
        yield (
            ("folds", "scheme"),
            f"'{name}' needs a column, and images have none; use 'stratified'",
        )
    elif needs_group and folds.group is None:
        yield ("folds", "scheme"), f"'{name}' needs 'group: <column>' beside it"
    if not needs_group and folds.group is not None:
        users = either(f"'{name}'" for name, scheme in SCHEMES.items() if scheme.needs_group)
        yield ("folds", "group"), f"is used by scheme {users} only, not '{name}'; remove it"


def _check_metric(competition: Competition) -> Iterator[Finding]:
    task = competition.task
    try:
        metric = metric_named(competition.metric)
    except KeyError:
        yield ("metric",), unknown_metric(competition.metric, task)
        return
    if task not in metric.tasks:
        valid = ", ".join(fitting(task))
        yield ("metric",), f"'{competition.metric}' does not fit task '{task}'; valid: {valid}"


def _check_target(competition: Competition) -> Iterator[Finding]:
    if competition.target_transform != "none" and competition.task != "regression":
        yield ("target_transform",), f"is for regression; set it to none for {competition.task}"
    if competition.id == competition.target:
        yield (
            ("target",),
            f"'{competition.target}' is the id column too; name the column to predict",
        )


def _check_drop(competition: Competition) -> Iterator[Finding]:
    """The id and the target are no features: dropping them does nothing."""
    dropped = competition.preprocess.drop if isinstance(competition, TableCompetition) else []
    for name, what in ((competition.id, "id"), (competition.target, "target")):
        if name in dropped:
            yield ("preprocess", "drop"), f"'{name}' is the {what}, no feature; remove it"


def _check_submission(competition: Competition) -> Iterator[Finding]:
    if competition.task == "regression" and competition.submission.values != "auto":
        yield ("submission", "values"), "does nothing for regression; remove it"


def _check_source(competition: Competition) -> Iterator[Finding]:
    source, provider = competition.source, PROVIDERS[competition.source.provider]
    if provider.needs == "path" and source.path is None:
        yield (
            ("source", "path"),
            f"provider '{source.provider}' needs the path of a folder or a zip",
        )
    if provider.needs == "slug" and source.slug is None:
        yield (
            ("source", "slug"),
            f"provider '{source.provider}' needs the slug: the last part of the competition's "
            "address on Kaggle",
        )
    if competition.kind not in provider.kinds:
        what = {"image": "images", "tabular": "tables"}[competition.kind]
        others = either(providers_of(competition.kind))
        yield ("source", "provider"), f"there is no {source.provider} of {what}; use {others}"


def _check_kind(competition: Competition) -> Iterator[Finding]:
    """Keys for tables in a competition of images, and the other way round."""
    if isinstance(competition, ImageCompetition):
        yield from _check_images(competition)
    elif competition.source.files.labels is not None:
        yield ("source", "files", "labels"), "is for kind 'image'; remove it"


def _check_images(competition: ImageCompetition) -> Iterator[Finding]:
    source = competition.source
    if competition.task == "regression":
        yield ("task",), "images are sorted into classes; use binary or multiclass"
    if not PROVIDERS[source.provider].image_files and source.files.labels is not None:
        others = either(name for name, one in providers_of("image").items() if one.image_files)
        yield (
            ("source", "files", "labels"),
            f"the {source.provider} has its labels beside the pixels; remove it, or use {others}",
        )
    if competition.preprocess.damaged == "skip" and source.files.labels is None:
        yield (
            ("preprocess", "damaged"),
            "'skip' does nothing for pixels in a csv, which are right or an error; remove it",
        )


def _check_ensemble(competition: Competition) -> Iterator[Finding]:
    yield from _check_nested(competition)
    chosen = competition.ensemble.models
    if chosen == "all":
        return
    if not chosen:
        yield ("ensemble", "models"), "expected 'all' or at least one model's name"
    for name in chosen:
        if name not in competition.models:
            known = ", ".join(competition.models)
            yield ("ensemble", "models"), f"no model '{name}' in this competition; valid: {known}"


def _check_nested(competition: Competition) -> Iterator[Finding]:
    folds, path = competition.folds, ("ensemble", "nested")
    if competition.ensemble.nested != "full":
        return
    if competition.ensemble.method != "weighted":
        yield path, "'full' is for fitted weights; remove it, or set method to weighted"
    if folds.repeats > 1 or folds.count < 3:
        yield path, "'full' needs folds.repeats 1 and at least 3 folds"


def _check_models(competition: Competition) -> Iterator[Finding]:
    """What a model requires, by the table of models."""
    for name, params in competition.models.items():
        spec = model_spec(competition.kind, params.model)
        if competition.task not in spec.tasks:
            yield (
                ("models", name),
                f"{params.model} is for {either(spec.tasks)}, not {competition.task}; remove it",
            )
        if spec.package is not None and find_spec(spec.package) is None:
            yield (
                ("models", name),
                f"{params.model} needs the package {spec.package}, which is not installed; "
                f"install it ('pip install {spec.package}'), or remove the model",
            )


def _check_idle(competition: Competition) -> Iterator[Finding]:
    """Knobs that do nothing for the competition's task or folds."""
    scheme = SCHEMES[competition.folds.scheme]
    for name, params in competition.models.items():
        for knob, why in params.idle(competition.task, scheme).items():
            if params.is_set(knob):
                yield ("models", name, knob), f"does nothing {why}; remove it"
