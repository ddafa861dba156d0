"""What ``test: refit`` and ``both`` are worth on rows that are held out as a pretended test set.

    PODIUM_HOUSE_PRICES=<folder> PODIUM_TABLES=<folder of folders> python benchmarks/refit.py
        [--only house-prices,german-credit] [--models ridge,mlp] [--seeds 4] [--wide]

For each seed a quarter of train.csv is held out; the rest gets five folds (of the same seed),
models of params.yaml (house prices) or with their defaults, and a blend whose weights are fitted on
OOF predictions. A gain is by how much the score of the held-out rows is better than that of the
folds' models, in per cent of it, with its standard error over seeds.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common import HOUSES, REAL_FILES, ROOT, machine, versions
from podium.config import Folds, Source, TableCompetition, load_config
from podium.config.models import TABLE_MODELS
from podium.config.schema import Files
from podium.data.sample_submission import make_sample
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.features.row_wise import with_features
from podium.data.tabular.prepare import make_dataset
from podium.data.tabular.read import read_raw
from podium.ensemble.several_targets import blend_targets
from podium.models import Fit
from podium.models.auto import resolve_params
from podium.models.fit import fit_splits, of_test_rows, refit_on_all, score_splits
from podium.stages.common import target_of
from tables import TABLES
from tables import competition_of as table_competition

Array = NDArray[np.float64]
MANIFEST: dict[str, object] = {"provider": "local", "synthetic": False, "files": []}
SHARE = 0.25
WAYS = ("folds", "refit", "both")
DEFAULT = (HOUSES, "german-credit", "telco-churn", "hpc-jobs")


@dataclass(frozen=True)
class Case:
    """A table with held-out rows: what the models read, and the true targets of these rows."""

    competition: TableCompetition
    data: TableDataset
    y: Array


def main() -> None:
    """A line for each model and the blend of each table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(DEFAULT))
    parser.add_argument("--models", type=lambda text: text.split(","), default=[])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--wide", action="store_true", help="as many on all rows as in all folds")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.chdir(ROOT)
    print(f"{machine()}, {versions('scikit-learn', 'lightgbm', 'torch')}", flush=True)
    print("| table | metric | model | folds | gain of refit, % | gain of both, % | seeds |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only:
        scores: dict[str, list[Array]] = {}
        case = None
        for seed in range(options.seeds):
            case = held_out(name, seed, options.models)
            for model, own in scored(case, options.wide):
                scores.setdefault(model, []).append(own)
                print(f"# {name} seed {seed} {model} {own}", file=sys.stderr, flush=True)
        assert case is not None
        for model, rows in scores.items():
            show(name, case.competition, model, np.stack(rows))


def held_out(name: str, seed: int, models: list[str]) -> Case:
    """Hold rows out, and prepare the others."""
    competition = competition_of(name, seed)
    asked = {
        one: competition.models[one].model_copy(update={"test": "both"})
        for one in models or competition.models
    }
    competition = competition.model_copy(update={"models": asked})
    variable = REAL_FILES if name == HOUSES else TABLES
    if variable not in os.environ:
        sys.exit(f"{variable} names no folder")
    folder = Path(os.environ[variable]) / ("" if name == HOUSES else name)
    table = pd.read_csv(folder / "train.csv", dtype=str, keep_default_na=False)
    order = np.random.default_rng(seed).permutation(len(table))
    test = table.iloc[order[: round(SHARE * len(table))]]
    target = str(competition.target)
    with TemporaryDirectory() as made:
        place = Path(made)
        table.drop(test.index).to_csv(place / "train.csv", index=False)
        test.drop(columns=target).to_csv(place / "test.csv", index=False)
        sample = test[[competition.id]].assign(**{target: 1})
        if competition.source.files.sample_submission:
            sample.to_csv(place / "sample_submission.csv", index=False)
        else:
            make_sample(place, competition)
        raw, _ = with_features(read_raw(place, competition), competition)
        data = make_dataset(raw, competition, MANIFEST)
    truth = test.set_index(competition.id)[target].reindex(data.test_ids.astype(str))
    if data.schema.classes:
        y = truth.map({label: code for code, label in enumerate(data.schema.classes)})
    else:
        y = truth.astype(float)
    return Case(competition, data, y.to_numpy(dtype=np.float64))


def competition_of(name: str, seed: int) -> TableCompetition:
    """House prices as they ship, or a table with models as they are by default."""
    if name == HOUSES:
        shipped = load_config(only=HOUSES)[HOUSES]
        assert isinstance(shipped, TableCompetition)
        return shipped.model_copy(update={"folds": Folds(seed=seed)})
    models = {
        model: TABLE_MODELS[model].params(model=model) for model in ("ridge", "lightgbm", "mlp")
    }
    source = Source(files=Files(sample_submission=None))
    table = table_competition(name, seed=seed)
    return table.model_copy(update={"models": models, "source": source})


def scored(case: Case, wide: bool = False) -> Iterator[tuple[str, Array]]:
    """The scores on the held-out rows of each model and of the blend, in the order of ``WAYS``.

    ``wide``: as many networks or boosters are trained on all rows as there are in all folds.
    """
    competition, data = case.competition, case.data
    target, metric = target_of(competition, data.schema), competition.scoring

    def score(test: Array) -> float:
        return float(metric(case.y, target.scorable(test)))

    oof, tests = [], []
    for model, params in competition.models.items():
        values = resolve_params(params, data, target, metric)
        fit = Fit(data, target, values, metric)
        splits = fit_splits(fit)
        if wide and hasattr(values, "seeds"):
            seeds = values.seeds * len(splits)
            fit = replace(fit, params=values.model_copy(update={"seeds": seeds}))
        whole = refit_on_all(fit, splits)
        oof.append(score_splits(data, target, metric, splits).oof)
        ways = [of_test_rows("folds", splits, None), whole]
        ways.append(of_test_rows("both", splits, whole))
        tests.append([target.decode(one.test) for one in ways])
        yield model, np.array([score(test) for test in tests[-1]])
    if len(oof) > 1:
        blends = [
            blend_targets(
                competition.ensemble,
                np.stack(oof),
                np.stack([of_model[way] for of_model in tests]),
                data.y,
                data.folds[:, 0],
                target,
                metric,
            )
            for way in range(len(WAYS))
        ]
        yield "blend", np.array([score(one.blended.test) for one in blends])


def show(name: str, competition: TableCompetition, model: str, scores: Array) -> None:
    """A line of the table; scores have shape (seeds, ways)."""
    sign = 1 if competition.scoring.greater_is_better else -1
    gains = 100 * sign * (scores[:, 1:] - scores[:, :1]) / scores[:, :1]
    errors = gains.std(axis=0, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else [np.nan] * 2
    words = [
        f"{gain:+.2f} ± {error:.2f}" for gain, error in zip(gains.mean(axis=0), errors, strict=True)
    ]
    print(
        f"| {name} | {competition.metric} | {model} | {scores[:, 0].mean():.5f} | "
        f"{' | '.join(words)} | {len(scores)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
