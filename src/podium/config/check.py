"""Checks across keys of a competition: values that contradict each other."""

from collections.abc import Iterator
from importlib.util import find_spec

from podium.config.blending import AUTO, METHODS, methods_of
from podium.config.features import OrdinalMap, columns_of
from podium.config.folds import SCHEMES
from podium.config.metric_names import fitting, unknown_metric
from podium.config.models import model_spec
from podium.config.providers import PROVIDERS, providers_of
from podium.config.schema import Competition, ImageCompetition, TableCompetition
from podium.io.errors import PodiumError
from podium.io.paths import user_code
from podium.io.text import either
from podium.metrics import metric_named

Finding = tuple[tuple[str, ...], str]


def check_competition(competition: Competition) -> Iterator[Finding]:
    """Yield (path of keys, message) for everything in the block that doesn't fit the rest."""
    yield from _check_folds(competition)
    yield from _check_metric(competition)
    yield from _check_target(competition)
    yield from _check_drop(competition)
    yield from _check_features(competition)
    yield from _check_submission(competition)
    yield from _check_source(competition)
    yield from _check_kind(competition)
    yield from _check_ensemble(competition)
    yield from _check_models(competition)
    yield from _check_idle(competition)


def _check_folds(competition: Competition) -> Iterator[Finding]:
    folds, scheme = competition.folds, SCHEMES[competition.folds.scheme]
    if scheme.is_given and folds.is_set("count"):
        yield ("folds", "count"), f"does nothing: '{folds.scheme}' says how many; remove it"
    if folds.count < 2:
        yield (
            ("folds", "count"),
            f"expected at least 2 folds, found {folds.count}; each fold is validated on a model "
            "trained on the others",
        )
    if folds.scheme == "own":
        yield from _check_own(competition, ("folds", "scheme"), "folds(train)")
    yield from _check_fold_keys(competition)
    yield from _check_fold_columns(competition)
    if not scheme.shuffles and folds.repeats > 1:
        yield (
            ("folds", "repeats"),
            f"'{folds.scheme}' folds are the same at every repeat; set repeats to 1",
        )


# Keys of ``folds`` that only some schemes have, and what each holds.
_FOLD_KEYS = {
    "group": "<column>",
    "by": "<column>",
    "gap": "<number>",
    "window": "<number>",
    "column": "<column>",
    "path": "<csv file>",
}


def _check_fold_keys(competition: Competition) -> Iterator[Finding]:
    """Keys that the scheme lacks, and those that it does nothing with."""
    folds, scheme = competition.folds, SCHEMES[competition.folds.scheme]
    for key, what in _FOLD_KEYS.items():
        if key in scheme.needs and not folds.is_set(key):
            if competition.kind == "image" and what == "<column>":
                continue
            yield ("folds", "scheme"), f"'{folds.scheme}' needs '{key}: {what}' beside it"
        if folds.is_set(key) and key not in (*scheme.needs, *scheme.takes):
            users = either(
                f"'{name}'" for name, one in SCHEMES.items() if key in (*one.needs, *one.takes)
            )
            yield ("folds", key), f"is used by scheme {users} only, not '{folds.scheme}'; remove it"


def _check_fold_columns(competition: Competition) -> Iterator[Finding]:
    """Columns that folds are made by: images have none, and the target is none of them."""
    folds, scheme = competition.folds, SCHEMES[competition.folds.scheme]
    columns = [key for key, what in _FOLD_KEYS.items() if what == "<column>"]
    if competition.kind == "image":
        if set(scheme.needs) & set(columns):
            yield (
                ("folds", "scheme"),
                f"'{folds.scheme}' needs a column, and images have none; use 'stratified', or "
                "'file' for folds of your own",
            )
        if folds.by is not None and "by" in scheme.takes:
            yield ("folds", "by"), "images have no columns: they are in file order; remove it"
    for key in columns:
        if getattr(folds, key) in competition.targets:
            yield ("folds", key), f"'{getattr(folds, key)}' is the target; name another column"


def _check_metric(competition: Competition) -> Iterator[Finding]:
    task = competition.task
    if competition.metric == "own":
        yield from _check_own(competition, ("metric",), "metric(y, p)")
        return
    try:
        metric = metric_named(competition.metric)
    except KeyError:
        yield ("metric",), unknown_metric(competition.metric, task)
        return
    if task not in metric.tasks:
        valid = ", ".join(fitting(task))
        yield ("metric",), f"'{competition.metric}' does not fit task '{task}'; valid: {valid}"


def _check_own(competition: Competition, path: tuple[str, ...], function: str) -> Iterator[Finding]:
    """A function of the user's own that a key asks for."""
    from podium.io.usercode.sources import functions

    if not functions(competition.name, [function.partition("(")[0]]):
        yield path, f"'own' needs a function {function} in {user_code(competition.name)}"


def _check_target(competition: Competition) -> Iterator[Finding]:
    if competition.target_transform != "none" and competition.task != "regression":
        yield ("target_transform",), f"is for regression; set it to none for {competition.task}"
    if competition.classes and competition.task == "regression":
        yield ("classes",), "is for binary and multiclass; remove it"
    twice = [label for label in competition.classes if competition.classes.count(label) > 1]
    if twice:
        yield ("classes",), f"'{twice[0]}' is there twice; list each class once"
    for name in competition.targets:
        if name in competition.id_columns:
            yield ("target",), f"'{name}' is the id column too; name the column to predict"
    if len(competition.targets) > 1:
        yield from _check_several_targets(competition)


