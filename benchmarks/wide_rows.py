"""A made-up table of 100 mixed columns, written a part at a time: memory doesn't grow with rows.

50 columns of normal numbers, 20 skewed ones of which a fifth is missing, 10 of small whole numbers,
18 categories of 2 to 128 levels, one of 1,000, and a date. The target is of eight of them and
noise.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

PART = 50_000
NUMBERS, SKEWED, WHOLE, CATEGORIES, LEVELS = 50, 20, 10, 18, 1000
Columns = dict[str, Any]


def write(folder: Path, rows: int, classes: int = 0) -> None:
    """Train, a test table a quarter as large, and the sample submission.

    ``classes``: 0 for a number to predict, else the target is cut into so many classes.
    """
    folder.mkdir(parents=True)
    _write(folder / "train.csv", 0, rows, classes, True)
    _write(folder / "test.csv", rows, rows // 4, classes, False)
    with csv.CSVWriter(folder / "sample_submission.csv", _sample(0, 0).schema) as file:
        file.write_table(_sample(rows, rows // 4))


def _sample(first: int, rows: int) -> pa.Table:
    return pa.table({"id": np.arange(first, first + rows), "y": np.zeros(rows, dtype=np.int64)})


def _write(path: Path, first: int, rows: int, classes: int, with_target: bool) -> None:
    writer = None
    for start in range(first, first + rows, PART):
        count = min(PART, first + rows - start)
        columns, y = made_up(np.random.default_rng([start, classes]), count)
        columns["id"] = np.arange(start, start + count)
        if with_target:
            columns["y"] = np.digitize(y, np.linspace(-2, 4, classes - 1)) if classes else y
        table = pa.table(columns)
        writer = writer or csv.CSVWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def made_up(generator: np.random.Generator, rows: int) -> tuple[Columns, NDArray[np.float64]]:
    """Some rows of 100 columns, and their target."""
    columns: Columns = {}
    for index in range(NUMBERS):
        columns[f"n{index}"] = generator.normal(size=rows).round(4)
    for index in range(SKEWED):
        values = generator.exponential(size=rows).round(4)
        columns[f"m{index}"] = pa.array(values, mask=generator.random(rows) < 0.2)
    for index in range(WHOLE):
        columns[f"k{index}"] = generator.integers(0, 20, rows)
    codes = {
        index: generator.integers(0, 2 ** (1 + index % 7), rows) for index in range(CATEGORIES)
    }
    codes[CATEGORIES] = generator.integers(0, LEVELS, rows)
    for index, own in codes.items():
        names = pa.array([f"v{level}" for level in range(own.max() + 1)])
        columns[f"c{index}"] = names.take(pa.array(own))
    days = np.datetime64("2020-01-01") + generator.integers(0, 1000, rows)
    columns["day"] = pa.array(days).cast(pa.date32())
    m0 = np.nan_to_num(columns["m0"].to_numpy(zero_copy_only=False))
    y = 2 * columns["n0"] + np.sin(3 * columns["n1"]) + columns["n2"] * columns["n3"] + m0
    y = y + 1.5 * (codes[1] == 1) + 0.5 * np.sin(codes[CATEGORIES]) + 0.05 * columns["k0"]
    return columns, np.round(y + 0.5 * generator.normal(size=rows), 4)
