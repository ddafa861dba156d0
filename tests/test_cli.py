"""The command line: errors in one line, help, misuse."""

import pytest


def test_an_unexpected_error_is_no_traceback(project, podium, monkeypatch):
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("podium.stages.report.report", explode)
    outcome = podium("report", "house-prices")
    assert outcome.code == 1
    assert "unexpected RuntimeError: boom" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 1. TiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"),
    ],
)
def test_too_little_memory_is_no_bug(error, project, podium, monkeypatch):
    def explode(*_: object) -> None:
        raise error

    monkeypatch.setattr("podium.stages.train.train", explode)
    outcome = podium("train", "house-prices", "mlp")
    assert outcome.code == 2
    assert outcome.err.startswith("podium: error: not enough memory: ")
    assert "smaller networks" in outcome.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["submit"], "podium submit: missing argument 'competition'; 'podium submit --help'"),
        (["nonsense"], "podium: no such command 'nonsense'; 'podium --help'"),
        (["train", "a", "b", "c"], "podium train: got unexpected extra argument(s) (c)"),
        (["submit", "a", "--wait", "x"], "podium submit: invalid value for '--wait'"),
        (["submit", "a", "--nope"], "podium submit: no such option: --nope"),
    ],
)
def test_a_misused_command_is_told_in_one_line(words, says, podium):
    outcome = podium(*words)
    assert outcome.code == 2
    assert outcome.err.startswith(f"podium: error: {says}")
    assert len(outcome.err.splitlines()) == 1
    assert outcome.out == ""


@pytest.mark.parametrize("words", [[], ["--help"], ["submit", "--help"]])
def test_help_is_no_error(words, podium):
    outcome = podium(*words)
    assert outcome.code == 0
    assert "Usage: podium" in outcome.out
    assert outcome.err == ""
