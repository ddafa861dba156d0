"""The ensemble stage on many rows: as a process of its own, on made-up predictions of its models.

    python benchmarks/large_ensemble.py [--rows 200000] [--models 3] [--metric auc]

Seconds are those of the whole stage: imports, reading, weights of every fold, scores, the checked
submission, pictures.
"""

import argparse
import json
import resource
from pathlib import Path

import numpy as np
import pandas as pd

from common import edit, machine, project, timed, versions
from podium.data.dataset import FOLDS as FOLDS_FILE
from podium.data.dataset import folds_frame
from podium.metrics import METRICS

NAME, FOLDS = "large", 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="of train, and of test")
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--metric", choices=["auc", "logloss", "accuracy", "rmse"], default="auc")
    options = parser.parse_args()
    print(f"{machine()}, {versions('numpy', 'pandas')}", flush=True)
    with project({"provider": "sample"}) as root:
        names = [f"model{index}" for index in range(options.models)]
        edit(root, lambda params: params.update(block(names, options.metric)))
        write_results(root, names, options.rows, options.metric)
        seconds = timed(root, "podium", "ensemble", NAME)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        facts = json.loads((root / f"reports/{NAME}/blend/metrics.json").read_text())
    print(f"{options.metric}, {options.rows} + {options.rows} rows, {options.models} models: "
          f"{seconds:.1f} s, CPU {used.ru_utime + used.ru_stime:.1f} s, "
          f"peak {used.ru_maxrss / 1024:.0f} MiB; weights {facts['weights']}")  # fmt: skip


def block(names: list[str], metric: str) -> dict[str, object]:
    """The competition's block in params.yaml."""
    task = METRICS[metric].tasks[0]
    return {
        "competitions": [NAME],
        NAME: {
            "kind": "tabular", "source": {"provider": "local", "path": "."}, "task": task,
            "id": "id", "target": "y", "target_transform": "none", "metric": metric, "folds": {},
            "preprocess": {}, "models": {name: {"model": "ridge"} for name in names},
            "ensemble": {"method": "weighted"},
        },
    }  # fmt: skip


def write_results(root: Path, names: list[str], rows: int, metric: str) -> None:
    """What the stages before leave: models that see one signal, each through noise of its own."""
    generator = np.random.default_rng(0)
    ids = pd.Series(np.arange(2 * rows).astype(str), name="id")
    signal = generator.normal(size=2 * rows)
    regression = METRICS[metric].tasks[0] == "regression"
    classes = [] if regression else ["no", "yes"]
    y = signal + generator.normal(size=2 * rows)
    y = y if regression else (y > 0).astype(float)
    raw, processed = root / f"data/raw/{NAME}", root / f"data/processed/{NAME}"
    raw.mkdir(parents=True)
    processed.mkdir(parents=True)
    placeholder = 0.5 if METRICS[metric].needs == "probabilities" else "no" if classes else 0
    sample = pd.DataFrame({"id": ids[rows:], "y": placeholder})
    sample.to_csv(raw / "sample_submission.csv", index=False)
    schema = {
        "id": "id", "target": "y", "task": METRICS[metric].tasks[0], "classes": classes,
        "fit_on": "fold", "provider": "local", "synthetic": False, "data_sha256": "",
        "folds_sha256": "", "scheme": "kfold",
    }  # fmt: skip
    (processed / "schema.json").write_text(json.dumps(schema))
    fold = generator.integers(FOLDS, size=rows)
    folds_frame(ids[:rows], fold[:, None]).to_parquet(processed / FOLDS_FILE, index=False)
    for index, name in enumerate(names):
        seen = signal + (0.5 + 0.2 * index) * generator.normal(size=2 * rows)
        share = 1 / (1 + np.exp(-1.5 * seen))
        predicted = (
            {"prediction": seen} if regression else {"prob_no": 1 - share, "prob_yes": share}
        )
        table = pd.DataFrame({"id": ids, **predicted})
        folder = root / f"models/{NAME}/{name}"
        folder.mkdir(parents=True)
        table[:rows].assign(true_y=y[:rows], fold=fold).to_parquet(folder / "oof.parquet")
        table[rows:].reset_index(drop=True).to_parquet(folder / "test.parquet")
        scores = {"cv": 0.5, "cv_mean": 0.5, "cv_std": 0.0, "folds": {}}
        (folder / "metrics.json").write_text(json.dumps(scores))


if __name__ == "__main__":
    main()
