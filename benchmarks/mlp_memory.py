"""Memory of a large table: 1,000,000 rows x 100 float32 columns, 5 folds, with no copy per fold.

    python benchmarks/mlp_memory.py [--rows N] [--columns N] [--epochs N]

Prints the table's size and the most memory that the process ever held.
"""

import argparse
import resource
import sys
import time

import numpy as np
from sklearn.model_selection import KFold

from podium.config import MLPParams
from podium.nn import fit_members

MIB = 2**20


def main() -> None:
    given = arguments()
    x, y = table(given.rows, given.columns)
    rows = [train for train, _ in KFold(5, shuffle=True, random_state=0).split(x)]
    params = MLPParams(epochs=given.epochs, batch_size=1024, standardize_inputs=True, seeds=1)
    before = most_memory()
    started = time.perf_counter()
    fitted = fit_members(x, y, rows, params)
    seconds = time.perf_counter() - started
    losses = [round(outcome.history[-1].train_loss, 3) for outcome in fitted.outcomes]
    print(f"table {x.nbytes / MIB:,.0f} MiB; before training {before:,.0f} MiB")
    print(f"most memory while training {most_memory():,.0f} MiB, {seconds:.0f} s, losses {losses}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=1)
    return parser.parse_args()


def table(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, columns), dtype=np.float32)
    return x, x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2])


def most_memory() -> float:
    """The largest resident set so far, MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MIB if sys.platform == "darwin" else most / 1024


if __name__ == "__main__":
    main()
