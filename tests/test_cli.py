"""The command line: errors in one line, help, misuse."""

import shlex
import sys

import pytest
import typer
from rich.table import Table

from podium.cli.base import GROUPS, app
from podium.runtime.console import results
from projects import HOUSES, Outcome

GROUP = typer.main.get_command(app)
COMMANDS = GROUP.commands


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


def examples(command):
    """The command lines that a command's help shows."""
    lines = command.epilog.splitlines()
    return [line.strip() for line in lines if line.startswith("  podium ")]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_examples_that_can_be_typed(name, podium):
    shown = podium(name, "--help").out
    lines = examples(COMMANDS[name])
    assert lines
    for line in lines:
        assert f"    {line}\n" in shown
        _, command, *arguments = shlex.split(line)
        assert command == name
        # An unknown option or a missing argument would be an error here.
        COMMANDS[name].make_context(name, arguments)


def test_help_lists_commands_in_the_order_of_use(podium):
    shown = podium("--help").out
    titles = [shown.index(f"\n{title}:\n") for title in GROUPS]
    assert titles == sorted(titles)
    order = ["new", "check", "repro", "compare", "submit", "resolve", "train", "report"]
    places = [shown.index(f"\n  {name} ") for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize("words", [("--quiet", "check"), ("check", "--quiet")])
def test_quiet_leaves_out_the_news(words, project, podium):
    assert podium(*words) == Outcome(0, "", "")
    assert "rmsle" in podium("--quiet", "metrics").out
    project.edit(lambda params: params[HOUSES].update(taget="x"))
    assert "did you mean 'target'" in podium(*words).err


def stop(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "replaced", "says"),
    [
        (["repro"], "podium.stages.repro.repro", "interrupted: what has finished is kept"),
        (
            ["tune", HOUSES, "mlp"],
            "podium.stages.tune.command.tune",
            "interrupted: the study keeps",
        ),
        (["compare", HOUSES, "a", "b"], "podium.stages.compare.compare", "interrupted\n"),
    ],
)
def test_ctrl_c_says_how_to_go_on(words, replaced, says, project, podium, monkeypatch):
    monkeypatch.setattr(replaced, stop)
    outcome = podium(*words)
    assert outcome.code == 130
    assert outcome.err.startswith(f"podium: {says}")
    assert outcome.err.count("\n") == 1


def test_a_pipe_gets_whole_lines_without_colours(capsys, monkeypatch):
    """Tables are not cut, and nothing wraps; who wants colours in a pipe says so."""
    table = Table(box=None)
    table.add_column("x" * 150)
    table.add_column("y" * 150)

    def printed(**variables):
        with monkeypatch.context() as patch:
            for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
                patch.delenv(name, raising=False)
            for name, value in variables.items():
                patch.setenv(name, value)
            results().print("[red]word[/] " * 60)
            results().print(table)
        return capsys.readouterr().out

    plain = printed()
    assert plain.splitlines()[0].strip() == " ".join(["word"] * 60)
    assert "x" * 150 + " " in plain
    assert "y" * 150 in plain
    assert "\x1b" not in plain
    assert "\x1b[31m" in printed(FORCE_COLOR="1")
    assert "\x1b[31m" not in printed(FORCE_COLOR="1", NO_COLOR="1")
    assert "x" * 150 not in printed(COLUMNS="80")


def completed(monkeypatch, podium, words, shell="bash"):
    monkeypatch.setenv("_PODIUM_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    return podium().out.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("podium subm", ["submit", "submissions"]),
        ("podium train ho", ["house-prices"]),
        ("podium train house-prices l", ["lasso", "lightgbm"]),
        ("podium compare house-prices ridge bl", ["blend"]),
        ("podium train nowhere l", []),
    ],
)
def test_a_tab_completes_commands_competitions_and_models(
    words, found, project, podium, monkeypatch
):
    assert completed(monkeypatch, podium, words) == found


@pytest.mark.parametrize("text", [None, "a: [", "text", "a: {models: 1}"])
def test_a_tab_says_nothing_about_a_broken_file(text, tmp_path, podium, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "params.yaml").write_text(text)
    assert completed(monkeypatch, podium, "podium train a l") == []


LOADED = """
import sys
from podium.cli import main
sys.argv = ["podium", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"numpy", "pandas", "podium.config", "rich", "torch"} & set(sys.modules)
    print("heavy:", *sorted(heavy))
"""


@pytest.mark.parametrize("completes", [False, True])
def test_help_and_completion_load_no_library(completes, project):
    """Both have to be there at once."""
    variables = {
        "_PODIUM_COMPLETE": "complete_bash", "COMP_WORDS": f"podium train {HOUSES} la",
        "COMP_CWORD": "3",
    }  # fmt: skip
    done = project.run(sys.executable, "-c", LOADED, "--help", env=variables if completes else None)
    assert done.stdout.splitlines()[-1] == "heavy:", done.stderr
    assert ("lasso" if completes else "Exit codes") in done.stdout


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete_too(shell, project, podium, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    found = completed(monkeypatch, podium, "podium train house-prices la", shell)
    assert any("lasso" in word for word in found)
