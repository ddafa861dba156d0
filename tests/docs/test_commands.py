"""Commands in documents exist: each program's own parser takes them; test_tutorial runs some."""

import json
import re
import subprocess
import sys

import pytest
import typer

from documents import PAGES, name, shell, spans
from podium.cli import app
from projects import ROOT

WITH_COMMANDS = [path for path in PAGES if shell(path)]
# Of the shell, of the system, and of programs whose parser isn't asked here.
OTHERS = {
    ".", "cat", "cd", "cp", "dask", "docker", "export", "git", "jupyter", "mkdir", "mlflow",
    "openssl", "pip", "pytest", "sed", "umask",
}  # fmt: skip
# What the project's folders are, in which a file that a command names must be.
FOLDERS = ("benchmarks", "docs", "notebooks", "presets", "scripts", "src", "tests")
# Parses as the client's command does, and stops before it would sign in.
KAGGLE = """
import argparse, json, sys
from unittest.mock import patch
import kaggle.cli

parse = argparse.ArgumentParser.parse_args

class Parsed(Exception):
    pass

def refused(words):
    def stop(parser):
        parse(parser, words)
        raise Parsed
    with patch.object(argparse.ArgumentParser, "parse_args", stop):
        try:
            kaggle.cli.main()
        except Parsed:
            return False
        except SystemExit:
            return True

print(json.dumps([words for words in json.loads(sys.argv[1]) if refused(words)]))
"""


def make_targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def check_make(words):
    targets = [word for word in words if "=" not in word]
    assert targets, "no target"
    assert set(targets) <= make_targets()


def check_podium(words):
    """Parsed as the command line is, by what parses it."""
    group = typer.main.get_command(app)
    words = [word for word in words if word not in ("--debug", "--quiet")]
    if words in (["--help"], ["--version"]):
        return
    context = group.make_context("podium", list(words))
    found, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    if "--help" not in rest:
        command.make_context(found, rest, parent=context)


def check_dvc(words):
    from dvc.cli.parser import get_main_parser

    get_main_parser().parse_args(words)


def check_python(words):
    file = next((word for word in words if not word.startswith("-")), "")
    if {"-c", "-", "-m"} & set(words):
        return
    assert (ROOT / file).is_file(), f"no file {file}"
    text = (ROOT / file).read_text()
    given = [word for word in words if word.startswith("--")]
    assert [option for option in given if f'"{option}"' not in text] == []


def check_kaggle(words):
    """All of a page's are parsed at once: see ``test_kaggle_knows``."""


PARSERS = {
    "make": check_make,
    "podium": check_podium,
    "dvc": check_dvc,
    "python": check_python,
    "python3": check_python,
    "kaggle": check_kaggle,
}


def check(command):
    program, *words = command
    while re.fullmatch(r"\w+=\S*", program) and words:  # PODIUM_WARM=0 podium ...
        program, *words = words
    program = program.removeprefix(".venv/bin/")
    assert program in PARSERS or program in OTHERS, f"{program}: who parses that?"
    PARSERS.get(program, lambda words: None)(words)
    for word in words:
        if word.split("/")[0] in FOLDERS and "/" in word:
            assert (ROOT / word).exists(), f"no file {word}"


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=name)
def test_commands_parse(path):
    for command in shell(path):
        try:
            check(command)
        except Exception as error:
            pytest.fail(f"{name(path)}: {' '.join(command)}: {error}")


@pytest.mark.parametrize(
    "command",
    ["podium fly", "podium submit house-prices --loud", "make tea", "dvc exp rum",
     "python gone.py", "python benchmarks/scale.py --lines 3", "vi params.yaml",
     "podium tune house-prices mlp --minutes soon"],
)  # fmt: skip
def test_a_wrong_command_is_noticed(command):
    with pytest.raises(Exception, match=r".+"):
        check(command.split())


def test_kaggle_knows(tmp_path):
    """In a process of its own: imported, the client prints and reads credentials."""
    wanted = [words[1:] for path in PAGES for words in shell(path) if words[0] == "kaggle"]
    wrong = ["competitions", "submit", "--nothing"]
    environment = {"PATH": "", "HOME": str(tmp_path), "KAGGLE_USERNAME": "x", "KAGGLE_KEY": "x"}
    done = subprocess.run(
        [sys.executable, "-c", KAGGLE, json.dumps([*wanted, wrong])],
        env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert wanted
    assert json.loads(done.stdout.splitlines()[-1]) == [wrong], done.stderr


def options(command):
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_commands_within_sentences_exist(path):
    group = typer.main.get_command(app)
    for span in spans(path, "podium"):
        words = [word.strip("[]") for word in span.split()[1:]]
        if words[0].startswith("-"):
            assert words[0] in options(group) | {"--help"}, span
            continue
        assert words[0] in group.commands, span
        own = options(group.commands[words[0]]) | {"--help", "--debug", "--quiet"}
        given = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
        assert given <= own, span
    for span in spans(path, "make"):
        assert span.split()[1] in make_targets(), span
