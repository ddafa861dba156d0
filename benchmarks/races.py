"""Podium against loops and scikit-learn: 20 members, four shapes."""

import argparse
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from houses import Houses
from peers import loops, members, scikit
from peers.task import BATCH, Predict, Task
from roofline import Machine, floor, measure
from rounds import Times, alternate, spread

FOLDS, SEEDS = 5, 4
SHAPES = [([256, 128], 0.0), ([256, 128], 0.3), ([64], 0.0), ([64], 0.3)]
PODIUM, LOOP, FUSED, SCIKIT = "podium", "loop, AdamW", "loop, fused AdamW", "scikit-learn"
CONTESTANTS: dict[str, Callable[[Task], Predict]] = {
    PODIUM: members.fit,
    LOOP: loops.plain,
    FUSED: loops.fused,
    SCIKIT: scikit.fit,
}
# scikit-learn trains one at a time, each alike: a few are measured and scaled up.
SCIKIT_MEMBERS = 4


def run_races(houses: Houses, options: argparse.Namespace) -> None:
    """Every shape, then the machine's floor for each."""
    print_rules(options)
    rates, races = [measure()], []
    for hidden, dropout in SHAPES:
        task = make_task(houses, FOLDS * SEEDS, hidden, dropout, options.epochs)
        warm_up(task)
        races.append((task, race(task, options.rounds)))
        rates.append(measure())
        print_race(*races[-1])
    print_floors(races, best(rates))
    table = pd.concat([seconds_table(*one) for one in races])
    table.to_csv(options.out / "races.csv", index=False, lineterminator="\n")


def make_task(houses: Houses, count: int, hidden: list[int], dropout: float, epochs: int) -> Task:
    """``count`` members: one a fold, then again with the next seed."""
    y = houses.log_price
    rows = [np.flatnonzero(houses.fold != index % FOLDS) for index in range(count)]
    standardized = ((y - y.mean()) / y.std()).astype(np.float32)
    return Task(houses.matrix, standardized, rows, hidden, dropout, epochs)


def race(task: Task, rounds: int) -> Times[Predict]:
    """All contestants in turn; scikit-learn's seconds scaled to all members."""
    times = alternate(entries(task), rounds)
    if SCIKIT in times.seconds:
        scale = len(task.rows) / SCIKIT_MEMBERS
        times.seconds[SCIKIT] = [scale * seconds for seconds in times.seconds[SCIKIT]]
    return times


def entries(task: Task) -> Mapping[str, Callable[[], Predict]]:
    """Who takes part: scikit-learn has no dropout."""
    runs = {name: partial(fit, task) for name, fit in CONTESTANTS.items()}
    runs[SCIKIT] = partial(scikit.fit, task.short(SCIKIT_MEMBERS))
    return runs if task.dropout == 0 else {name: runs[name] for name in (PODIUM, LOOP, FUSED)}


def warm_up(task: Task) -> None:
    """Every contestant once: imports and lazy initialisation are nobody's training."""
    times = alternate(entries(task.short(members=2, epochs=1)), rounds=1)
    first = ", ".join(f"{name} {seconds[0]:.2f}" for name, seconds in times.seconds.items())
    print(f"\nfirst call, 2 members, 1 epoch, not counted (s): {first}")


def best(rates: list[Machine]) -> Machine:
    """The best rates seen during all races: a floor is what the machine can do, not its mood."""
    return Machine(max(one.flops for one in rates), max(one.bandwidth for one in rates))


def print_rules(options: argparse.Namespace) -> None:
    print(
        f"\nRaces: {FOLDS} folds x {SEEDS} seeds, batch {BATCH}, {options.epochs} epochs, constant "
        f"rate, AdamW, squared loss, no validation; {options.rounds} rounds in turn.\n"
        "A run is all of: making the networks and the optimizer, training. Held-out RMSE is on the "
        "standardized log price, the mean over members.\n"
        f"scikit-learn (ReLU, Adam) is measured on {SCIKIT_MEMBERS} members and scaled up."
    )


def print_race(task: Task, times: Times[Predict]) -> None:
    print(f"hidden {task.hidden}, dropout {task.dropout}, {len(task.rows)} members")
    print(f"  {'contestant':<20}{'seconds':>24}{'times podium':>24}{'held-out RMSE':>16}")
    for name, seconds in times.seconds.items():
        ratio = spread(times.ratios(name, PODIUM))
        rmse = task.held_out_rmse(times.results[name])
        print(f"  {name:<20}{spread(seconds):>24}{ratio:>24}{rmse:>16.4f}")


def print_floors(races: list[tuple[Task, Times[Predict]]], rates: Machine) -> None:
    print(
        f"\nFloors: matrix products at {rates.flops / 1e9:.0f} GFLOP/s, optimizer traffic at "
        f"{rates.bandwidth / 1e9:.1f} GB/s of memory (less, where weights stay in cache). "
        "Shares are floor / measured: of both, and of the products alone."
    )
    names = (PODIUM, LOOP, FUSED)
    print(f"  {'':<26}{'products':>10}{'traffic':>9}", end="")
    print("".join(f"{name:>20}" for name in names))
    for task, times in races:
        least = floor(task, rates)
        print(f"  {f'{task.hidden}, dropout {task.dropout}':<26}", end="")
        print(f"{least.products:>8.2f} s{least.traffic:>7.2f} s", end="")
        shares = [
            (least.seconds / times.median(n), least.products / times.median(n)) for n in names
        ]
        print("".join(f"{f'{both:.0%} / {alone:.0%}':>20}" for both, alone in shares))


def seconds_table(task: Task, times: Times[Predict]) -> pd.DataFrame:
    """One row a contestant and round."""
    return pd.DataFrame(
        [
            {
                "hidden": "-".join(map(str, task.hidden)),
                "dropout": task.dropout,
                "members": len(task.rows),
                "epochs": task.epochs,
                "contestant": name,
                "round": index,
                "seconds": round(value, 4),
            }
            for name, seconds in times.seconds.items()
            for index, value in enumerate(seconds)
        ]
    )
