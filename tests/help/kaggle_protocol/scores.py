"""The public and the private score of a submitted file."""

import csv
import hashlib
import io
import math
from collections.abc import Callable
from pathlib import Path

Score = tuple[str | None, str | None]


def hash_score(content: bytes) -> Score:
    """A public score that depends on the file alone."""
    return f"{int(hashlib.sha256(content).hexdigest()[:8], 16) / 2**32:.5f}", None


def scorer(solution: Path) -> Callable[[bytes], Score]:
    """Scores against a file of right answers: half the rows are public, half are private."""
    names, right = answers(solution.read_bytes())
    keys = sorted(right)
    regression = all(is_number(value) for value in right.values()) and len(set(right.values())) > 30

    def score(content: bytes) -> Score:
        given_names, given = answers(content)
        if given_names != names:
            raise ValueError(f"Submission must have columns {', '.join(names)}")
        if set(given) != set(right):
            raise ValueError(f"Submission must have the {len(right)} ids of the test set")
        measure = rmsle if regression else accuracy
        public, private = (
            measure([(right[key], given[key]) for key in half])
            for half in (keys[::2], keys[1::2] or keys)
        )
        return f"{public:.5f}", f"{private:.5f}"

    return score


def answers(content: bytes) -> tuple[list[str], dict[str, str]]:
    """The columns' names, and the second column by the first."""
    rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    return rows[0], {row[0]: row[1] for row in rows[1:]}


def is_number(text: str) -> bool:
    """Whether the metric can take it for a number that is not below zero."""
    try:
        return float(text) >= 0
    except ValueError:
        return False


def rmsle(pairs: list[tuple[str, str]]) -> float:
    """Root mean squared error of logarithms."""
    logs = [math.log1p(float(right)) - math.log1p(float(given)) for right, given in pairs]
    return math.sqrt(sum(log * log for log in logs) / len(logs))


def accuracy(pairs: list[tuple[str, str]]) -> float:
    """The share of equal labels."""
    return sum(right == given for right, given in pairs) / len(pairs)
