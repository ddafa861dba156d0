"""``podium compare``: two models, runs or revisions on the same folds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition, load_config
from podium.config.names import BLEND
from podium.data.dataset import FOLDS, read_folds
from podium.data.several_targets import each_target, scored_by
from podium.data.targets import Target
from podium.ensemble.paired import Paired, paired
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.text import nearest, printable
from podium.metrics import Array, Metric, nested_decisions
from podium.runtime import revisions
from podium.stages.common import read_schema, target_of, true_columns, true_values

# An MLflow run's id, or its first digits.
RUN_ID = re.compile(r"[0-9a-f]{6,32}")
OOF = "oof.parquet"
MOST_RUNS = 5000
# Of a run's id in the table.
ID_LENGTH = 8


@dataclass(frozen=True)
class Results:
    """OOF predictions, as the metric takes them, with the ids, targets and folds of their rows."""

    name: str
    ids: "pd.Series[str]"
    y: Array
    prediction: Array
    fold_of_row: NDArray[np.int64]


def compare(name: str, first: str, second: str) -> None:
    """Print the paired difference of two models of a competition.

    Args:
        name: the competition.
        first: a model's name or ``blend``, with ``@REVISION`` as a commit has it; or the id of an
            MLflow run.
        second: the same.

    Raises:
        PodiumError: there are no such results, or both are the same; or they are of other rows or
            folds.
    """
    competition = load_config(only=name)[name]
    if first == second:
        raise PodiumError(f"'{printable(first)}' is named twice; name two results")
    target = target_of(competition, read_schema(name))
    one, other = read_results(competition, first, second)
    metric = scored_by(target, competition.scoring)
    found = paired(metric, one.y, one.prediction, other.prediction, one.fold_of_row)
    by_target = list(_target_lines(competition.scoring, target, one, other))
    for line in _lines(competition.name, metric, found, one, other, by_target):
        print(line)


def read_results(competition: Competition, *names: str) -> list[Results]:
    """The OOF predictions of models, revisions' models or MLflow runs, named as in ``compare``.

    Raises:
        PodiumError: there are no such results, or they are of different rows or folds.
    """
    target = target_of(competition, read_schema(competition.name))
    with files.scratch() as folder:
        results = [
            _read(competition, target, name, folder / str(at)) for at, name in enumerate(names)
        ]
    for other in results[1:]:
        _check_same(results[0], other)
    return results


def compare_runs(first: str, second: str) -> None:
    """Print the paired difference of two runs of whichever competition has them.

    Args:
        first: an MLflow run's id, or its first digits.
        second: the same.

    Raises:
        PodiumError: as ``compare``; one is no run's id, or they are of two competitions.
    """
    for which in (first, second):
        if not RUN_ID.fullmatch(which):
            raise PodiumError(
                f"'{printable(which)}': no run's id (6 to 32 of 0-9, a-f); name the competition "
                "before two models, or two runs of 'podium runs'"
            )
    if first == second:
        raise PodiumError(f"'{first}' is named twice; name two results")
    one, other = _competitions_of([first, second])
    if one != other:
        raise PodiumError(f"'{first}' is of {one}, '{second}' of {other}: nothing to compare")
    compare(one, first, second)


def _competitions_of(run_ids: Sequence[str]) -> list[str]:
    """The competition of each run.

    Raises:
        PodiumError: there is no such run, or several.
    """
    from podium.runtime.tracking import open_store, warn_if_not_logged

    warn_if_not_logged(30)
    with open_store() as client:
        names = {found.experiment_id: found.name for found in client.search_experiments()}
        runs = client.search_runs(list(names), max_results=MOST_RUNS)
    return [names[_the_run(runs, run_id).info.experiment_id] for run_id in run_ids]


def _the_run(runs: Sequence[Any], run_id: str, competition: str = "") -> Any:
    """The run whose id begins so, of a competition's runs or of all.

    Raises:
        PodiumError: there is none, or there are several.
    """
    found = [run for run in runs if run.info.run_id.startswith(run_id)]
    if len(found) != 1:
        where = f"{competition}: " if competition else ""
        raise PodiumError(
            f"{where}{len(found) or 'no'} runs have an id that starts with '{run_id}'; "
            f"'podium runs {competition or 'COMPETITION'}' lists them"
        )
    return found[0]


def _read(competition: Competition, target: Target, which: str, folder: Path) -> Results:
    folder.mkdir()
    path = _oof(competition, which, folder)
    table = pd.read_parquet(path)
    names = (*target.columns, *true_columns(competition), "fold")
    missing = [name for name in names if name not in table]
    if missing:
        raise PodiumError(
            f"'{printable(which)}': its predictions have no column '{printable(missing[0])}': they "
            f"are of another target than {competition.target}, or of other classes"
        )
    table = _own(target, table)
    scored = _scored(competition, target, table)
    # Rows that no fold validates have no prediction.
    known = ~np.isnan(scored).any(axis=1)
    table = table[known]
    return Results(
        name=which[:ID_LENGTH] if RUN_ID.fullmatch(which) else which,
        ids=table[competition.id].astype(str).reset_index(drop=True),
        y=true_values(table, competition),
        prediction=target.scorable(scored[known]),
        fold_of_row=table["fold"].to_numpy(np.int64),
    )


def _own(target: Target, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the blend's own predictions, where it has another model's beside them."""
    own = [*target.nested_columns, *target.nested_decided_columns]
    as_usual = dict(zip(own, [*target.columns, *target.decided_columns], strict=True))
    there = {nested: name for nested, name in as_usual.items() if nested in table}
    return table.drop(columns=[*there.values()]).rename(columns=there)


