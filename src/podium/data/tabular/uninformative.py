"""Columns that tell rows apart no more than nothing, or no more than another column does."""

from dataclasses import replace

import pandas as pd

from podium.data.tabular.columns import TypedTables


def uninformative(tables: TypedTables) -> dict[str, str]:
    """Why a column is of no use: one value in all training rows, or the same as another's.

    The first column stays, if all are constant.
    """
    constant = dict.fromkeys(_constant(tables), "constant in the training rows")
    left = [name for name in tables.train if name not in constant]
    if not left:
        constant.pop(str(tables.train.columns[0]))
    return constant | _duplicates(tables, left)


def without_columns(tables: TypedTables, names: dict[str, str]) -> TypedTables:
    """The tables without these columns."""
    return replace(
        tables,
        train=tables.train.drop(columns=list(names)),
        test=tables.test.drop(columns=list(names)),
        numeric=[name for name in tables.numeric if name not in names],
        categorical=[name for name in tables.categorical if name not in names],
    )


def _constant(tables: TypedTables) -> list[str]:
    """Columns with one value; where it is missing from some rows, that is another value."""
    return [str(name) for name in tables.train if tables.train[name].nunique(dropna=False) < 2]


def _duplicates(tables: TypedTables, names: list[str]) -> dict[str, str]:
    """Columns that are equal to an earlier one of their type, in all rows of both tables."""
    first: dict[tuple[bool, int], list[str]] = {}
    found = {}
    numeric = set(tables.numeric)
    for name in names:
        hashed = int(pd.util.hash_pandas_object(tables.train[name], index=False).sum())
        alike = first.setdefault((name in numeric, hashed), [])
        same = next((other for other in alike if _equal(tables, name, other)), None)
        if same is None:
            alike.append(name)
        else:
            found[name] = f"the same as '{same}'"
    return found


def _equal(tables: TypedTables, one: str, other: str) -> bool:
    return all(table[one].equals(table[other]) for table in (tables.train, tables.test))
