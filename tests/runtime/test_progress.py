"""Progress: plain lines where there is no terminal, a bar where there is one."""

import io

from rich.console import Console

from podium.runtime.progress import reporting


def show(terminal: bool) -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=terminal, width=120)
    with reporting("house-prices mlp", console) as reporter:
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