def _scored(competition: Competition, target: Target, table: pd.DataFrame) -> Array:
    """What ``metrics.json`` scores: predictions, or what thresholds and cut points decide.

    A blend has that in its table; a model's are tuned again on the other folds' rows.
    """
    if competition.scoring.is_tuned and set(target.decided_columns) <= set(table):
        return table[target.decided_columns].to_numpy(np.float64)
    y, p = true_values(table, competition), table[target.columns].to_numpy(np.float64)
    fold_of_row, trained = table["fold"].to_numpy(np.int64), _trained(competition, table)
    decided = [
        nested_decisions(competition.scoring, own.y(y), own.of(p), fold_of_row, trained=trained)[1]
        for own in each_target(target)
    ]
    return np.concatenate(decided, axis=1)


def _trained(competition: Competition, table: pd.DataFrame) -> NDArray[np.bool_] | None:
    """The rows that each fold trains on, where the folds are those of the preprocessed data."""
    path = paths.processed(competition.name) / FOLDS
    if not competition.scoring.is_tuned or not path.is_file():
        return None
    stored = pd.read_parquet(path)
    found = read_folds(stored)
    ids, folds = stored[competition.id].astype(str), found["folds"][:, 0]
    own = table[competition.id].astype(str), table["fold"].to_numpy(np.int64)
    is_same = ids.tolist() == own[0].tolist() and np.array_equal(folds, own[1])
    return found["trained"] if is_same else None


def _oof(competition: Competition, which: str, folder: Path) -> Path:
    """The file with the OOF predictions of a model, a revision's model, or a run."""
    model, at, revision = which.partition("@")
    if model in (*competition.models, BLEND):
        place = paths.blend if model == BLEND else lambda name: paths.model(name, model)
        path = place(competition.name) / OOF
        if at and not revision:
            raise PodiumError(f"'{printable(which)}': name a commit after '@', as in {model}@HEAD")
        if at:
            revisions.fetch(revision, path, folder / OOF)
            return folder / OOF
        if not path.is_file():
            raise PodiumError(f"{path}: {model} is not trained; run 'dvc repro'")
        return path
    if RUN_ID.fullmatch(which):
        return _of_run(competition, which, folder)
    hint = nearest(model, [*competition.models, BLEND])
    raise PodiumError(
        f"{competition.name}: no model and no MLflow run's id '{printable(which)}'; {hint}"
    )


