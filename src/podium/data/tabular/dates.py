"""Dates: text columns in which every value is a date of one format become numbers.

The parts of ``day`` are ``day year``, ``day month``, ``day day`` (of the month), ``day weekday``
(Monday is 0), ``day days`` (since 1970, a part of a day for the time), and ``day hour`` where there
are times. They are made row by row, so nothing is learnt from other rows. A date of one row only
is no level that others lack: models see how far it is from others, and which season it is in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

ISO = "ISO 8601"
_ISO_TEXT = re.compile(
    r"\d{4}-\d{2}(-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?)? ?(Z|UTC|[+-]\d{2}:?\d{2})?"
)
# Of two formats that every value fits, the first is taken: 03/04/2017 is in March.
_DAYS = (
    "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y",
    "%d/%m/%y", "%d.%m.%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%b %d %Y", "%B %d %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
# No date is longer, nor shorter.
_LONGEST, _SHORTEST = 40, 6
# Names of columns that hold times, as dates or numbers.
TIME_NAME = re.compile(
    r"(?i)(^|[^a-z])(year|yr|month|week|day|date|time|hour|timestamp|quarter|season|period)s?"
    r"(\W|_|\d|$)|(?-i:Year|Month|Week|Day|Date|Time)$"
)
_EPOCH = pd.Timestamp("1970-01-01")
# What follows the date's name in the names of its parts.
PARTS = ("year", "month", "day", "weekday", "days", "hour")


@dataclass(frozen=True)
class Dates:
    """A format, and each table's values in it; missing where a value has another."""

    format: str
    dates: dict[str, "pd.Series[Any]"]


def find_format(pair: Mapping[str, "pd.Series[Any]"]) -> Dates | None:
    """The format of most values of a column's two tables; None if the first is no date."""
    texts = pd.concat([text.dropna() for text in pair.values()]).drop_duplicates()
    formats = _formats_of(str(texts.iloc[0])) if len(texts) else []
    found = {form: parsed(texts, form) for form in formats}
    if not found:
        return None
    best = max(found, key=lambda form: int(found[form].notna().sum()))
    dates = dict(zip(texts, found[best], strict=True))
    return Dates(best, {table: _mapped(text, dates) for table, text in pair.items()})


def find_own_formats(pair: Mapping[str, "pd.Series[Any]"]) -> Dates | None:
    """Each table's only format that all its values have; None if one has none, or several."""
    formats, dates = {}, {}
    for table, text in pair.items():
        texts = text.dropna().drop_duplicates()
        tried = {
            form: parsed(texts, form)
            for form in _formats_of(str(texts.iloc[0]) if len(texts) else "")
        }
        clear = [form for form, dates in tried.items() if dates.notna().all()]
        if len(clear) != 1:
            return None
        formats[table] = clear[0]
        dates[table] = _mapped(text, dict(zip(texts, tried[clear[0]], strict=True)))
    return Dates(", ".join(f"{form} in {table}" for table, form in formats.items()), dates)


def as_dates(pair: Mapping[str, "pd.Series[Any]"], shown: str) -> dict[str, "pd.Series[Any]"]:
    """A column of dates as such, by the format that a ``Dates`` has for it."""
    found = find_format(pair)
    if found is None or found.format != shown:
        found = find_own_formats(pair)
    assert found is not None, shown
    return found.dates


def date_parts(
    name: str, dates: Mapping[str, "pd.Series[Any]"]
) -> dict[str, dict[str, "pd.Series[Any]"]]:
    """The numbers that a date becomes: by their names, one column of each table."""
    parts = {table: parts_of(one) for table, one in dates.items()}
    wanted = list(next(iter(parts.values())))
    if all((part["hour"].dropna() == 0).all() for part in parts.values()):
        wanted.remove("hour")
    return {
        f"{name} {what}": {
            table: part[what].rename(f"{name} {what}") for table, part in parts.items()
        }
        for what in wanted
    }


def _formats_of(text: str) -> list[str]:
    """The formats that a value fits, in order of preference."""
    if not _SHORTEST <= len(text) <= _LONGEST or not any(map(str.isdigit, text)):
        return []
    if _ISO_TEXT.fullmatch(text):
        return [ISO]
    return [day + time for day in _DAYS for time in _TIMES if _fits(text, day + time)]


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def parsed(texts: "pd.Series[Any]", form: str) -> "pd.Series[Any]":
    """The values in a format, as UTC without saying so; missing where they have another."""
    if form == ISO:
        texts = texts.where(texts.map(lambda text: bool(_ISO_TEXT.fullmatch(text))))
    pattern = "ISO8601" if form == ISO else form
    found = pd.to_datetime(texts, format=pattern, errors="coerce", utc=True)
    return found.dt.tz_localize(None)


def _mapped(text: "pd.Series[Any]", dates: Mapping[str, Any]) -> "pd.Series[Any]":
    return pd.to_datetime(text.map(dates))


def parts_of(dates: "pd.Series[Any]") -> dict[str, "pd.Series[Any]"]:
    """All numbers that a date has, each by its name."""
    day = dates.dt.normalize()
    hour = (dates - day) / pd.Timedelta(hours=1)
    parts = {
        "year": dates.dt.year,
        "month": dates.dt.month,
        "day": dates.dt.day,
        "weekday": dates.dt.day_of_week,
        "days": (dates - _EPOCH) / pd.Timedelta(days=1),
        "hour": hour,
    }
    return {what: values.astype("float64") for what, values in parts.items()}
