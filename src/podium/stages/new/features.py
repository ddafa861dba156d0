"""Columns of features that need a word: codes, markers of missing values, columns of no use."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from podium.config.schema import NA_VALUES
from podium.io.csv_files import few
from podium.stages.new.columns import Column
from podium.stages.new.draft import Draft
from podium.stages.new.target import targets_of

# Texts that people write for "missing", beside NA_VALUES. In a column of categories "None" and
# "unknown" are levels, and a question mark is not.
ALWAYS_MISSING = ("?",)
BESIDE_NUMBERS = (
    "-", "--", ".", "*", "#N/A", "<NA>", "n/a", "na", "NULL", "Null", "None", "none", "missing",
    "Missing", "unknown", "Unknown", "inf", "-inf", "Infinity", "-Infinity",
)  # fmt: skip
# Numbers with such names are codes.
CODE_NAME = re.compile(
    r"(?i)(^|[^a-z])(id|code|type|class|cat|category|zip|zone|region|group|kind)[\W_]?\d*$"
    r"|(?-i:[a-z])(?-i:Id|ID|Code|Type|Class|Cat|Zone|Region|Group)$|(sub|p)class$"
)
# Codes have fewer levels than this share of the rows, and more than two.
LEVELS = 0.1


def shared_columns(draft: Draft, train: pd.DataFrame, test: pd.DataFrame) -> list[Column]:
    """The columns of both tables, but for id and target, which are known."""
    names = [name for name in train if name in test and name not in _reserved(draft)]
    return [Column(str(name), {"train": train[name], "test": test[name]}) for name in names]


def guess_features(
    draft: Draft, columns: Sequence[Column], train: pd.DataFrame, test: pd.DataFrame
) -> list[Column]:
    """Set ``preprocess``'s lists; returns those of the shared columns that are features."""
    markers = _markers(columns)
    if markers:
        where = f"'{few(markers)}' means missing here"
        draft.set("preprocess.na_values", [*NA_VALUES, *markers], where)
    dropped = _dropped(columns, train, test, _reserved(draft))
    if dropped:
        draft.set("preprocess.drop", list(dropped), _reasons(dropped))
    kept = [column for column in columns if column.name not in dropped]
    codes = [column.name for column in kept if _is_code(column)]
    if codes:
        draft.set("preprocess.categorical", codes, "numbers that seem to be codes, by their names")
        draft.look.append(f"preprocess.categorical: {few(codes)}: codes, by their names")
    return kept


def _reserved(draft: Draft) -> list[str]:
    return [draft["id"], *targets_of(draft)]


def _markers(columns: Iterable[Column]) -> list[str]:
    """Texts that mean a missing value in some column."""
    found = []
    for column in columns:
        texts = column.texts.index
        found += [text for text in ALWAYS_MISSING if text in texts]
        marked = [text for text in BESIDE_NUMBERS if text in texts]
        others = column.numbers[~texts.isin([*marked, *ALWAYS_MISSING])]
        if len(others) > 1 and others.notna().all():
            found += marked
    return list(dict.fromkeys(found))


def _dropped(
    columns: Sequence[Column], train: pd.DataFrame, test: pd.DataFrame, reserved: Sequence[str]
) -> dict[str, str]:
    """Columns that no model can use, each with the reason."""
    dropped = {name: "not in test" for name in train if name not in [*test, *reserved]}
    dropped |= {name: "not in train" for name in test if name not in [*train, *reserved]}
    for column in columns:
        if reason := _useless(column):
            dropped[column.name] = reason
    return {str(name): reason for name, reason in dropped.items()}


def _useless(column: Column) -> str:
    known = column.known("train")
    if known.empty:
        return "missing in every training row"
    if known.nunique() == 1 and len(known) == len(column.pair["train"]):
        return "constant"
    is_index = column.name.startswith("Unnamed:") or column.name.lower() == "index"
    return "a row number" if is_index and known.is_unique else ""


def _reasons(dropped: dict[str, str]) -> str:
    return "; ".join(
        f"{reason}: {few(name for name, why in dropped.items() if why == reason)}"
        for reason in dict.fromkeys(dropped.values())
    )


def _is_code(column: Column) -> bool:
    if not CODE_NAME.search(column.name) or not column.is_whole:
        return False
    return 2 < len(column.texts) <= max(3, LEVELS * column.texts.sum())
