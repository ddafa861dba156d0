"""Podium's defaults on tables in Kaggle's shape, against scikit-learn's with theirs.

    PODIUM_TABLES=<folder of folders> python benchmarks/tables.py [--only adult,deliveries]
                                      [--peers all --seconds 300 --threads 2]

Each folder has train.csv, test.csv and sample_submission.csv. Podium runs by ``dvc repro`` with
models ``{}``; scikit-learn's models are fitted on the same folds, on numbers with their medians in
place of missing values, standardized, and one-hot levels (boosting: native categories); "average"
is the mean of the predictions of linear and boosting. A model wins if its mean score over folds is
better, and is level if it is worse by no more than half a standard error of the paired differences.
Seconds are those of fitting all folds.

With ``--peers`` other packages take scikit-learn's place: ``peers/setup_env.py`` makes their
environments. Each has the same folds, threads and wall time; what is compared is the pooled OOF
score. Podium's seconds are those of its whole ``dvc repro``, whatever it takes. With ``--rows``
each result is kept in a file, a line of JSON each; what it has already is not run again.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from common import edit, machine, project, timed, versions
from peers import rivals
from podium.config import Ensemble, Folds, Preprocess, Source, TableCompetition
from podium.metrics import METRICS

Array = NDArray[np.float64]
TABLES = "PODIUM_TABLES"
NA_VALUES = ["", "NA", "?"]
# Target, task and metric of each table.
KNOWN = {
    "diamonds": ("price", "regression", "rmsle"),
    "hotel-rates": ("avg_price_per_room", "regression", "rmse"),
    "deliveries": ("time_to_delivery", "regression", "mae"),
    "adult": ("income", "binary", "auc"),
    "german-credit": ("c20", "binary", "logloss"),
    "lending-club": ("Class", "binary", "auc"),
    "telco-churn": ("churn", "binary", "accuracy"),
    "hpc-jobs": ("class", "multiclass", "logloss"),
}
# Podium's models, each with scikit-learn's that it must not lose against.
PAIRS = {"ridge": "linear", "lightgbm": "boosting", "mlp": "network"}
PEERS = ("linear", "boosting", "network")
AVERAGE = ("linear", "boosting")
WORDS = {"True": "yes", "False": "no"}


@dataclass(frozen=True)
class Result:
    """Each fold's score, as the metric gives it, and the seconds of all fits."""

    folds: Array
    seconds: float


@dataclass(frozen=True)
class Table:
    """A training table: features, target (class codes for classes), the fold of each row."""

    x: pd.DataFrame
    y: Array
    fold: NDArray[np.int64]
    task: str
    metric: str


def main() -> None:
    """Run, compare, print, and write a page if asked for."""
    options = read_options()
    warnings.simplefilter("ignore")
    print(f"{machine()}, {versions('scikit-learn', 'lightgbm', 'torch')}", flush=True)
    if options.peers:
        beside_rivals(options)
        return
    rows = [row for name in options.only for row in compare(Path(options.data), name)]
    table = pd.DataFrame(rows)
    text = "\n".join([*markdown(table), "", *summary(table)])
    print(text)
    if options.out:
        Path(options.out).write_text(text + "\n")


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get(TABLES), help=f"folder; {TABLES}")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(KNOWN))
    parser.add_argument("--out", help="write the tables there")
    names = ", ".join(rivals.RIVALS)
    parser.add_argument("--peers", type=lambda text: text.split(","), help=f"{names}; or all")
    parser.add_argument("--seconds", type=float, default=300.0, help="of each peer on a table")
    parser.add_argument("--threads", type=int, default=2, help="of each peer, and of Podium")
    parser.add_argument("--rows", type=Path, help="results of --peers; none of them is run again")
    options = parser.parse_args()
    if options.peers == ["all"]:
        options.peers = list(rivals.RIVALS)
    if wrong := rivals.check(options.peers or []):
        sys.exit(wrong)
    if not options.data:
        sys.exit(f"{TABLES} names no folder")
    return options


def competition_of(name: str, **folds: Any) -> TableCompetition:
    """A table as a competition without models; ``folds`` are keys of that block."""
    target, task, metric = KNOWN[name]
    return TableCompetition(
        name=name,
        kind="tabular",
        source=Source(),
        task=task,  # type: ignore[arg-type]
        id="row_id",
        target=target,
        target_transform="log1p" if metric == "rmsle" else "none",
        metric=metric,
        folds=Folds(scheme="kfold" if task == "regression" else "stratified", **folds),
        models={},
        ensemble=Ensemble(),
        preprocess=Preprocess(na_values=NA_VALUES),
    )


