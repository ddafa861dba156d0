"""What a project that people join has: files that tools read say what is true here."""

import re
import tomllib

import pytest
from ruamel.yaml import YAML

import podium
from projects import ROOT

FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def test_ci_runs_what_can_be_run_anywhere():
    jobs = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")["jobs"]
    (commands,) = ([step["run"] for step in job["steps"] if "run" in step] for job in jobs.values())
    assert commands == [".ci/run"]


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_issue_forms_ask_for_something(form):
    """GitHub ignores a form without these keys."""
    found = YAML(typ="safe").load(form)
    if form.stem == "config":
        return
    assert {"name", "description", "body"} <= set(found)
    ids = [field["id"] for field in found["body"] if field["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 1


def test_hooks_are_the_projects_own_tools():
    """They need no network, and check what ``make lint`` checks."""
    (repo,) = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    entries = [hook["entry"] for hook in repo["hooks"]]
    assert repo["repo"] == "local"
    lint = re.search(r"^lint:.*?\n\n", (ROOT / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
    for tool in re.findall(r"@(ruff check|ruff format --check|mypy)", lint[0]):
        assert any(entry.startswith(f".venv/bin/{tool}") for entry in entries), tool


def test_the_version_is_in_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert podium.__version__ in versions
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT"
    assert "version" in project["dynamic"]
