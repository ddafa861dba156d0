"""What people write in pandas, SQL, R and spreadsheets, and what an expression has in its place."""

import re

from podium.data.tabular.features.functions import AGGREGATES, FUNCTIONS

_WHERE = "write where(condition, a, b)"
_IN = 'write isin(a, "x", "y")'
_BETWEEN = "write low <= x and x <= high"
_OF_GROUPS = "write mean(x) by <column>"
_NO_STATISTIC = f"of groups there are {', '.join(AGGREGATES)}"
_NO_QUANTILE = "there are no quantiles; write median(x) by <column>, or a feature {bins: [x]}"
_FUNCTIONS = {
    name: meant
    for names, meant in {
        "if ifelse if_else iif iff case when": _WHERE,
        "groupby group_by": _OF_GROUPS,
        "agg aggregate transform": f"{_OF_GROUPS}; {_NO_STATISTIC}",
        "len str_length nchar": "write length(text)",
        "isnull is_null isnan is_na": "write isna(a)",
        "notna notnull not_null": "write not isna(a)",
        "coalesce nvl ifnull": "write fillna(a, b)",
        "in": _IN,
        "between": _BETWEEN,
        "clip": "write max(low, min(x, high))",
        "pow power square": "write x ** 2",
        "log2": "write log(x) / log(2)",
        "log10": "write log(x) / log(10)",
        "int trunc": "write floor(x)",
        "float as_float to_numeric astype": "write number(text)",
        "substr substring slice left mid": 'write extract(text, "^(.{3})")',
        "regex match findall regexp_extract": 'write extract(text, "(piece)")',
        "startswith": 'write not isna(extract(text, "^(Mr)"))',
        "to_datetime date datetime": "dates are known by their values: write year(column)",
        "dayofweek day_of_week dow": "write weekday(date)",
        "datediff": "write days(from, to)",
        "cut qcut": "a feature {bins: [x]} does it",
        "rank percent_rank": "a feature {scale: [x], method: quantile} does it",
        "map": 'write where(a == "x", 1, 2), or a list of levels from worst to best',
        "quantile percentile": _NO_QUANTILE,
    }.items()
    for name in names.split()
}  # fmt: skip
_WORDS = {
    "in": _IN,
    "if": _WHERE,
    "else": _WHERE,
    "when": _WHERE,
    "case": _WHERE,
    "is": "write isna(a), or a == b",
    "between": _BETWEEN,
    "not": 'it stands first: not isin(a, "x")',
    "like": 'write contains(a, "piece")',
    "by": "it follows a statistic: mean(x) by <column>",
    "over": _OF_GROUPS,
}  # fmt: skip
_SMALL = ("and", "or", "not", "by", "true", "false")
_MISSING = ("none", "null", "nan", "na", "nil")
_MODULES = ("np", "numpy", "pd", "pandas", "math")


def of_function(name: str) -> str:
    """What to write for a function, a method or a statistic that there isn't; else nothing."""
    first, *rest = name.split(".")
    if re.match(r"(quantile|percentile|q)_?\d", name.lower()):
        return _NO_QUANTILE
    last = (rest[-1] if rest else first).lower()
    if last in _FUNCTIONS:
        return _FUNCTIONS[last]
    if last not in FUNCTIONS or not rest:
        return ""
    if first in _MODULES:
        return f"write {last}(...)"
    if last in AGGREGATES:
        return f"write {last}({first}) by <column>"
    more = ", ..." if len(FUNCTIONS[last].takes) > 1 else ""
    return f"there are functions only, no methods: write {last}({first}{more})"


def of_word(word: str, follows_name: bool) -> str:
    """What to write where a word follows that continues nothing; else nothing."""
    if word.lower() in _SMALL and word != word.lower():
        return f"write '{word.lower()}'"
    names = "a name with blanks stands in back-ticks, a function's values in parentheses"
    return _WORDS.get(word.lower(), names if follows_name else "")


def of_column(name: str) -> str:
    """What to write for a name that is no column; else nothing."""
    if name.lower() in _MISSING:
        return "write isna(a) for whether it is missing; where(condition, a) makes it missing"
    if name.lower() in _SMALL:
        return f"write '{name.lower()}'"
    return of_function(name) if "." in name else ""
