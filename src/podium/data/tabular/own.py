"""A table and the user's own code: what its functions get, and what they may return.

``features`` replaces the feature columns; it sees the rows of one table at a time, and must make
each row's values of that row alone. ``sample_weight`` and ``folds`` see the training rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import TableCompetition
from podium.data.dataset import FoldColumns, Rows, fold_splits
from podium.data.tabular.columns import TypedTables
from podium.data.tabular.dates import as_dates
from podium.data.tabular.fold_columns import reserved_columns
from podium.data.tabular.read import RawTables
from podium.data.tabular.returned import type_returned
from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.io.text import nearest, printable
from podium.io.usercode import UserCode
from podium.io.usercode.load import OWN, takes
from podium.io.usercode.rows import own_folds, own_weights

Tables = Mapping[str, pd.DataFrame]
# Rows of a table that ``features`` is called with once more, without the others.
MOST_TRIED = 10_000
# What of two values of a row may be due to another order of a sum.
TOLERANCE = 1e-9


class ExtraFiles(dict[str, pd.DataFrame]):
    """The tables of ``source.files.extra``, by their names in params.yaml."""

    def __missing__(self, name: str) -> pd.DataFrame:
        """Say which files there are.

        Raises:
            LookupError: always.
        """
        hint = nearest(name, self) if self else "none is listed there"
        raise LookupError(f"no file '{name}' under source.files.extra of params.yaml; {hint}")


def given_tables(raw: RawTables, tables: TypedTables, competition: TableCompetition) -> Tables:
    """Train and test as the user's functions get them: typed columns in the files' order.

    Numbers are float64 (true and false 1 and 0), dates datetime64, all else text; columns under
    ``preprocess.drop``, the id and the group are there too, the target is not.
    """
    texts = {competition.id, *reserved_columns(competition, raw.test)}
    shared = [name for name in raw.train if name in raw.test]
    names = [name for name in shared if name not in competition.targets]
    given: dict[str, dict[str, Any]] = {"train": {}, "test": {}}
    for name in names:
        pair = {"train": raw.train[name], "test": raw.test[name]}
        if name in tables.dates:
            pair = as_dates(pair, tables.dates[name])
        elif name in tables.train:
            pair = {"train": tables.train[name], "test": tables.test[name]}
        elif name not in texts:
            pair = _numbers_or_text(pair)
        for table, column in pair.items():
            given[table][name] = column
    return {table: pd.DataFrame(columns) for table, columns in given.items()}


def _numbers_or_text(pair: dict[str, "pd.Series[Any]"]) -> dict[str, "pd.Series[Any]"]:
    """A column that is dropped, which nothing is said of."""
    found = {table: pd.to_numeric(text, errors="coerce") for table, text in pair.items()}
    if any((found[table].isna() & text.notna()).any() for table, text in pair.items()):
        return pair
    return {table: numbers.astype(np.float64) for table, numbers in found.items()}


def with_own_features(
    code: UserCode | None, raw: RawTables, tables: TypedTables, competition: TableCompetition
) -> TypedTables:
    """The tables with the columns that the user's ``features`` returns in place of all.

    Raises:
        PodiumError: it fails, or what it returns is no table of these rows, isn't alike for train
            and test, has the target, or isn't made row by row.
    """
    if code is None or code.get("features") is None:
        return tables
    call = _features(code, raw)
    given = given_tables(raw, tables, competition)
    made = {table: call(rows) for table, rows in given.items()}
    for table, found in made.items():
        _check_rows(code, table, given[table], found, competition)
    _check_columns(code, made)
    for table, rows in given.items():
        _check_row_by_row(code, call, table, rows, made[table])
    not_features = [*reserved_columns(competition, raw.test), *competition.preprocess.drop]
    names = [name for name in made["train"] if name not in (competition.id, *not_features)]
    if not names:
        code.fail("features", "returned no feature column")
    pairs = {name: (_pair(name, made), _pair(name, given)) for name in names}
    return type_returned(pairs, tables, lambda message: code.fail("features", message))


def _pair(name: str, tables: Tables) -> dict[str, "pd.Series[Any]"]:
    return {table: rows[name] for table, rows in tables.items() if name in rows}


def _features(code: UserCode, raw: RawTables) -> Callable[[pd.DataFrame], Any]:
    """The user's function, called with a copy of a table, and with the files if it takes them."""
    with_files = takes(code.get("features"), 2) if callable(code.get("features")) else False
    function = code.function("features", 2 if with_files else 1)
    assert function is not None

    def call(table: pd.DataFrame) -> Any:
        files = ExtraFiles({name: found.copy() for name, found in raw.extra.items()})
        with code.blamed("features", known=table.columns):
            return function(table.copy(), *([files] if with_files else []))

    return call


