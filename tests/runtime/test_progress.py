"""Progress: plain lines where there is no terminal, a bar where there is one."""

import io
import re

import pytest
from rich.console import Console

from podium.runtime.progress import reporting


def show(terminal: bool, width: int = 120, title: str = "house-prices mlp") -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=terminal, width=width, color_system=None)
    with reporting(title, console) as reporter:
        reporter.start(100)
        for epoch in range(1, 101):
            reporter.update(epoch, f"fold 1/5  epoch {epoch}/100", loss=1 / epoch)
    return buffer.getvalue()


def test_progress_is_plain_lines_where_there_is_no_terminal():
    text = show(terminal=False)
    assert "\x1b" not in text
    assert text.startswith("house-prices mlp  fold 1/5  epoch 100/100  loss 0.0100")
    assert len(text.splitlines()) == 1


def test_slow_work_says_how_long_is_left(monkeypatch):
    from podium.runtime import progress

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    lines = show(terminal=False).splitlines()
    assert len(lines) == 100
    assert "s left" in lines[50]


def test_progress_is_a_bar_on_a_terminal():
    text = show(terminal=True)
    assert "━" in text
    assert "epoch 100/100" in text


@pytest.mark.parametrize(("width", "cells"), [(60, 5), (80, 24), (120, 40)])
def test_the_bar_and_its_times_are_whole_at_any_width(width, cells):
    title = "digit-recognizer elastic_net"
    lines = re.split(r"[\r\n]+", show(True, width, title))
    bars = [line for line in lines if "━" in line]
    assert any("epoch 100/100  loss 0.0100" in line for line in lines)
    for line in bars:
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).rstrip()
        assert re.fullmatch(
            rf"{title} [━╸╺ ]{{{cells},}}\d+:\d\d elapsed(, \d+:\d\d left)?", text
        ), text
        assert len(text) <= width


def test_times_have_hours_when_they_need_them():
    from podium.runtime.progress import _clock

    assert [_clock(at) for at in (0, 59.6, 3599, 3600, 36_061)] == [
        "0:00", "1:00", "59:59", "1:00:00", "10:01:01",
    ]  # fmt: skip
