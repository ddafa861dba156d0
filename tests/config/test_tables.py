"""The tables of models, providers and fold schemes: a row is all that a new one takes."""

import inspect
from pkgutil import resolve_name

import numpy as np
import pandas as pd
import pytest

from podium.config import Folds
from podium.config.block import ModelParams
from podium.config.folds import ALIASES, SCHEMES
from podium.config.models import MODELS, ModelSpec
from podium.config.providers import PROVIDERS, Provider, is_sample
from podium.data.folds import assign_folds

HOUSES, DIGITS = "house-prices", "digit-recognizer"


def set_keys(project, competition, block, **keys):
    project.edit(lambda params: params[competition][block].update(keys))


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_fetches(name):
    fetch = resolve_name(PROVIDERS[name].fetch)
    assert list(inspect.signature(fetch).parameters) == ["competition", "folder"]


def test_only_the_sample_is_one():
    assert [name for name in PROVIDERS if is_sample(name)] == ["sample"]
    assert not is_sample(None)
    assert not is_sample("one that was removed")


def test_a_new_provider_is_a_row(project, podium, monkeypatch):
    def fetch(competition, folder):
        for file in ("train", "test", "sample_submission"):
            (folder / f"{file}.csv").write_text(
                {"train": "Id,x,SalePrice\n1,2,3\n2,4,5\n", "test": "Id,x\n3,4\n"}.get(
                    file, "Id,SalePrice\n3,0\n"
                )
            )
        return {"synthetic": False}

    monkeypatch.setattr("podium.data.sources.local.fetch", fetch)
    row = Provider("podium.data.sources.local:fetch", needs="path", kinds=("tabular",))
    monkeypatch.setitem(PROVIDERS, "ftp", row)
    # Valid names are fixed when params.yaml's classes are made: here the row is valid as "local".
    monkeypatch.setitem(PROVIDERS, "local", row)
    set_keys(project, HOUSES, "source", provider="local", path="there", slug=None)
    assert podium("download", HOUSES).code == 0
    set_keys(project, DIGITS, "source", provider="local", path="there")
    outcome = podium("check")
    assert "source.provider: there is no local of images; use sample or kaggle" in outcome.err


@pytest.mark.parametrize("name", [name for name in SCHEMES if not SCHEMES[name].is_given])
def test_schemes_that_shuffle_differ_by_repeat_and_the_others_do_not(name):
    scheme = SCHEMES[name]
    groups = pd.Series(np.arange(60) // 3) if scheme.needs_group else None
    spec = Folds(scheme=name, count=3, repeats=2, group="g" if scheme.needs_group else None)
    folds = assign_folds(spec, np.arange(60) % 2, groups)
    assert (folds[:, 0] != folds[:, 1]).any() == scheme.shuffles


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_shuffles_or_is_in_order_or_is_given(name):
    scheme = SCHEMES[name]
    assert scheme.shuffles + scheme.in_order + scheme.is_given + (name == "group") == 1
    assert set(scheme.needs + scheme.takes) <= set(Folds.model_fields)


def test_every_alias_is_of_a_scheme_and_no_scheme_itself():
    assert set(ALIASES.values()) == set(SCHEMES)
    assert not {name for name in SCHEMES if "_" not in name and ALIASES.get(name, name) != name}


class NewParams(ModelParams):
    """A new model's."""


@pytest.mark.parametrize(
    ("requires", "says"),
    [
        ({"tasks": ("binary", "multiclass")}, "new is for binary or multiclass, not regression"),
        ({"package": "no_such_package"}, "new needs the package no_such_package, which is not"),
        ({"package": "numpy"}, None),
    ],
)
def test_what_a_model_requires_is_checked(requires, says, project, podium, monkeypatch):
    monkeypatch.setitem(MODELS["tabular"], "new", ModelSpec(NewParams, "a:b", **requires))
    set_keys(project, HOUSES, "models", new={})
    outcome = podium("check")
    assert outcome.code == (0 if says is None else 2)
    if says:
        assert f"models.new: {says}" in outcome.err