def compare(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """One row for each of Podium's results: beside its counterpart, and the best of all peers."""
    table, ours, _, _ = run_podium(folder, name)
    peers = fit_peers(table)
    for model, result in ours.items():
        row = compared(name, table.metric, model, result, peers)
        print(*(f"{value}" for value in row.values()), sep="  ", flush=True)
        yield row


def beside_rivals(options: argparse.Namespace) -> None:
    """Podium and other packages on each table: scores, seconds, distances to the best."""
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    rows = rivals.read_rows(options.rows)
    for name in options.only:
        done = {row["peer"] for row in rows if row["table"] == name}
        for row in new_rows(options, name, done):
            print(*row.values(), sep="  ", flush=True)
            rivals.add_row(options.rows, row)
            rows.append(row)
    table = rivals.with_distances([row for row in rows if row["table"] in options.only])
    text = "\n".join([*markdown(table), "", *rivals.outcome(table)])
    print(text)
    if options.out:
        Path(options.out).write_text(text + "\n")


def new_rows(options: argparse.Namespace, name: str, done: set[str]) -> Iterator[dict[str, Any]]:
    """The rows of a table that are not done."""
    others = [peer for peer in options.peers if peer not in done]
    if rivals.PODIUM not in done:
        table, _, score, seconds = run_podium(Path(options.data), name)
        yield rivals.row(name, table.metric, rivals.PODIUM, score, seconds)
    elif others:
        with made(Path(options.data), name) as root:
            timed(root, "dvc", "repro", f"preprocess@{name}")
            table = read_table(Path(options.data), name, root)
    if others:
        task = rivals.Task(table.x, table.y, table.fold, table.task, table.metric)
        yield from rivals.rows_of(name, task, others, options.seconds, options.threads)


def run_podium(folder: Path, name: str) -> tuple[Table, dict[str, Result], float, float]:
    """The table, Podium's results, the pooled score of what it submits, seconds of all stages."""
    with made(folder, name) as root:
        seconds = timed(root, "dvc", "repro")
        blend = json.loads((root / f"reports/{name}/blend/metrics.json").read_text())
        found = read_table(folder, name, root), podium_results(root, name), blend["cv"], seconds
        # What logs runs may still be at it.
        timed(root, "podium", "sync")
    return found


@contextmanager
def made(folder: Path, name: str) -> Iterator[Path]:
    """A project with the competition."""
    with project({"provider": "sample"}) as root:
        edit(root, lambda params: params.update(block(folder, name)))
        timed(root, "dvc", "init", "--no-scm", "-q")
        timed(root, "podium", "sync")
        yield root


def block(folder: Path, name: str) -> dict[str, Any]:
    """The competition's block in params.yaml."""
    target, task, metric = KNOWN[name]
    return {
        "competitions": [name],
        name: {
            "kind": "tabular",
            "source": {"provider": "local", "path": str((folder / name).resolve())},
            "task": task,
            "id": "row_id",
            "target": target,
            "target_transform": "log1p" if metric == "rmsle" else "none",
            "metric": metric,
            "folds": {"scheme": "kfold" if task == "regression" else "stratified"},
            "preprocess": {"na_values": NA_VALUES},
            "models": {model: {} for model in PAIRS},
            "ensemble": {},
        },
    }


def podium_results(root: Path, name: str) -> dict[str, Result]:
    """The models' and the submitted predictions' scores."""
    results = {}
    for model in PAIRS:
        own = root / f"models/{name}/{model}"
        seconds = json.loads((own / "timing.json").read_text())["fit_seconds"]
        results[model] = Result(fold_scores(own / "metrics.json"), seconds)
    blend = root / f"reports/{name}/blend/metrics.json"
    total = sum(result.seconds for result in results.values())
    return results | {"submitted": Result(fold_scores(blend), total)}


def fold_scores(path: Path) -> Array:
    """Each fold's score, in order."""
    folds: Mapping[str, float] = json.loads(path.read_text())["folds"]
    return np.array([folds[fold] for fold in sorted(folds, key=int)])


def read_table(folder: Path, name: str, root: Path) -> Table:
    """The raw training table and Podium's folds of it."""
    target, task, metric = KNOWN[name]
    raw = pd.read_csv(folder / name / "train.csv", keep_default_na=False, na_values=NA_VALUES)
    folds = pd.read_parquet(root / f"data/processed/{name}/folds.parquet")
    y = raw[target] if task == "regression" else pd.Categorical(raw[target]).codes
    x = raw.drop(columns=["row_id", target])
    for column in x.select_dtypes(exclude="number"):
        dates = pd.to_datetime(x[column], format="%Y-%m-%d", errors="coerce")
        if dates.notna().all():
            parts = {part: getattr(dates.dt, part) for part in ("year", "month", "day", "weekday")}
            x = x.assign(**parts, days=(dates - dates.min()).dt.days).drop(columns=column)
        else:
            x[column] = x[column].astype("category")
    return Table(x, np.asarray(y, dtype=float), folds["repeat_0"].to_numpy(), task, metric)


def fit_peers(table: Table) -> dict[str, Result]:
    """Scikit-learn's models, and the mean of two of them."""
    predicted = {peer: fit_peer(peer, table) for peer in PEERS}
    results = {
        peer: Result(scored(table, predictions), seconds)
        for peer, (predictions, seconds) in predicted.items()
    }
    both = zip(*(predicted[peer][0] for peer in AVERAGE), strict=True)
    mean = [np.mean(pair, axis=0) for pair in both]
    seconds = sum(results[peer].seconds for peer in AVERAGE)
    return results | {"average": Result(scored(table, mean), seconds)}


def fit_peer(peer: str, table: Table) -> tuple[list[Array], float]:
    """Predictions of each fold's rows by a model of scikit-learn with its defaults; seconds."""
    started, predictions = time.perf_counter(), []
    least = METRICS[table.metric].minimum
    for fold in range(int(table.fold.max()) + 1):
        train, known = table.fold != fold, table.x[table.fold == fold]
        model = PEER_MODELS[peer](table)
        model.fit(table.x[train], table.y[train])
        regression = table.task == "regression"
        found = model.predict(known) if regression else model.predict_proba(known)
        predictions.append(np.maximum(found, -np.inf if least is None else least))
    return predictions, time.perf_counter() - started


def scored(table: Table, predictions: list[Array]) -> Array:
    """Each fold's score."""
    metric = METRICS[table.metric]
    return np.array(
        [
            metric(table.y[table.fold == fold], predicted)
            for fold, predicted in enumerate(predictions)
        ]
    )


def _boosting(table: Table) -> Any:
    """On native categories; unseen and missing levels are missing values to it."""
    if table.task != "regression":
        return HistGradientBoostingClassifier(random_state=0)
    return _on_scale(HistGradientBoostingRegressor(random_state=0), table, standardized=False)


def _linear(table: Table) -> Any:
    if table.task != "regression":
        return make_pipeline(_matrix(), LogisticRegression(max_iter=1000))
    return _on_scale(make_pipeline(_matrix(), Ridge()), table, standardized=False)


def _network(table: Table) -> Any:
    if table.task != "regression":
        return make_pipeline(_matrix(), MLPClassifier(random_state=0))
    return _on_scale(make_pipeline(_matrix(), MLPRegressor(random_state=0)), table, True)


PEER_MODELS: dict[str, Callable[[Table], Any]] = {
    "linear": _linear,
    "boosting": _boosting,
    "network": _network,
}


def _matrix() -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
    )


