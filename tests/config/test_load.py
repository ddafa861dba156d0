"""Every way params.yaml can be wrong: file, line, key, what was expected, the nearest valid key."""

import re

import pytest

from podium.config import load_config
from projects import HOUSES


def line_of(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_shipped_params_are_valid(project, podium):
    outcome = podium("check")
    assert outcome.code == 0
    assert "params.yaml is valid" in outcome.out
    assert "house-prices: tabular regression, rmsle, 5 folds" in outcome.out
    assert "house-prices: columns were not checked, since the data are not here yet" in outcome.out


def test_a_name_on_the_command_line_is_not_blamed_on_params(project, podium):
    for words, says in (
        (("house-pries", "lasso"), "COMPETITION: no competition 'house-pries' in params.yaml; did "
         "you mean 'house-prices'?"),
        ((HOUSES, "laso"), "MODEL: no model 'laso' in house-prices; did you mean 'lasso'?"),
    ):  # fmt: skip
        outcome = podium("train", *words)
        assert outcome.code == 2
        assert outcome.err == f"podium: error: {says}\n"


def test_model_defaults_to_its_own_name_and_empty_entries_are_defaults(project):
    def change(params):
        models = params["house-prices"]["models"]
        models["ridge"] = None
        models["wide"] = {"model": "mlp", "hidden": [1024]}

    project.edit(change)
    models = load_config()["house-prices"].models
    assert models["ridge"].model == "ridge"
    assert models["wide"].model == "mlp"
    assert models["wide"].hidden == [1024]


RIDGE = "    ridge:"
# (text in params.yaml, what stands there instead, where the error points, what it says)
WRONG = {
    "target under drop": ("drop: []", "drop: [SalePrice]", "drop: [S", "'SalePrice' is the target"),
    "min_count in words": (
        "min_count: 10",
        "min_count: few",
        "min_count",
        "expected auto or a whole number of at least 1, found text 'few'",
    ),
    "misspelt key": ("      dropout: 0.4", "      droput: 0.4", "droput", "did you mean 'dropout'"),
    "unknown key": ("  metric: rmsle", "  metric: rmsle\n  zzz: 1", "zzz", "valid: kind, source"),
    "ill-typed number": ("epochs: 3", "epochs: many", "epochs", "whole number, found text 'many'"),
    "out of range": ("dropout: 0.4", "dropout: 1.5", "dropout", "a number below 1, found 1.5"),
    "wrong choice": ("provider: sample", "provider: web", "provider", "'sample', 'mirror'"),
    "not even finite": ("dropout: 0.4", "learning_rate: .inf", "learning_rate", "finite number"),
    "reserved name": (
        "    ridge:",
        "    blend: {model: ridge}\n    ridge:",
        "blend:",
        "'blend' is taken",
    ),
    "a number as name": (
        "    ridge:",
        "    1: {model: ridge}\n    ridge:",
        "1:",
        "key 1 is not text",
    ),
    "a layer without end": (
        "      dropout: 0.4",
        "      dropout: 0.4\n      hidden: [99999999999]",
        "hidden",
        "at most 65536",
    ),
    "name of a path": (
        "    ridge:",
        "    ../x: {model: ridge}\n    ridge:",
        "../x",
        "letters, digits",
    ),
    "model of a list": (RIDGE, "    r: {model: [a]}\n" + RIDGE, "    r:", "no model"),
    "folds fewer than 2": ("count: 5", "count: 1", "folds", "at least 2 folds, found 1"),
    "unfit metric": ("metric: rmsle", "metric: accuracy", "metric", "does not fit task"),
    "unknown metric": ("metric: rmsle", "metric: rmsel", "metric", "did you mean 'rmse'?"),
    "unknown model": (
        "    ridge:",
        "    rigde:",
        "rigde",
        "no model 'rigde'; did you mean 'ridge'",
    ),
    "kind of another model": (
        "    ridge:",
        "    ridge: {model: rige}\n    r:",
        "ridge",
        "no model",
    ),
    "local without path": ("provider: sample", "provider: local", "path", "needs the path"),
    "sample without slug": ("slug: house-", "slug: null, # ", "source:", "needs the slug"),
    "unlisted blend model": ("models: all", "models: [nope]", "models: [nope]", "no model 'nope'"),
    "competition not there": ("[house-prices]", "[house-price]", "[house-", "'house-prices'?"),
    "group without column": ("scheme: kfold", "scheme: group", "scheme", "needs 'group: <column>'"),
    "importance of another name": (
        "importance: none",
        "importance: shap",
        "importance",
        "'auto' or 'none'",
    ),
    "transform of classes": ("task: regression", "task: binary", "target_transform", "regression"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_params(case, project, podium):
    old, new, where, says = WRONG[case]
    path = project.root / "params.yaml"
    project.edit(lambda params: params["house-prices"]["models"].update(mlp={"dropout": 0.4}))
    project.edit(lambda params: params["house-prices"]["models"]["mlp"].update(epochs=3))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    outcome = podium("check")
    assert outcome.code == 2
    lines = outcome.err.strip().splitlines()
    expected = f"params.yaml:{line_of(path.read_text(), where)}: "
    assert any(expected in line and says in line for line in lines), (expected, says, lines)


DIGITS = "digit-recognizer"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("task", "regression", "task: images are sorted into classes; use binary or multiclass"),
        ("folds.scheme", "group", "folds.scheme: 'group' needs a column, and images have none"),
        ("source.provider", "mirror", "provider: there is no mirror of images; use sample, kaggle"),
        ("source.files", {"labels": "a.csv"}, "labels: the sample has its labels beside the pix"),
        ("preprocess.damaged", "skip", "damaged: 'skip' does nothing for pixels in a csv"),
        ("preprocess.damaged", "ignore", "expected 'stop' or 'skip', found text 'ignore'"),
        ("preprocess.size", [28], "preprocess.size: expected"),
        ("preprocess.size", [28, 0], "at least 1, found 0"),
        ("preprocess.size", [28, 5000], "at most 4096, found 5000"),
        ("preprocess.channels", "gray", "expected 'auto', 'grey' or 'rgb', found text 'gray'"),
        ("preprocess.impute", "mean", "unknown key 'impute'; valid: size, channels, damaged"),
        ("report", {"importance": "none"}, "report.importance: does nothing for images"),
        ("kind", "images", "kind: expected 'tabular' or 'image', found text 'images'"),
    ],
)
def test_wrong_params_of_images(path, value, says, project, podium):
    *blocks, key = path.split(".")

    def change(params):
        block = params[DIGITS]
        for name in blocks:
            block = block[name]
        block[key] = value

    project.edit(change)
    outcome = podium("check")
    assert outcome.code == 2
    lines = outcome.err.strip().splitlines()
    assert any(f": {DIGITS}.{path.split('.')[0]}" in line and says in line for line in lines), lines


def test_labels_apart_and_skipping_are_for_image_files(project):
    def change(params):
        files = {"train": "train", "test": "test", "labels": "labels.csv"}
        params[DIGITS]["source"].update(provider="local", path="somewhere", files=files)
        params[DIGITS]["preprocess"].update(damaged="skip", size=[32, 24], channels="rgb")

    project.edit(change)
    competition = load_config()[DIGITS]
    assert competition.preprocess.size == [32, 24]
    assert competition.source.files.labels == "labels.csv"


def test_a_table_has_its_labels_in_train(project, podium):
    def change(params):
        params["house-prices"]["source"]["files"] = {"labels": "labels.csv"}

    project.edit(change)
    outcome = podium("check")
    assert outcome.code == 2
    assert "house-prices.source.files.labels: is for kind 'image'; remove it" in outcome.err


def test_missing_key_names_its_block(project, podium):
    project.edit(lambda params: params["house-prices"].pop("metric"))
    outcome = podium("check")
    assert outcome.code == 2
    assert "house-prices" in outcome.err
    assert "missing key 'metric'" in outcome.err


def test_two_blocks_with_the_same_name(project, podium):
    path = project.root / "params.yaml"
    path.write_text(path.read_text() + "\nhouse-prices: {}\n")
    outcome = podium("check")
    assert outcome.code == 2
    last = len(path.read_text().splitlines())
    assert f"params.yaml:{last}: house-prices: duplicate key" in outcome.err


@pytest.mark.parametrize(
    "text", ["a: [1", "- 1\n- 2\n", "", "competitions: 3\n", "\ta: 1\n", "5: {}\n"]
)
def test_not_even_a_document(text, project, podium):
    (project.root / "params.yaml").write_text(text)
    outcome = podium("check")
    assert outcome.code == 2
    assert re.search(r"params\.yaml", outcome.err)
    assert len(outcome.err.strip().splitlines()) == 1


def test_missing_file(project, podium):
    (project.root / "params.yaml").unlink()
    outcome = podium("check")
    assert outcome.code == 2
    assert "params.yaml is missing" in outcome.err


def test_a_slip_in_another_block_stops_no_stage_of_this_one(project):
    project.edit(lambda params: params.update(other={"kind": "tabular"}))
    assert load_config(only="house-prices")["house-prices"].id == "Id"


def test_several_errors_are_all_listed_by_check(project, podium):
    def change(params):
        params["house-prices"]["metric"] = "nope"
        params["house-prices"]["folds"]["count"] = 0

    project.edit(change)
    outcome = podium("check")
    assert len(outcome.err.strip().splitlines()) == 2
