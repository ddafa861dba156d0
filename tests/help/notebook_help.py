"""Notebooks, run as a reader runs them, and the project that they run in."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from projects import DIGITS, HIDDEN, HOUSES, ROOT, Project, run_podium, write_houses
from tracking_help import log_runs

NOTEBOOKS = ROOT / "notebooks"
# What the notebooks' project trains: a competition's models, and later one of them anew.
MODELS = {HOUSES: ["ridge", "lasso", "mlp"], DIGITS: ["softmax", "mlp"]}
# IPython runs this first in every kernel: loopback is for the kernel itself.
NO_NETWORK = """
import socket

def _refuse(self, address, _connect=socket.socket.connect):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise RuntimeError(f"a notebook needs no network, and this one asked for {address[0]}")
    return _connect(self, address)

socket.socket.connect = _refuse
socket.socket.connect_ex = _refuse
"""
HEADING = re.compile(r"^(##+) +(.+)$", re.MULTILINE)
MARKERS = ("question", "remember", "exercise")
# Sections that prepare something and ask nothing.
NO_LESSON = re.compile(r"^(set-?up|the data|preparation|before|imports)\b", re.IGNORECASE)
PART = re.compile(r"\b(question|experiment|picture|remember|exercise)", re.IGNORECASE)
VISIBLE = ("image/png", "image/svg+xml", "text/html")


@dataclass
class Section:
    """A heading of a notebook with the cells up to the next one."""

    title: str
    text: str
    code: list[nbformat.NotebookNode]

    @property
    def is_lesson(self) -> bool:
        """Whether it has an experiment."""
        return bool(self.code) and not NO_LESSON.match(self.title)

    @property
    def missing(self) -> list[str]:
        """The parts of a lesson that its text doesn't have."""
        return [word for word in MARKERS if word not in self.text.lower()]

    @property
    def shows(self) -> bool:
        """Whether a run left a picture or a table."""
        outputs = [output for cell in self.code for output in cell.get("outputs", [])]
        return any(name in output.get("data", {}) for output in outputs for name in VISIBLE)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def sections(notebook: nbformat.NotebookNode) -> list[Section]:
    """The sections of a notebook, without what stands above the first one.

    "### Exercise" and the like are parts of the section above them.
    """
    found: list[Section] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if found:
                found[-1].code.append(cell)
            continue
        for is_heading, part in _parts(cell.source):
            if is_heading:
                found.append(Section(part.lstrip("# "), "", []))
            elif found:
                found[-1].text += f"\n{part}"
    return found


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The lines of a markdown cell, and whether each begins a section."""
    for line in text.splitlines():
        heading = HEADING.match(line)
        yield bool(heading and not PART.search(heading[2])), line


def no_profile(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """IPython with no profile of the person who runs the tests, and with no network."""
    startup = folder / "profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00-no-network.py").write_text(NO_NETWORK)
    monkeypatch.setenv("IPYTHONDIR", str(folder))
    # The kernel chooses its own: pictures go into the notebook.
    monkeypatch.delenv("MPLBACKEND", raising=False)


def run(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """Run a notebook in ``folder`` and return what it printed; warnings and errors fail.

    The kernel is this interpreter: with no folder to search, jupyter_client falls back on its
    own kernel instead of one that happens to be installed as "python3".
    """
    kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, km=kernel, timeout=300, resources=resources)
    asyncio.run(client.async_execute(cleanup_kc=True))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    streams = [output for output in outputs if output.output_type == "stream"]
    said = "".join(output.text for output in streams if output.name == "stderr")
    assert not said, f"a notebook prints no warnings, and this one printed {said}"
    return "".join(output.text for output in streams)


def make_project(root: Path) -> None:
    """A small project with trained models of both kinds, whose runs are in MLflow."""
    project = Project.make(root / "project")
    project.use_files(write_houses(root / "files", rows=200, test_rows=60, wide=True))
    project.keep(MODELS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in HIDDEN:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(project.root)
        for name, models in MODELS.items():
            steps = [["download"], ["preprocess"], *(["train", model] for model in models)]
            for step, *rest in [*steps, ["ensemble"]]:
                _must(step, name, *rest)
        # A second opinion of ridge, worse on purpose; the model in the project stays the first.
        project.edit(lambda params: params[HOUSES]["models"]["ridge"].update(alphas=[10_000]))
        _must("train", HOUSES, "ridge")
        project.edit(lambda params: params[HOUSES]["models"]["ridge"].update(alphas=[1, 100]))
        _must("train", HOUSES, "ridge")
        assert not log_runs()


def _must(*arguments: str) -> None:
    outcome = run_podium(*arguments)
    assert outcome.code == 0, outcome.err


def own_copy(shared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared project's copy for one notebook; the runs stay where they are."""
    made = shared / "project"
    ignored = shutil.ignore_patterns("mlflow.db", "mlartifacts", ".podium")
    shutil.copytree(made, folder, symlinks=True, ignore=ignored)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{made / 'mlflow.db'}")
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    return folder


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of a project: when it was written, and its size."""
    facts = {str(path.relative_to(root)): path.lstat() for path in root.rglob("*")}
    return {name: (fact.st_mtime_ns, fact.st_size) for name, fact in facts.items()}