def _check_several_targets(competition: Competition) -> Iterator[Finding]:
    """Several targets are of tables, all numbers or all of two classes."""
    alone = "make a block for each, with submission: {columns: {<another's column>: null}}"
    if competition.kind != "tabular":
        yield ("target",), f"several targets are for tables; {alone}"
    elif competition.task == "multiclass":
        yield ("target",), f"several targets are for regression or binary, not multiclass; {alone}"


def _check_drop(competition: Competition) -> Iterator[Finding]:
    """The id and the target are no features: dropping them does nothing."""
    dropped = competition.preprocess.drop if isinstance(competition, TableCompetition) else []
    # One column of several may be a feature.
    for name, what in _not_features(competition):
        if name in dropped:
            yield ("preprocess", "drop"), f"'{name}' is the {what}, no feature; remove it"


def _not_features(competition: Competition) -> list[tuple[str, str]]:
    """The id and the targets, each with what it is."""
    return [(competition.id, "id"), *((name, "target") for name in competition.targets)]


def _check_features(competition: Competition) -> Iterator[Finding]:
    """A feature replaces neither id nor target; a column has one order."""
    if not isinstance(competition, TableCompetition):
        return
    ordered: dict[str, str] = {}
    for name, made in columns_of(competition.features):
        for column in made:
            for own, what in _not_features(competition):
                if column == own:
                    yield ("features", name), f"'{column}' is the {what}; use another name"
            if isinstance(competition.features.made[name], OrdinalMap):
                if column in ordered:
                    message = f"'{column}' has an order already: '{ordered[column]}'; remove one"
                    yield ("features", name), message
                ordered.setdefault(column, name)


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
    yield from _check_extra(competition)


def _check_extra(competition: Competition) -> Iterator[Finding]:
    """Extra files: of tables, and from where there are any."""
    path, source = ("source", "files", "extra"), competition.source
    if not source.files.extra:
        return
    if competition.kind != "tabular":
        yield path, "is for kind 'tabular'; remove it"
    elif not PROVIDERS[source.provider].has_extra:
        others = either(name for name, one in PROVIDERS.items() if one.has_extra)
        yield path, f"the {source.provider} has no other files; remove it, or use {others}"


def _check_images(competition: ImageCompetition) -> Iterator[Finding]:
    source = competition.source
    if len(competition.id_columns) > 1:
        yield ("id",), "several columns are for kind 'tabular'; name the one with the images' names"
    if competition.report.is_set("importance"):
        yield ("report", "importance"), "does nothing for images, which have no columns; remove it"
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
    yield from _check_method(competition)
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


def _check_method(competition: Competition) -> Iterator[Finding]:
    """Methods that are not for the task or the metric; keys that only ``auto`` has."""
    ensemble = competition.ensemble
    key = "candidates" if ensemble.method == AUTO else "method"
    try:
        metric = competition.scoring
    except (KeyError, PodiumError):
        # No such metric, or the user's own is broken: that is the error to show.
        return
    for name in methods_of(ensemble.method, ensemble.candidates):
        if problem := METHODS[name].problem(competition.task, metric):
            yield ("ensemble", key), f"'{name}' {problem}; use weighted or mean"
    for own in ("candidates", "tolerance"):
        if ensemble.method != AUTO and ensemble.is_set(own):
            yield ("ensemble", own), "is used by method 'auto' only; remove it"


def _check_nested(competition: Competition) -> Iterator[Finding]:
    folds, path = competition.folds, ("ensemble", "nested")
    if competition.ensemble.nested != "full":
        return
    method = competition.ensemble.method
    if method != AUTO and not METHODS[method].is_fitted:
        yield path, "'full' is for fitted weights; remove it, or set method to weighted"
    for name, params in competition.models.items():
        if not model_spec(competition.kind, params.model).trains:
            yield (
                ("models", name),
                "its predictions come from files, and can't be made again without a fold; set "
                "ensemble.nested to folds, or remove the model",
            )
    scheme = SCHEMES[folds.scheme]
    if folds.repeats > 1 or (folds.count < 3 and not scheme.is_given):
        yield path, "'full' needs folds.repeats 1 and at least 3 folds"
    if scheme.past_only:
        yield (
            path,
            f"'full' does nothing with '{folds.scheme}' folds: weights are fitted on earlier "
            "folds, whose models never saw the scored one; remove it",
        )


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
        if params.tested_by != "folds" and competition.folds.window is not None:
            yield (
                ("models", name, "test"),
                f"'{params.tested_by}' trains on all rows, and folds.window limits how many there "
                "are; remove one of the two",
            )


def _check_idle(competition: Competition) -> Iterator[Finding]:
    """Knobs that do nothing for the competition's task or folds."""
    scheme = SCHEMES[competition.folds.scheme]
    for name, params in competition.models.items():
        for knob, why in params.idle(competition.task, scheme).items():
            if params.is_set(knob):
                yield ("models", name, knob), f"does nothing {why}; remove it"
