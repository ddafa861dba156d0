"""A large table as network inputs: one copy for all folds, standardized and one-hot when read.

Numbers are kept as float32 and categories as codes; a fold has a scale and a shift for each number,
and a place for each level.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.data.tabular.dataset import TableSplit
from podium.data.tabular.dense import Layout
from podium.data.tabular.levels import CategoryColumn, level_codes
from podium.data.tabular.transform import LARGEST, NumericColumn, logged
from podium.nn.data import Inputs
from podium.nn.knobs.inputs import Columns
from podium.nn.layers import Step

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
# A number column as it is kept: its name, and whether its logarithm is.
Kept = tuple[str, bool]


class TableInputs(Inputs):
    """The rows of ``train`` or of ``test``; the columns are those of ``DenseTables``."""

    def __init__(
        self, table: pd.DataFrame, splits: Sequence[TableSplit], widest: Layout, columns: Columns
    ) -> None:
        self.columns, self.widest, self.rows = columns, widest, len(table)
        transforms = [split.transform for split in splits]
        kept = {
            (name, fit.log): fit
            for transform in reversed(transforms)
            for name, fit in transform.numeric.items()
        }
        self.numbers = _numbers(table, kept)
        places = {one: place for place, one in enumerate(kept)}
        self.affine = _Affine(
            [
                [_line(fit, kept[name, fit.log]) for name, fit in transform.numeric.items()]
                for transform in transforms
            ],
            [
                [places[name, fit.log] for name, fit in transform.numeric.items()]
                for transform in transforms
            ],
            [
                [place for place, fit in enumerate(transform.numeric.values()) if fit.indicator]
                for transform in transforms
            ],
            [LARGEST if transform.clip is None else transform.clip for transform in transforms],
        )
        self.codes, self.one_hot = _categories(
            table, [transform.categorical for transform in transforms], widest
        )

    def __len__(self) -> int:
        return self.rows

    def read(self, rows: Tensor, tables: Tensor, step: Step) -> Tensor:
        """As ``Inputs``: shape (members, rows, columns)."""
        members, count = rows.shape
        out = step.memory(self, "inputs", (members, count, self.widest.total), rows.device)
        out.zero_()
        numbers = self.numbers.index_select(0, rows.flatten()).view(members, count, -1)
        codes = self.codes.index_select(0, rows.flatten()).view(members, count, -1)
        for member, table in enumerate(tables.tolist()):
            own, place = out[member], self.widest.numeric
            own[:, : self.affine.width(table)], missing = self.affine.of(numbers[member], table)
            flags = self.affine.flags[table]
            own[:, place : place + len(flags)] = missing[:, flags]
            self.one_hot[table].write(codes[member], own)
        return out

    def numbers_of(self, rows: Tensor, table: int) -> Tensor:
        """The numbers alone, which layers learn from, shape (rows, numbers)."""
        parts = [self.affine.of(self.numbers[part], table)[0] for part in rows.split(2**16)]
        return torch.cat(parts)

    def fingerprint(self) -> bytes:
        """A hash of all values, and of what folds make of them."""
        digest = hashlib.blake2b(self.numbers.numpy().data, digest_size=32)
        digest.update(self.codes.numpy().data)
        for table, one_hot in enumerate(self.one_hot):
            digest.update(one_hot.places.numpy().data)
            digest.update(self.affine.lines[table].numpy().data)
        return digest.digest()


class _Affine:
    """What each fold makes of the numbers that are kept."""

    def __init__(
        self,
        lines: Sequence[Sequence[tuple[float, float, float]]],
        places: Sequence[Sequence[int]],
        flags: Sequence[Sequence[int]],
        bounds: Sequence[float],
    ) -> None:
        # Shape (3, numbers): scale, shift, and what a missing number becomes.
        self.lines = [
            torch.tensor(own, dtype=torch.float32).reshape(-1, 3).T.contiguous() for own in lines
        ]
        self.places = [torch.tensor(own, dtype=torch.int64) for own in places]
        self.flags = [torch.tensor(own, dtype=torch.int64) for own in flags]
        self.bounds = bounds

    def width(self, table: int) -> int:
        """The numbers of a fold."""
        return len(self.places[table])

    def of(self, kept: Tensor, table: int) -> tuple[Tensor, Tensor]:
        """A fold's numbers, and where they are missing, of rows (rows, kept)."""
        scale, shift, fill = self.lines[table]
        values = kept.index_select(1, self.places[table])
        missing = torch.isnan(values)
        values = torch.where(missing, fill, values * scale + shift)
        return values.clamp_(-self.bounds[table], self.bounds[table]), missing


