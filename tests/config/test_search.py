"""``search:``: what it may hold, and that every mistake has a line of params.yaml."""

import pytest

from podium.config import MLPParams, RidgeParams
from podium.config.load import load_config
from podium.config.models import MODELS
from podium.config.search import search_problems
from podium.stages.tune.shipped import CLASSES, SHIPPED
from projects import HOUSES, run_podium

RANGE = {"range": [0.1, 0.2]}


def problems(kind=MLPParams, **search):
    block = kind(model="mlp", search=search)
    return {".".join(path): message for path, message in search_problems(block, search)}


@pytest.mark.parametrize(
    ("knob", "value", "where", "words"),
    [
        ("droput", RANGE, "search.droput", "no knob 'droput'; did you mean 'dropout'?"),
        ("alphas", RANGE, "search.alphas", "the model has no knob 'alphas'"),
        ("seed", RANGE, "search.seed", "no hyperparameter"),
        ("dropout", [0.1, 0.2], "search.dropout", "write {range: [least, most]}"),
        ("dropout", {"range": [0.5, 0.1]}, "search.dropout", "0.5 is above 0.1"),
        ("dropout", {"range": [0.5, 0.5]}, "search.dropout", "0.5 is the same as 0.5"),
        ("dropout", {"range": [0.5, 1.5]}, "search.dropout.range", "found 1.5"),
        ("dropout", {"range": [0, 0.5], "log": True}, "search.dropout", "needs numbers above 0"),
        ("dropout", {"range": [0.1]}, "search.dropout.range", "a list of at least 2"),
        ("dropout", {"range": [0.1, 0.2], "steps": 1}, "search.dropout.steps", "mean 'step'?"),
        ("dropout", {"range": [0.1, 0.2], "width": [1, 2]}, "search.dropout", "width does nothing"),
        ("dropout", {}, "search.dropout", "one of range, choices or layers"),
        ("dropout", {"range": [0.1, 0.2], "choices": [0.1, 0.3]}, "search.dropout", "found 2"),
        ("batch_size", {"choices": [32, 0]}, "search.batch_size.choices", "at least 1, found 0"),
        ("optimizer", {"choices": ["sgd", "adamx"]}, "search.optimizer.choices", "mean 'adam'?"),
        ("hidden", {"layers": [3, 1], "width": [8, 16]}, "search.hidden", "3 is above 1"),
        ("hidden", {"layers": [1, 3]}, "search.hidden", "layers need a width"),
        (
            "dropout",
            {"layers": [1, 2], "width": [8, 9]},
            "search.dropout.layers",
            "expected a number",
        ),
        ("l1", RANGE | {"when": {"optimiser": "sgd"}}, "search.l1.when.optimiser", "'optimizer'?"),
        ("l1", RANGE | {"when": {"optimizer": "x"}}, "search.l1.when.optimizer", "found text 'x'"),
        ("l1", RANGE | {"when": {"l1": 0.1}}, "search.l1.when.l1", "on the knob itself"),
        ("l1", 0.1, "search.l1", "write {range: [least, most]} or {choices: [...]}, not 0.1"),
    ],
)
def test_a_mistake_is_named_with_its_keys(knob, value, where, words):
    found = problems(**{knob: value})
    assert list(found) == [where], found
    assert words in found[where]


def test_conditions_in_a_circle():
    found = problems(
        dropout=RANGE | {"when": {"activation": ["relu"]}},
        activation={"choices": ["relu", "silu"], "when": {"dropout": [0.1]}},
    )
    assert "in a circle" in next(iter(found.values()))


def test_a_mistake_has_its_line(project):
    project.edit(lambda p: p[HOUSES]["models"]["mlp"].update(search={"dropout": {"range": [2, 1]}}))
    lines = (project.root / "params.yaml").read_text().splitlines()
    outcome = run_podium("check")
    assert outcome.code == 2
    where = f"{HOUSES}.models.mlp.search.dropout"
    search = next(at for at, text in enumerate(lines) if "search:" in text)
    line = next(at for at, text in enumerate(lines, 1) if at > search and "dropout:" in text)
    assert outcome.err.startswith(f"podium: error: params.yaml:{line}: {where}: range: 2 is above")


def test_what_is_right_is_no_mistake():
    assert not problems(
        learning_rate={"range": [1e-4, 1e-1], "log": True},
        hidden={"layers": [1, 3], "width": [32, 512], "log": True},
        batch_size={"choices": [32, 64]},
        dropout={"range": [0, 0.5], "step": 0.1},
        epochs={"choices": ["auto", 40]},
        momentum={"range": [0.5, 0.99], "when": {"optimizer": ["adam", "momentum"]}},
    )
    assert not problems(RidgeParams, alphas={"range": [0.1, 100], "log": True})


@pytest.mark.parametrize(
    ("kind", "model"), [(kind, model) for kind, models in MODELS.items() for model in models]
)
def test_every_model_ships_a_valid_space(kind, model):
    search = SHIPPED[kind][model]
    assert search
    block = MODELS[kind][model].params(model=model)
    assert not list(search_problems(block, search))


def test_no_space_ships_for_a_model_that_is_not_there():
    assert {kind: set(models) for kind, models in SHIPPED.items()} == {
        kind: set(models) for kind, models in MODELS.items()
    }
    assert all(CLASSES.values())


def test_an_edit_of_the_space_trains_nothing_again(project):
    before = load_config(only=HOUSES)[HOUSES].models["mlp"]
    project.edit(lambda p: p[HOUSES]["models"]["mlp"].update(search={"dropout": RANGE}))
    after = load_config(only=HOUSES)[HOUSES].models["mlp"]
    assert after.search
    assert after.model_dump() == before.model_dump()
