"""Seconds against the number of members that are trained together."""

import argparse
from functools import partial
from pathlib import Path

import pandas as pd

from houses import Houses
from peers import loops, members
from peers.task import Predict, Task
from races import FUSED, make_task
from rounds import Times, alternate, spread

COUNTS = [1, 2, 5, 10, 20, 50]
HIDDEN, DROPOUT = [256, 128], 0.3
# A loop's seconds a member are those of any number of members.
LOOP_MEMBERS = 2
BLUE, GREY = "#1f6fb4", "#8a8f98"


def run_scaling(houses: Houses, options: argparse.Namespace) -> None:
    """Measure in turn, print, and leave a table and a plot."""
    task = make_task(houses, max(COUNTS), HIDDEN, DROPOUT, options.epochs)
    times = measure_counts(task, options.rounds)
    print_counts(task, times)
    table = members_table(times)
    table.to_csv(options.out / "members.csv", index=False, lineterminator="\n")
    plot(table, task, options.out / "members.png")
    print(f"  plot and tables: {options.out}")


def measure_counts(task: Task, rounds: int) -> Times[Predict]:
    """Podium by number of members, and the loop beside it."""
    runs = {str(count): partial(members.fit, task.short(count)) for count in COUNTS}
    runs[FUSED] = partial(loops.fused, task.short(LOOP_MEMBERS))
    alternate({name: runs[name] for name in ("1", FUSED)}, rounds=1)
    return alternate(runs, rounds)


def print_counts(task: Task, times: Times[Predict]) -> None:
    print(f"\nMembers: hidden {task.hidden}, dropout {task.dropout}, {task.epochs} epochs")
    print(f"  {'members':<20}{'seconds':>24}{'seconds a member':>26}")
    for name, seconds in times.seconds.items():
        each = [value / trained(name) for value in seconds]
        print(f"  {name:<20}{spread(seconds):>24}{spread(each, 3):>26}")


def trained(name: str) -> int:
    """How many members a run trains."""
    return LOOP_MEMBERS if name == FUSED else int(name)


def members_table(times: Times[Predict]) -> pd.DataFrame:
    """One row a run and round."""
    return pd.DataFrame(
        [
            {
                "contestant": FUSED if name == FUSED else "podium",
                "members": trained(name),
                "round": index,
                "seconds": round(value, 4),
                "seconds_a_member": round(value / trained(name), 5),
            }
            for name, seconds in times.seconds.items()
            for index, value in enumerate(seconds)
        ]
    )


def plot(table: pd.DataFrame, task: Task, path: Path) -> None:
    """Seconds a member, medians as a line, every round as a dot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    ours, loop = (table[table["contestant"] == name] for name in ("podium", FUSED))
    median = ours.groupby("members")["seconds_a_member"].median()
    axes.axhline(loop["seconds_a_member"].median(), color=GREY, linestyle="--", label=FUSED)
    axes.plot(median.index, median, color=BLUE, label="podium")
    axes.scatter(ours["members"], ours["seconds_a_member"], s=10, alpha=0.5, color=BLUE)
    axes.set_xscale("log")
    axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("members trained together")
    axes.set_ylabel(f"seconds a member, {task.epochs} epochs")
    axes.set_title(f"Training time a member, hidden {task.hidden}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Software": None})