class _OneHot:
    """The column that each level of each category has in a fold; -1: none."""

    def __init__(self, places: Sequence[NDArray[np.int64]], firsts: Sequence[int]) -> None:
        self.starts = torch.from_numpy(np.cumsum([0, *(len(own) for own in places[:-1])]))
        joined = np.concatenate([*places, np.empty(0, dtype=np.int64)])
        self.there = torch.from_numpy((joined >= 0).astype(np.float32))
        own = [
            first + np.maximum(one, 0) if (one >= 0).any() else np.zeros_like(one)
            for first, one in zip(firsts, places, strict=True)
        ]
        self.places = torch.from_numpy(np.concatenate([*own, np.empty(0, dtype=np.int64)]))

    def write(self, codes: Tensor, out: Tensor) -> None:
        """Add 1 to the columns of the rows' levels, (rows, categories), in ``out``."""
        if codes.shape[1]:
            wanted = codes.long() + self.starts
            out.scatter_add_(1, self.places[wanted], self.there[wanted])


def _numbers(table: pd.DataFrame, kept: dict[Kept, NumericColumn]) -> Tensor:
    """The columns roughly standardized, so that float32 holds their digits, (rows, kept)."""
    matrix = np.empty((len(table), len(kept)), dtype=np.float32)
    for place, ((name, log), fit) in enumerate(kept.items()):
        mean, std = _unit(fit)
        values = logged(table[name].to_numpy(dtype=np.float64), log)
        with np.errstate(over="ignore"):
            matrix[:, place] = np.clip((values / 4 - mean / 4) / (std / 4), -LARGEST, LARGEST)
    return torch.from_numpy(matrix)


def _unit(fit: NumericColumn) -> tuple[float, float]:
    """The shift and scale by which a column is kept: those of the first fold that has it."""
    return fit.mean, fit.std or 1.0


def _line(fit: NumericColumn, kept: NumericColumn) -> tuple[float, float, float]:
    """Scale and shift from what is kept to what a fold sees, and what it sees for missing."""
    if fit.std == 0:
        return 0.0, 0.0, 0.0
    mean, std = _unit(kept)
    return std / fit.std, (mean - fit.mean) / fit.std, (fit.fill - fit.mean) / fit.std


def _categories(
    table: pd.DataFrame, fits: Sequence[dict[str, CategoryColumn]], widest: Layout
) -> tuple[Tensor, list[_OneHot]]:
    """The rows' codes, (rows, categories), and the columns that each fold has for them."""
    room = [widest.numeric, widest.flags, *widest.categories]
    firsts = np.cumsum(room)[1 : 1 + len(widest.categories)].tolist()
    matrix = np.empty((len(table), len(fits[0])), dtype=np.int32)
    places: list[list[NDArray[np.int64]]] = [[] for _ in fits]
    for column, name in enumerate(fits[0]):
        codes, values = level_codes(table[name])
        # Missing is one more.
        matrix[:, column] = np.where(codes < 0, len(values), codes)
        for fold, fit in enumerate(fits):
            own = fit[name]
            last = own.width - 1 if own.indicator else -1
            places[fold].append(np.append(own.codes_of(values), last))
    return torch.from_numpy(matrix), [_OneHot(own, firsts) for own in places]
