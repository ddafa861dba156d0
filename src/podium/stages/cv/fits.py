"""Fits what is missing on the folds of each seed, one model after the other, as the stages do."""

import glob
import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.data import kinds
from podium.data.dataset import FOLDS, Dataset, Schema
from podium.io import files, paths
from podium.runtime.progress import Points, Reporter
from podium.stages.common import score_facts, target_of
from podium.stages.cv.cache import METRICS, SeedCache
from podium.stages.ensemble import blended, predictions_in
from podium.stages.preprocess import prepare
from podium.stages.train import fit, write_predictions


@dataclass(frozen=True)
class Missing:
    """The fits of one seed that are still to be done."""

    cache: SeedCache
    models: list[str]


def missing(caches: Sequence[SeedCache]) -> list[Missing]:
    """What is to be fitted, in the order of seeds; those with nothing to do are left out."""
    found = []
    for cache in caches:
        names = list(cache.competition.models)
        if cache.has_data:
            names = [name for name in names if not cache.has_model(name)]
        if names:
            found.append(Missing(cache, names))
    return found


def fit_missing(todo: Sequence[Missing], reporter: Reporter) -> Iterator[tuple[int, str, Any]]:
    """Fit and keep one model after the other; yields seed, model and ``metrics.json`` of each.

    The data of one seed at a time are there, in a temporary folder.

    Raises:
        PodiumError: the raw files don't fit params.yaml, or a training diverged; what was
            finished before is kept.
    """
    progress = Progress(reporter, todo)
    for one in todo:
        with files.scratch() as folder:
            dataset = _dataset(one.cache, folder)
            for model in one.models:
                # Where the data are preprocessed by other code, they may still be the same.
                if not one.cache.has_model(model):
                    _fit(one.cache, model, dataset, progress.of(one.cache.seed, model))
                progress.finish(model)
                yield one.cache.seed, model, files.read_json(one.cache.model(model) / METRICS)


def _dataset(cache: SeedCache, folder: Path) -> Dataset:
    """The preprocessed data of a seed; the stage has given the warnings about them."""
    with redirect_stderr(io.StringIO()):
        prepare(cache.competition, folder)
    cache.keep_data(folder)
    return kinds.of(cache.competition).read(folder)


def _fit(cache: SeedCache, model: str, dataset: Dataset, reporter: Reporter) -> None:
    where = cache.model(model)
    result, inner = fit(cache.competition, model, dataset, reporter, where / "checkpoint")
    with files.publish(where) as folder:
        write_predictions(folder, result, inner, dataset, cache.competition)


class Progress:
    """How far all fits are; each counts by the seconds that its model took before."""

    def __init__(self, reporter: Reporter, todo: Sequence[Missing]) -> None:
        self.reporter = reporter
        self.fits = sum(len(one.models) for one in todo)
        names = {model for one in todo for model in one.models}
        self.seconds = seconds_of(todo[0].cache.competition.name, names)
        self.number, self.done = 0, 0.0
        reporter.start(sum(self.seconds[model] for one in todo for model in one.models))

    def of(self, seed: int, model: str) -> "Part":
        """The reporter of one fit."""
        return Part(self, model, f"fit {self.number + 1}/{self.fits}  seed {seed}  {model}")

    def finish(self, model: str) -> None:
        """One more is done."""
        self.number += 1
        self.done += self.seconds[model]


def seconds_of(competition: str, models: Collection[str]) -> dict[str, float]:
    """What a fit of each model is likely to take: its last one here, or in the pipeline.

    Of a model without one the mean of the others.
    """
    known = {}
    for model in models:
        here = paths.fold_seeds(competition).glob(f"seed*/{glob.escape(model)}-*/{paths.TIMING}")
        found = [*here, paths.model(competition, model) / paths.TIMING]
        times = [path for path in found if path.is_file()]
        if times:
            newest = max(times, key=lambda path: path.stat().st_mtime)
            known[model] = max(float(files.read_json(newest)["fit_seconds"]), 0.01)
    other = sum(known.values()) / len(known) if known else 1.0
    return {model: known.get(model, other) for model in models}


class Part(Reporter):
    """Passes on the progress of one fit as a part of all."""

    def __init__(self, whole: Progress, model: str, title: str) -> None:
        self.whole, self.model, self.title, self.total = whole, model, title, 1.0

    def start(self, total: float) -> None:
        """See ``Reporter``."""
        self.total = max(total, 1.0)

    def update(self, done: float, what: str, loss: float | None = None) -> None:
        """See ``Reporter``."""
        share = min(done / self.total, 1.0) * self.whole.seconds[self.model]
        self.whole.reporter.update(self.whole.done + share, f"{self.title}  {what}", loss)

    def resume(self, done: float, what: str) -> None:
        """See ``Reporter``."""
        self.whole.reporter.resume(self.whole.done, f"{self.title}  {what}")

    def warn(self, text: str) -> None:
        """See ``Reporter``."""
        self.whole.reporter.warn(f"{self.title}: {text}")

    def points(self, points: Points) -> None:
        """Curves are not kept."""


def blend_facts(cache: SeedCache) -> dict[str, Any]:
    """The blend's scores on the folds of a seed, with its weights; computed where missing."""
    if not cache.has_blend:
        _blend(cache)
    facts: dict[str, Any] = files.read_json(cache.blend / METRICS)
    return facts


def _blend(cache: SeedCache) -> None:
    competition = cache.competition
    target = target_of(competition, Schema.read(cache.data))
    of_models = {name: cache.model(name) for name in competition.blended}
    models = predictions_in(of_models, cache.data / FOLDS, competition, target)
    result = blended(competition, models, target)
    own = result.blended
    weights = dict(zip(models.names, map(float, result.weights), strict=True))
    chosen = None if result.chosen is None else models.names[result.chosen]
    with files.publish(cache.blend) as folder:
        target.frame(models.ids, own.oof).to_parquet(folder / "oof.parquet", index=False)
        facts = score_facts(competition.metric, own.score, own.fold_scores)
        files.write_json(folder / METRICS, {**facts, "weights": weights, "instead": chosen})
