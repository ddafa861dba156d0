"""What the earlier stages left of a competition, as the page's sections read it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition, ModelParams, load_config
from podium.config.names import BLEND
from podium.data import kinds
from podium.data.dataset import Dataset, Schema
from podium.data.several_targets import OneTarget, scored_by, shown_targets
from podium.data.targets import Target
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.metrics import Metric
from podium.reporting.curves import TARGET
from podium.reporting.table import submitted_of
from podium.stages.blend_facts import WORTH
from podium.stages.common import (
    DEPENDENCE,
    IMPORTANCE,
    read_schema,
    require_trained,
    target_of,
    true_values,
)

Array = NDArray[np.float64]
# Methods of the blend that learn nothing of the target.
NOT_FITTED = ("mean", "rank_mean")
# Names, levels and classes are texts, also NA and None.
AS_TEXT: dict[str, Any] = {
    "dtype": dict.fromkeys(("target", "feature", "value", "output"), str),
    "na_values": dict.fromkeys(("mean", "se", "low", "high"), [""]),
    "keep_default_na": False,
}


@dataclass(frozen=True)
class ModelResults:
    """What one model left; what is not there is empty."""

    name: str
    params: ModelParams
    metrics: dict[str, Any]
    timing: dict[str, Any]
    folder: Path

    @cached_property
    def oof(self) -> pd.DataFrame:
        """Its OOF predictions."""
        return pd.read_parquet(self.folder / "oof.parquet")

    def history(self, own: OneTarget) -> pd.DataFrame:
        """Its losses by step, of one target."""
        return _of_target(self._history, own)

    def importance(self, own: OneTarget) -> pd.DataFrame:
        """How much worse its score gets without each feature: columns feature, mean, se.

        The most important first.
        """
        table = _of_target(self._importance, own)
        return table if table.empty else table.sort_values("mean", ascending=False, kind="stable")

    def dependence(self, own: OneTarget) -> pd.DataFrame:
        """Its mean prediction by the value of some features."""
        return _of_target(self._dependence, own)

    def most_important(self, own: OneTarget) -> list[str]:
        """Its features, the most important first; none where it doesn't say."""
        table = self.importance(own)
        return [] if table.empty else [str(name) for name in table["feature"]]

    @cached_property
    def _history(self) -> pd.DataFrame:
        return self._table("history")

    @cached_property
    def _importance(self) -> pd.DataFrame:
        return self._table(IMPORTANCE, **AS_TEXT)

    @cached_property
    def _dependence(self) -> pd.DataFrame:
        return self._table(DEPENDENCE, **AS_TEXT)

    def _table(self, name: str, **options: Any) -> pd.DataFrame:
        path = self.folder / f"{name}.csv"
        if not path.is_file() or path.stat().st_size <= 1:
            return pd.DataFrame()
        return pd.read_csv(path, **options)


def _of_target(table: pd.DataFrame, own: OneTarget) -> pd.DataFrame:
    """The rows of one of several targets."""
    if TARGET not in table or not own.name:
        return table
    return table[table[TARGET] == own.name]


@dataclass(frozen=True)
class Results:
    """A competition's results.

    ``scores`` has a row for each blended model and for the blend; ``worth`` one for each model of
    several, with what it is worth to the blend.
    """

    competition: Competition
    schema: Schema
    target: Target
    metric: Metric
    scores: pd.DataFrame
    blend: dict[str, Any]
    oof: pd.DataFrame
    models: dict[str, ModelResults]
    worth: pd.DataFrame

    @property
    def name(self) -> str:
        """The competition's name."""
        return self.competition.name

    @property
    def submitted(self) -> str:
        """The name of what is submitted: ``blend``, or a model."""
        return submitted_of(self.scores)

    @property
    def submitted_in_words(self) -> str:
        """The same in a sentence."""
        return in_words(self.submitted)

    @property
    def is_nested(self) -> bool:
        """Whether the blend's score is by weights that were fitted on other rows."""
        return self.competition.ensemble.method not in NOT_FITTED

    @property
    def shown(self) -> list[OneTarget]:
        """The targets that have charts of their own."""
        return shown_targets(self.target)

    def title_of(self, own: OneTarget) -> str:
        """A target's name in charts and their titles."""
        return str(own.name or self.competition.target)

    @cached_property
    def dataset(self) -> Dataset:
        """The preprocessed rows."""
        return kinds.of(self.competition).read(paths.processed(self.name))

    @cached_property
    def y(self) -> Array:
        """The true target of each training row."""
        return true_values(self.oof, self.competition)

    @cached_property
    def fold_of_row(self) -> NDArray[np.int64]:
        """The fold that validates each row; below 0 where none does."""
        return self.oof["fold"].to_numpy(dtype=np.int64)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """What preprocessing did."""
        return pd.read_csv(paths.processed(self.name) / "summary.csv")


def in_words(name: str) -> str:
    """A model's name, or the blend's, in a sentence."""
    return "the blend" if name == BLEND else name


def prefix(own: OneTarget) -> str:
    """What titles begin with where there are several targets."""
    return f"{own.name}: " if own.name else ""


def has_model_scale(target: Target) -> bool:
    """Whether models train on another scale than the target's own, the same one in every fold."""
    return target.transform != "none" and not target.is_learnt


def residual(target: Target, actual: Array, predicted: Array) -> Array:
    """What predictions of numbers lack, on the scale that models train on if all folds share it."""
    if has_model_scale(target):
        return np.asarray(target.encode(actual) - target.encode(predicted))
    return np.asarray(actual - predicted)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` rows, evenly spaced from the first to the last."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def read_results(name: str) -> Results:
    """Read what the page shows.

    Raises:
        PodiumError: a model is not trained, or the ensemble stage has not run.
    """
    competition = load_config(only=name)[name]
    schema = read_schema(name)
    target = target_of(competition, schema)
    require_trained(competition)
    folder = paths.blend(name)
    if not (folder / "scores.csv").is_file():
        raise PodiumError(f"{folder / 'scores.csv'}: the models are not blended; run 'dvc repro'")
    return Results(
        competition=competition,
        schema=schema,
        target=target,
        metric=scored_by(target, competition.scoring),
        scores=pd.read_csv(folder / "scores.csv"),
        blend=files.read_json(folder / "metrics.json"),
        oof=pd.read_parquet(folder / "oof.parquet"),
        models=_models(competition),
        worth=pd.read_csv(folder / WORTH),
    )


def _models(competition: Competition) -> dict[str, ModelResults]:
    """The models that have results: one that the blend leaves out may have none."""
    found = {}
    for name, params in competition.models.items():
        folder = paths.model(competition.name, name)
        if (folder / "metrics.json").is_file():
            timing = folder / paths.TIMING
            found[name] = ModelResults(
                name=name,
                params=params,
                metrics=files.read_json(folder / "metrics.json"),
                timing=files.read_json(timing) if timing.is_file() else {},
                folder=folder,
            )
    return found
