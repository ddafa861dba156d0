"""Several stages on one screen."""

import io
import sys

import pytest

from podium.runtime.console import QUIET
from podium.runtime.parallel.lines import Lines, short

TRAINING = "models/dvc.yaml:house-prices@mlp"


@pytest.fixture
def screen():
    return io.StringIO()


def test_half_lines_wait_for_their_other_half(screen):
    first, second = Lines(["resolve@a"], 10), Lines([TRAINING], 10)
    first.take(b"one half", screen)
    second.take(b"a whole line\n", screen)
    first.take(b" and the other\nlast", screen)
    first.take(b"", screen)
    first.take(b"", screen)
    assert screen.getvalue().splitlines() == [
        "house-prices mlp | a whole line",
        "a resolve  | one half and the other",
        "a resolve  | last",
    ]


def test_a_bar_leaves_its_last_state(screen):
    Lines([TRAINING], 0).take(b"\r10 %\r 20 %\r100 %\r\n", screen)
    assert screen.getvalue() == "house-prices mlp | 100 %\n"


def test_it_follows_dvc_from_stage_to_stage(screen):
    lines = Lines(["resolve@a", "download@a"], 10)
    lines.take(b"Stage 'resolve@a' didn't change, skipping\nRunning stage 'download@a':\n", screen)
    lines.take(b"> sh scripts/podium download a\n\n10 rows\nUpdating lock file 'x'\n", screen)
    assert (lines.seen, lines.skipped) == (["resolve@a", "download@a"], 1)
    printed = [line.partition(" | ") for line in screen.getvalue().splitlines()]
    assert {label.strip() for label, _, _ in printed} == {"a download"}
    assert [text for _, _, text in printed] == ["Running stage 'download@a':", "10 rows"]


def test_what_is_not_text_stays_visible(screen):
    Lines(["resolve@a"], 0).take(b"caf\xff\n", screen)
    assert "caf�" in screen.getvalue()


def test_names_for_people():
    assert short(TRAINING) == "house-prices mlp"
    assert short("report@house-prices") == "house-prices report"


def test_quiet_prints_errors_alone(capsys, monkeypatch):
    monkeypatch.setenv(QUIET, "1")
    lines = Lines(["report@a"], 8)
    lines.take(b"Running stage 'report@a':\nmade\n", sys.stdout)
    lines.take(b"podium: error: gone\n", sys.stderr)
    assert lines.seen == ["report@a"]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "a report | podium: error: gone\n"
