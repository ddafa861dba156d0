"""The tables that DVC's plots show, and other tables to read elsewhere."""

from pathlib import Path

import pandas as pd

from podium.data.adversarial import Comparison
from podium.data.several_targets import OneTarget
from podium.io import files
from podium.stages.class_report import ClassReport, class_report
from podium.stages.report.results import Results


def write_plots(
    results: Results, reports: dict[str, ClassReport], compared: Comparison | None, folder: Path
) -> None:
    """Write all of them into a folder: ``predictions.csv`` and so on."""
    for own in results.shown:
        if own.target.is_regression:
            _numbers(results, own, folder)
        else:
            reports[own.name].write(folder / own.label)
    if compared is not None:
        rounded = [round(auc, 4) for auc in compared.aucs]
        facts = {"roc_auc": round(compared.auc, 4), "folds": rounded, "meaning": compared.meaning}
        files.write_json(folder / "train-against-test.json", facts)
        compared.features.to_csv(folder / "train-against-test.csv", index=False)


def class_reports(results: Results) -> dict[str, ClassReport]:
    """The numbers of predicted classes of what is submitted, by the target's name."""
    is_tuned = results.competition.scoring.is_tuned
    return {
        own.name: class_report(
            own.y(results.y),
            results.oof[own.target.columns].to_numpy(),
            results.oof[results.competition.id],
            own.target.classes,
            results.oof[own.target.decided_columns].to_numpy() if is_tuned else None,
        )
        for own in results.shown
        if not own.target.is_regression
    }


def _numbers(results: Results, own: OneTarget, folder: Path) -> None:
    seen = results.fold_of_row >= 0
    table = pd.DataFrame(
        {
            "actual": own.y(results.y)[seen],
            "predicted": results.oof[own.target.columns[0]].to_numpy()[seen],
        }
    )
    table.to_csv(folder / f"{own.file('predictions')}.csv", index=False)
