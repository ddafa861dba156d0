"""docs/lessons.md names knobs, sections of notebooks and tests that are there."""

import ast
import re
from functools import cache
from typing import get_args

import typer
from pydantic import BaseModel

from documents import NOTEBOOKS, text_of
from notebook_help import read, sections
from podium.cli import app
from podium.config import ImageCompetition, TableCompetition
from podium.config.models import IMAGE_MODELS, TABLE_MODELS
from podium.stages.tune.prune import PRUNERS
from podium.stages.tune.samplers import SAMPLERS
from projects import ROOT

PAGE = ROOT / "docs/lessons.md"
HEADS = ("| Section", "| Topic")
CHOICES = {"--sampler": set(SAMPLERS), "--pruner": {*PRUNERS, "none"}}
# What the course is about: each is the beginning of a row.
TOPICS = [
    "5.2 Implementation of Multilayer Perceptrons",
    "5.3 Forward Propagation, Backward Propagation, and Computational Graphs",
    "5.4 Numerical Stability and Initialization",
    "5.5 Generalization in Deep Learning",
    "5.6 Dropout",
    "5.7 Predicting House Prices on Kaggle",
    "Norm penalty L1", "Norm penalty L2", "Elastic net", "Weight decay", "Dropout", "Batch",
    "Early stopping", "Noise on inputs", "Noise on weights", "Label smoothing", "Mixup", "CutMix",
    "Augmentation", "Skip connections", "Initialization", "Stochastic gradient descent", "Momentum",
    "AdaGrad, RMSProp, Adam, AdamW", "Learning curves", "Grid search", "Random search",
    "A fixed wall time", "Bayesian optimization", "Gaussian processes", "Deep kernels",
    "Loss surfaces",
]  # fmt: skip


def rows() -> list[list[str]]:
    """The cells of the tables: topic, knob, notebook, test."""
    found, inside = [], False
    for line in text_of(PAGE).splitlines():
        inside = line.startswith(HEADS) or (inside and line.startswith("|"))
        if inside and not line.startswith((*HEADS, "|---")):
            found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


ROWS = rows()


def is_knob(knob: str) -> bool:
    """Whether a model has it, or else a competition's block."""
    first, *rest = knob.split(".")
    specs = [table[first] for table in (TABLE_MODELS, IMAGE_MODELS) if first in table]
    if specs:
        return any(rest[0] in spec.params.model_fields for spec in specs)
    blocks = [kind.model_fields.get(first) for kind in (TableCompetition, ImageCompetition)]
    if not rest:
        return any(blocks)
    kinds = [field.annotation for field in blocks if field]
    own = [one for kind in kinds for one in (kind, *get_args(kind)) if isinstance(one, type)]
    return any(rest[0] in kind.model_fields for kind in own if issubclass(kind, BaseModel))


def is_command(words: list[str]) -> bool:
    """Whether there is such a command of podium, with this option and value of it."""
    group = typer.main.get_command(app)
    command = group.commands[words[0]]
    options = [option for one in command.params for option in one.opts]
    value = words[2:] and words[2]
    return words[1] in options and (not value or value in CHOICES[words[1]])


@cache
def titles(number: str) -> set[str]:
    (path,) = [path for path in NOTEBOOKS if path.name.startswith(number)]
    return {section.title for section in sections(read(path))}


@cache
def functions(file: str) -> set[str]:
    body = ast.parse((ROOT / file).read_text()).body
    return {one.name for one in body if isinstance(one, ast.FunctionDef)}


def test_every_topic_has_a_row():
    names = [row[0] for row in ROWS]
    assert [topic for topic in TOPICS if not any(name.startswith(topic) for name in names)] == []
    assert all(len(row) == 4 for row in ROWS)


def test_knobs_and_commands_are_there():
    for topic, cell, *_ in ROWS:
        spans = re.findall(r"`([^`]+)`", cell)
        assert spans, topic
        for span in spans:
            words = span.split()
            if words[0] == "podium":
                assert is_command(words[1:]), (topic, span)
            # What is no key of Podium's own: an estimator's path, an extra.
            elif ":" not in span and span != "gp":
                assert is_knob(span), (topic, span)


def test_sections_are_there():
    for topic, _, cell, _ in ROWS:
        found = re.findall(r"\[(\d\d) ([^]]+)\]\(\.\./notebooks/(\d\d)-", cell)
        # Else a page of the documentation; that it is there, test_links.py sees.
        assert found or re.fullmatch(r"no notebook: \[[\w.]+\]\([\w.-]+\.md#[\w-]+\)", cell), topic
        for number, title, linked in found:
            assert number == linked, (topic, title)
            assert title in titles(number), (topic, number, title)


def test_tests_are_there():
    for topic, *_, cell in ROWS:
        found = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cell)
        assert found, topic
        for file, name in found:
            assert name in functions(file), (topic, file, name)


def test_what_is_not_there_is_noticed():
    assert is_knob("mlp.dropout")
    assert not is_knob("mlp.dropuot")
    assert is_knob("folds.count")
    assert not is_knob("folds.cuont")
    assert not is_command(["tune", "--sampler", "guess"])
