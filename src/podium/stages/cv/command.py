"""``podium cv`` as a list of steps: seeds, what is missing, the blend of each, the table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium.config import Competition, ExternalParams, load_config
from podium.config.names import BLEND
from podium.data.dataset import Schema
from podium.io import files
from podium.io.errors import PodiumError
from podium.io.text import counted, nearest, printable
from podium.runtime.console import console, say
from podium.runtime.progress import reporting
from podium.runtime.tracking import Run, tracked_run
from podium.stages.common import DIGITS, label, run_tags
from podium.stages.cv import show
from podium.stages.cv.cache import METRICS, SeedCache, project_sources
from podium.stages.cv.fits import blend_facts, fit_missing, missing
from podium.stages.cv.seeds import seeds_of, with_seed
from podium.stages.cv.summary import Summary, summarize
from podium.stages.preprocess import require_raw
from podium.stages.run_facts import log_all, log_competition, run_name
from podium.stages.train import pool_of


def cv(name: str, seeds: str, models: str | None, out: Path | None) -> None:
    """Fit models and blend on the folds of each seed, and say how much scores depend on it.

    Args:
        name: the competition.
        seeds: how many, or a list.
        models: names, separated by commas; all by default.
        out: a csv or json file for the table.

    Raises:
        PodiumError: the folds don't depend on a seed; there is no such model; the raw files are not
            there; or a training diverged.
    """
    config = load_config(only=name)
    competition = chosen(config[name], models)
    show.check_out(out)
    numbers = seeds_of(competition, seeds)
    require_raw(name)
    sources = project_sources()
    caches = [SeedCache(with_seed(competition, seed), sources) for seed in numbers]
    with pool_of(config):
        _fit(competition, caches)
    schema = Schema.read(caches[0].data)
    summary = summarize(scores_of(competition, caches), numbers, competition.scoring)
    title = label(competition, schema)
    show.print_tables(title, competition.scoring, summary)
    if out is not None:
        show.write(out, summary)
    _log(competition, schema, summary)


def chosen(competition: Competition, models: str | None) -> Competition:
    """The competition with some of its models; the blend has those of them that it may use.

    Models of ``model: file`` are left out, with a line: their predictions are of one dealing alone.

    Raises:
        PodiumError: there is no such model, or none can be fitted.
    """
    names = list(competition.models) if models is None else models.split(",")
    for name in names:
        if name not in competition.models:
            hint = nearest(name, competition.models)
            where = f"no model '{printable(name)}' in {competition.name}"
            raise PodiumError(f"--models: {where}; {hint}")
    own = {name: params for name, params in competition.models.items() if name in names}
    fixed = [name for name, params in own.items() if isinstance(params, ExternalParams)]
    if fixed:
        line = f"predictions from files are of their own folds alone: {', '.join(fixed)}"
        if models is not None or len(fixed) == len(own):
            raise PodiumError(f"{competition.name}: {line}; name other models with --models")
        say(f"{competition.name}  left out, since {line}")
    own = {name: params for name, params in own.items() if name not in fixed}
    blended = [name for name in competition.blended if name in own]
    ensemble = competition.ensemble.model_copy(update={"models": blended})
    return competition.model_copy(update={"models": own, "ensemble": ensemble})


def _fit(competition: Competition, caches: Sequence[SeedCache]) -> None:
    """Fit what is missing, with a line for each fit."""
    todo = missing(caches)
    fits = len(caches) * len(competition.models)
    left = sum(len(one.models) for one in todo)
    say(
        f"{competition.name}  {counted(len(competition.models), 'model')} x "
        f"{counted(len(caches), 'fold seed')}: {fits - left} of {fits} fits are there"
    )
    if not todo:
        return
    with reporting(f"{competition.name} cv", console()) as reporter:
        for seed, model, facts in fit_missing(todo, reporter):
            score = facts.get("cv")
            shown = "undefined" if score is None else f"{score:.5f}"
            say(f"{competition.name}  seed {seed}  {model}  {competition.metric} {shown}")


def scores_of(competition: Competition, caches: Sequence[SeedCache]) -> dict[str, list[float]]:
    """The CVs by model, one for each seed; of two or more models the blend's nested ones, too."""
    found: dict[str, list[float]] = {
        model: [_cv(files.read_json(cache.model(model) / METRICS)) for cache in caches]
        for model in competition.models
    }
    if len(competition.blended) > 1:
        found[BLEND] = [_cv(blend_facts(cache)) for cache in caches]
    return found


def _cv(facts: dict[str, Any]) -> float:
    return float(facts.get("cv", float("nan")))


def _log(competition: Competition, schema: Schema, summary: Summary) -> None:
    """One run, with the means as metrics and the CVs of seeds as curves."""
    tags = run_tags(competition, schema, "cv") | {"fold_seeds": " ".join(map(str, summary.seeds))}
    title = run_name(f"cv {counted(len(summary.seeds), 'fold seed')}", schema)
    with tracked_run(competition.name, title, tags) as run:
        log_competition(run, competition, {"seeds": len(summary.seeds)})
        log_all(run, competition)
        run.log_data(competition.name, schema.data_sha256, schema.provider)
        _log_rows(run, summary)
        with files.scratch() as folder:
            for ending in show.WRITERS:
                show.write(folder / f"cv{ending}", summary)
            run.log_artifacts(folder)


def _log_rows(run: Run, summary: Summary) -> None:
    for row in summary.rows:
        numbers = {"mean": row.mean, "std": row.std, "se": row.se, "rank": row.mean_rank}
        run.log_metrics(
            {f"{key}.{row.name}": value for key, value in numbers.items() if value is not None}
        )
        pairs = zip(summary.seeds, row.scores, strict=True)
        run.log_curves({f"cv.{row.name}": [(seed, round(score, DIGITS)) for seed, score in pairs]})
