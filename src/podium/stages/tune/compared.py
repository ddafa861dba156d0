"""``--compare``: the samplers one after the other, each on the same budget, and who was faster."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from podium.config.space import shown
from podium.runtime.console import say
from podium.stages.tune import command, plots, report
from podium.stages.tune.command import Options, Tuning, run_search, study_folder
from podium.stages.tune.samplers import COMPARED

PICTURE = "compared.png"


def compare_samplers(competition: str, model: str, options: Options) -> None:
    """Run each sampler in a study of its own; print and draw their best scores so far.

    Nothing is confirmed and nothing is written: that is for the sampler that is chosen.

    Raises:
        PodiumError: as ``tune``.
    """
    options = options.checked()
    task, space = command.task_and_space(competition, model, options)
    name = options.name(task.model)
    found: dict[str, Tuning] = {}
    for sampler in COMPARED:
        own = replace(options, sampler=sampler, study=f"{name}-{sampler}")
        with command.computing(competition), command.parent_run(task, own) as run:
            found[sampler] = run_search(task, space, own, run)
    folder = study_folder(task.competition.name, name)
    folder.mkdir(parents=True, exist_ok=True)
    curves = {sampler: _curve(tuning) for sampler, tuning in found.items()}
    title = f"{task.competition.name} {task.model}, {options.budget} each"
    plots.draw_compared(curves, title, task.metric.title, folder / PICTURE)
    _write_curves(curves, folder)
    print(f"\n{'sampler':<10}{'finished':>10}{'pruned':>8}{'best':>12}  values")
    for sampler, tuning in found.items():
        print(_line(sampler, tuning))
    say(f"best score so far against the time: {folder / PICTURE}")


def _curve(tuning: Tuning) -> tuple[list[float], list[float]]:
    return plots.best_so_far(tuning.study.finished(), tuning.task.metric, tuning.began)


def _line(sampler: str, tuning: Tuning) -> str:
    trials, best = tuning.study.finished(), tuning.study.best()
    complete = sum(trial.score is not None for trial in trials)
    score = "none" if best is None else f"{best.score:.{report.DIGITS}f}"
    values = "" if best is None else shown(best.values)
    return f"{sampler:<10}{complete:>10}{len(trials) - complete:>8}{score:>12}  {values}"


def _write_curves(curves: Mapping[str, tuple[list[float], list[float]]], folder: Path) -> None:
    import pandas as pd

    rows = [
        {"sampler": sampler, "seconds": round(second, 2), "best": score}
        for sampler, (seconds, scores) in curves.items()
        for second, score in zip(seconds, scores, strict=True)
    ]
    pd.DataFrame(rows).to_csv(folder / "compared.csv", index=False, lineterminator="\n")
