"""Does the project hold together? In seconds, with ``pytest tests`` in the project's folder."""

import csv
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_params_yaml_is_valid() -> None:
    """Own code and columns too, where the data are there."""
    done = subprocess.run(["podium", "check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_submissions_have_the_rows_that_kaggle_asks_for() -> None:
    """Of all competitions that have been run."""
    for path in ROOT.glob("submissions/*/submission.csv"):
        sample = ROOT / "data/raw" / path.parent.name / "sample_submission.csv"
        assert first_column(path) == first_column(sample), path.parent.name


def first_column(path: Path) -> list[str]:
    """The header and the ids."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [row[0] for row in csv.reader(file) if row]