def _check_rows(
    code: UserCode, name: str, given: pd.DataFrame, made: Any, competition: TableCompetition
) -> None:
    if not isinstance(made, pd.DataFrame):
        code.fail("features", f"expected a DataFrame, found {type(made).__name__}")
    if len(made) != len(given):
        code.fail("features", f"returned {len(made)} rows for {len(given)} of {name}; keep all")
    odd = [column for column in made if not isinstance(column, str) or not column.strip()]
    if odd:
        code.fail("features", f"column {odd[0]!r}: expected a text as its name")
    twice = made.columns[made.columns.duplicated()]
    if len(twice):
        code.fail("features", f"column '{printable(twice[0])}' is there twice")
    for target in competition.targets:
        if target in made:
            code.fail("features", f"column '{target}' is the target; leave it out")
    own_id = competition.id
    if not made.index.equals(given.index) or (
        own_id in made and not made[own_id].equals(given[own_id])
    ):
        code.fail("features", f"the rows of {name} have another order or index; keep both")


def _check_columns(code: UserCode, made: Tables) -> None:
    train, test = (list(made[name]) for name in ("train", "test"))
    for name, own, other in (("train", train, test), ("test", test, train)):
        alone = [column for column in own if column not in other]
        if alone:
            code.fail("features", f"returned columns for {name} alone: {few(alone)}")
    if train != test:
        code.fail("features", "returned the columns of train and test in another order")


def _check_row_by_row(
    code: UserCode, call: Callable[[pd.DataFrame], Any], name: str, given: pd.DataFrame, made: Any
) -> None:
    """Call it again without most of the rows: the values of the others must be the same."""
    step = max(2, len(given) // MOST_TRIED)
    fewer = call(given.iloc[::step].reset_index(drop=True))
    whole = made.iloc[::step].reset_index(drop=True)
    why = "it is not made of its row alone; what learns from rows belongs in encoders()"
    if not isinstance(fewer, pd.DataFrame) or list(fewer) != list(whole) or len(fewer) < len(whole):
        code.fail("features", f"returns other rows or columns for a part of {name}: {why}")
    for column in whole:
        same = _same(whole[column], fewer[column])
        if not same.all():
            row = int(np.flatnonzero(~same)[0]) * step
            at = f"its value in row {row + 2} of {name}.csv differs without other rows"
            code.fail("features", f"column '{printable(column)}': {at}: {why}")


def _same(whole: "pd.Series[Any]", fewer: "pd.Series[Any]") -> NDArray[np.bool_]:
    """In which rows two columns are equal; numbers but for rounding."""
    both_missing = (whole.isna() & fewer.isna()).to_numpy()
    if pd.api.types.is_numeric_dtype(whole) and pd.api.types.is_numeric_dtype(fewer):
        a, b = (column.to_numpy(dtype=np.float64, na_value=np.nan) for column in (whole, fewer))
        return both_missing | np.isclose(a, b, rtol=TOLERANCE, atol=0.0)
    equal = whole.astype(object).to_numpy() == fewer.astype(object).to_numpy()
    return both_missing | np.asarray(equal, dtype=bool)


@dataclass(frozen=True)
class OwnRows:
    """What the user's code says of the training rows: folds, shape (n, 1), and weights, (n,)."""

    folds: Rows | None = None
    weights: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        code: UserCode | None,
        raw: RawTables,
        tables: TypedTables,
        y: NDArray[np.float64],
        competition: TableCompetition,
    ) -> Self:
        """Call ``folds``, if the scheme asks for it, and ``sample_weight``, if it is there.

        They get the training rows with the target at the end: a number, or a class as text. ``y``
        has shape (n,), of several targets (n, targets).

        Raises:
            PodiumError: one fails, or returns something else than a number for each row.
        """
        has_weights = code is not None and code.get("sample_weight") is not None
        wants_folds = competition.folds.scheme == OWN
        if code is None or not (has_weights or wants_folds):
            return cls()
        names = competition.targets
        values = dict(zip(names, y.reshape(len(y), -1).T, strict=True))
        if competition.task != "regression":
            values = {name: raw.train[name].to_numpy() for name in names}
        train = given_tables(raw, tables, competition)["train"].assign(**values)
        return cls(
            own_folds(code, train) if wants_folds else None,
            own_weights(code, train) if has_weights else None,
        )

    def without_zeros(self, folds: FoldColumns) -> FoldColumns:
        """The folds, which train on no row of weight 0; it is validated as any other.

        Raises:
            PodiumError: a fold has no other rows to train on.
        """
        if self.weights is None or self.weights.all():
            return folds
        fold_of_row, trained = folds["folds"], folds["trained"]
        if trained is None:
            trained = np.ones((len(fold_of_row), int(fold_of_row.max()) + 1), dtype=np.bool_)
        trained = trained & (self.weights > 0)[:, None]
        splits = len(list(fold_splits(fold_of_row, folds["trained"])))
        if len(list(fold_splits(fold_of_row, trained))) < splits:
            raise PodiumError("sample_weight: a fold has no row to train on whose weight isn't 0")
        return FoldColumns(
            folds=fold_of_row, groups=folds["groups"], times=folds["times"], trained=trained
        )