def _on_scale(model: Any, table: Table, standardized: bool) -> Any:
    """A regressor on the log scale for RMSLE, as Podium's; networks need a target near 0."""
    if standardized:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    if table.metric != "rmsle":
        return model
    return TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)


def compared(
    name: str, metric: str, model: str, own: Result, peers: dict[str, Result]
) -> dict[str, Any]:
    """A result beside its counterpart; what is submitted beside the best of all peers."""
    sign = -1.0 if METRICS[metric].greater_is_better else 1.0
    best = min(peers, key=lambda peer: sign * peers[peer].folds.mean())
    peer = PAIRS.get(model, best)
    worse = sign * (own.folds - peers[peer].folds)
    error = worse.std(ddof=1) / np.sqrt(len(worse))
    gains = {peer: -sign * (own.folds - peers[peer].folds) for peer in ("boosting", "average")}
    return {
        "table": name,
        "metric": metric,
        "model": model,
        "score": round(float(own.folds.mean()), 5),
        "peer": peer,
        "its score": round(float(peers[peer].folds.mean()), 5),
        "better by": round(-float(worse.mean()), 5),
        "standard error": round(float(error), 5),
        # The last digits of two solvers of one problem differ.
        "level or better": bool(round(worse.mean(), 5) <= round(error / 2, 5)),
        "better": bool(round(worse.mean(), 5) < 0),
        **{f"than {peer}": round(float(gain.mean()), 5) for peer, gain in gains.items()},
        "seconds": round(own.seconds, 1),
        "its seconds": round(peers[peer].seconds, 1),
    }


def markdown(table: pd.DataFrame) -> Iterator[str]:
    """The table as lines of Markdown."""
    yield "| " + " | ".join(table.columns) + " |"
    yield "|" + "---|" * table.shape[1]
    for row in table.to_dict("records"):
        yield "| " + " | ".join(WORDS.get(str(value), str(value)) for value in row.values()) + " |"


def summary(table: pd.DataFrame) -> Iterator[str]:
    """How many tables each of Podium's results wins."""
    for model, own in table.groupby("model", sort=False):
        yield (
            f"- {model}: level with its peer or better on {own['level or better'].sum()} of "
            f"{len(own)}, better on {own['better'].sum()}, better than boosting on "
            f"{(own['than boosting'] > 0).sum()}, than the average of linear and boosting on "
            f"{(own['than average'] > 0).sum()}; {own['seconds'].sum():.0f} s, its peers "
            f"{own['its seconds'].sum():.0f} s, at most "
            f"{(own['seconds'] / own['its seconds'].clip(0.1)).max():.1f} times its peer's"
        )


if __name__ == "__main__":
    main()
