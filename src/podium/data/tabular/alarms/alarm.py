"""What an alarm is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alarm:
    """A line about a column, or about all rows: ``of_rows`` says that ``column`` is no column."""

    column: str
    text: str
    of_rows: bool = False