def _of_run(competition: Competition, run_id: str, folder: Path) -> Path:
    """The OOF predictions that a run logged.

    Raises:
        PodiumError: there is no such run, or it has none.
    """
    from podium.runtime.tracking import open_store, warn_if_not_logged

    warn_if_not_logged(30)
    with open_store() as client:
        experiment = client.get_experiment_by_name(competition.name)
        places = [experiment.experiment_id] if experiment else []
        runs = client.search_runs(places, max_results=MOST_RUNS) if places else []
        found = _the_run(runs, run_id, competition.name).info.run_id
        if OOF not in [one.path for one in client.list_artifacts(found)]:
            raise PodiumError(
                f"run {found}: has no OOF predictions: it was logged by an earlier Podium, or "
                "is of no model"
            )
        return Path(client.download_artifacts(found, OOF, str(folder)))


def _check_same(first: Results, second: Results) -> None:
    if not first.ids.equals(second.ids) or not np.array_equal(first.y, second.y):
        raise PodiumError(
            f"'{first.name}' and '{second.name}' predict other rows or another target "
            f"({len(first.ids)} and {len(second.ids)} rows), so there is nothing to pair"
        )
    if not np.array_equal(first.fold_of_row, second.fold_of_row):
        raise PodiumError(
            f"'{first.name}' and '{second.name}' have other folds; compare results of the same "
            "folds: train both with the same block 'folds'"
        )


def _target_lines(
    metric: Metric, target: Target, one: Results, other: Results
) -> Iterator[tuple[str, float, float, float]]:
    """The scores of each of several targets, of all rows, and by how much the first is better."""
    for own in each_target(target):
        if own.name:
            y = own.y(one.y)
            predicted = [own.target.scorable(own.of(two.prediction)) for two in (one, other)]
            first, second = (metric(y, prediction) for prediction in predicted)
            yield own.name, first, second, metric.as_loss(second) - metric.as_loss(first)


def _lines(
    name: str,
    metric: Metric,
    found: Paired,
    one: Results,
    other: Results,
    by_target: Sequence[tuple[str, float, float, float]] = (),
) -> list[str]:
    """The table of folds, and what it says."""
    width = max(12, len(one.name) + 2, len(other.name) + 2)
    lines = [
        f"{name}: {metric.title} on the same {len(found.folds)} folds, "
        f"{len(one.y)} rows; {'higher' if metric.greater_is_better else 'lower'} is better",
        f"{'fold':<8}{one.name:>{width}}{other.name:>{width}}{'better by':>12}",
    ]
    rows = zip(found.folds, found.first_folds, found.second_folds, found.fold_gains, strict=True)
    for fold, first, second, gain in rows:
        lines.append(f"{fold:<8}{first:>{width}.5f}{second:>{width}.5f}{gain:>+12.5f}")
    lines.append(
        f"{'all':<8}{found.first:>{width}.5f}{found.second:>{width}.5f}{found.gain:>+12.5f}"
    )
    for target, first, second, gain in by_target:
        lines.append(f"{printable(target):<8}{first:>{width}.5f}{second:>{width}.5f}{gain:>+12.5f}")
    better = int((found.fold_gains > 0).sum())
    lines += [
        f"mean over folds {found.fold_gain:+.5f} ± {found.standard_error:.5f} (standard error), "
        f"{one.name} better on {better} of {len(found.folds)} folds",
        f"95 % interval of all rows' difference: {found.low:+.5f} to {found.high:+.5f} "
        f"({found.draws} resamples of rows)",
        _verdict(found, one, other),
    ]
    return lines


def _verdict(found: Paired, one: Results, other: Results) -> str:
    if not found.is_clear:
        return f"these rows don't tell {one.name} and {other.name} apart"
    best, worse = (one, other) if found.gain > 0 else (other, one)
    return f"{best.name} is better than {worse.name} by {abs(found.gain):.5f}"
