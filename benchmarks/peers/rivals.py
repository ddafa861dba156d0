"""Other packages on a table's folds: each a script, run by its own environment, within a time."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peers.setup_env import HERE, python
from podium.metrics import METRICS

# Its environment, its script, and which of the package's models it is.
RIVALS = {
    "autogluon": ("autogluon", "fit_autogluon.py", "folds"),
    "autogluon-bagged": ("autogluon", "fit_autogluon.py", "bagged"),
    "catboost": ("catboost", "fit_catboost.py", ""),
    "lightgbm": ("lightgbm", "fit_lightgbm.py", ""),
    "realmlp": ("pytabkit", "fit_pytabkit.py", "RealMLP_TD"),
    "tabm": ("pytabkit", "fit_pytabkit.py", "TabM_D"),
}
# A script that has not ended by itself is stopped after so many times its seconds, and some more
# for imports; it has no result then.
PATIENCE, IMPORTS = 1.5, 60.0
PODIUM = "podium"
SCRIPTS = HERE.parent / "peer_scripts"


@dataclass(frozen=True)
class Task:
    """What is predicted: features, target (class codes for classes), the fold of each row."""

    x: pd.DataFrame
    y: NDArray[np.float64]
    fold: NDArray[np.int64]
    task: str
    metric: str


def check(names: Sequence[str]) -> str:
    """What is wrong with names of rivals; nothing if nothing is."""
    for name in names:
        if name not in RIVALS:
            return f"--peers: no peer '{name}'; there are {', '.join(RIVALS)}"
        if not python(RIVALS[name][0]).is_file():
            return f"--peers: python benchmarks/peers/setup_env.py {RIVALS[name][0]} comes first"
    return ""


def rows_of(
    table: str, task: Task, names: Sequence[str], seconds: float, threads: int
) -> Iterator[dict[str, Any]]:
    """Each rival's pooled OOF score and seconds on a table."""
    for name in names:
        started = time.perf_counter()
        score, note = _score(name, task, seconds, threads)
        spent = round(time.perf_counter() - started, 1)
        yield row(table, task.metric, name, score, spent, note)


def row(
    table: str, metric: str, name: str, score: float, seconds: float, note: str = ""
) -> dict[str, Any]:
    """A row of the table."""
    facts = {"table": table, "metric": metric, "peer": name, "score": round(score, 5)}
    return {**facts, "seconds": round(seconds, 1), "note": note}


def read_rows(path: Path | None) -> list[dict[str, Any]]:
    """Rows of earlier runs."""
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def add_row(path: Path | None, row: Mapping[str, Any]) -> None:
    """Keep a row."""
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def _score(name: str, task: Task, seconds: float, threads: int) -> tuple[float, str]:
    """The pooled OOF score, NaN without one, and what went wrong."""
    environment, script, variant = RIVALS[name]
    with TemporaryDirectory(prefix="podium-peer-") as place:
        folder = Path(place)
        _write(folder, task, seconds, threads, variant)
        command = [str(python(environment)), str(SCRIPTS / script), str(folder)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=_environment(threads),
                timeout=PATIENCE * seconds + IMPORTS,
                capture_output=True,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return float("nan"), "not done in time"
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["failed"])[-1]
            return float("nan"), said[:80]
        oof = pd.read_parquet(folder / "oof.parquet").to_numpy()
    return pooled(task, oof), ""


def pooled(task: Task, oof: NDArray[np.float64]) -> float:
    """The metric of all rows' predictions."""
    metric = METRICS[task.metric]
    if task.task == "regression":
        least = metric.minimum
        return metric(task.y, np.maximum(oof[:, 0], -np.inf if least is None else least))
    return metric(task.y, oof)


def _write(folder: Path, task: Task, seconds: float, threads: int, variant: str) -> None:
    """The script's input; categories as text, which every version of pandas reads."""
    names = task.x.select_dtypes(exclude="number")
    plain = {name: task.x[name].astype(object).astype("category") for name in names}
    table = task.x.assign(**plain, __target__=task.y, __fold__=task.fold)
    table.to_parquet(folder / "train.parquet", index=False)
    classes = 0 if task.task == "regression" else int(task.y.max()) + 1
    job = {"task": task.task, "metric": task.metric, "classes": classes, "variant": variant}
    (folder / "job.json").write_text(json.dumps({**job, "seconds": seconds, "threads": threads}))


def _environment(threads: int) -> dict[str, str]:
    """This process's, with so many threads and without what belongs to its own environment."""
    hidden = ("PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV")
    own = {key: value for key, value in os.environ.items() if key not in hidden}
    # Threads wait without spinning, as Podium's do: who spins pays for every neighbour.
    threading = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    return {**own, **threading, "PYTHONWARNINGS": "ignore"}


def with_distances(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """All rows with how much worse each is than the table's best, in percent of the best score."""
    table = pd.DataFrame(rows)
    sign = table["metric"].map(lambda name: -1.0 if METRICS[name].greater_is_better else 1.0)
    losses = sign * table["score"]
    best = losses.groupby(table["table"]).transform("min")
    table.insert(4, "worse by %", (100 * (losses - best) / best.abs()).round(2))
    return table


def outcome(table: pd.DataFrame) -> Iterator[str]:
    """How often each has the best score, and its largest and mean distance from the best."""
    tables = table["table"].nunique()
    for name, own in table.groupby("peer", sort=False):
        done = own.dropna(subset="score")
        wins = int((done["worse by %"] == 0).sum())
        yield (
            f"- {name}: best on {wins} of {tables}; worse than the best by "
            f"{done['worse by %'].mean():.2f} % on average, {done['worse by %'].max():.2f} % at "
            f"most; {own['seconds'].sum():.0f} s"
            + (f"; no result on {len(own) - len(done)}" if len(own) > len(done) else "")
        )
