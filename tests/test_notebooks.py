"""Every notebook is a lesson, runs from top to bottom, and is stored without output.

What a notebook has to be:

- Its file begins with its number. Its metadata are ``METADATA``, its cells have none, outputs are
  not stored. ``ruff format`` formats its code.
- Its first cell is a title (``# ...``) and says in a few sentences what it is about. Each section
  (``## ...`` or ``### ...``) with code is a lesson: its text has a **Question**, what to
  **remember** and an **Exercise**, in these words, and its code shows a picture or a table.
  Sections named "Set-up" or "The data" only prepare, and need none of that.
- It imports Podium rather than copying code, runs from ``notebooks/`` and from the project's
  folder (``podium.io.paths.enter_project``), and writes nothing there.
- It prints no warning, and needs no network.
- With ``PODIUM_NOTEBOOK_SHORT=1`` it takes about half a minute of one core or less, and
  ``PODIUM_NOTEBOOK_ROWS=60`` bounds the rows of tables that it reads whole.

Tests run each once, in a small project with trained models and runs (``notebook_help.MODELS``).
"""

import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from notebook_help import NOTEBOOKS, make_project, no_profile, own_copy, read, run, sections, state
from podium.io import paths
from projects import made_once

FILES = sorted(NOTEBOOKS.glob("*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

every_notebook = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """Short runs, by nobody in particular."""
    monkeypatch.setenv("PODIUM_NOTEBOOK_SHORT", "1")
    monkeypatch.setenv("PODIUM_NOTEBOOK_ROWS", "60")
    no_profile(monkeypatch, tmp_path / "ipython")


def one_cell(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def test_they_are_numbered():
    numbers = [path.name[:2] for path in FILES]
    assert numbers[0] == "01"
    assert len(set(numbers)) == len(numbers)


@every_notebook
def test_stored_without_output(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@every_notebook
def test_each_section_is_a_lesson(path):
    notebook = read(path)
    assert notebook.cells[0].source.startswith("# ")
    lessons = [section for section in sections(notebook) if section.is_lesson]
    assert lessons
    lacking = {section.title: section.missing for section in lessons if section.missing}
    assert not lacking, "sections lack these words"


@pytest.mark.deep
@every_notebook
def test_runs_and_shows_something_in_each_section(path, kernel, shared, tmp_path, monkeypatch):
    """From the folder where Jupyter opens it."""
    root = own_copy(made_once(shared, "notebooks", make_project), tmp_path / "own", monkeypatch)
    before, notebook = state(root), read(path)
    run(notebook, root / "notebooks")
    assert state(root) == before
    lessons = [section for section in sections(notebook) if section.is_lesson]
    assert [section.title for section in lessons if not section.shows] == []


def test_the_project_is_found_from_its_folder_and_from_below(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").touch()
    (tmp_path / "notebooks").mkdir()
    for folder in (tmp_path, tmp_path / "notebooks"):
        monkeypatch.chdir(folder)
        assert paths.enter_project() == tmp_path
        assert Path.cwd() == tmp_path


@pytest.mark.deep
def test_what_a_notebook_must_not_do_fails(kernel, tmp_path):
    with pytest.raises(CellExecutionError, match="no such house"):
        run(one_cell("raise KeyError('no such house')"), tmp_path)
    with pytest.raises(AssertionError, match="prints no warnings"):
        run(one_cell("import warnings; warnings.warn('old')"), tmp_path)
    asks = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    with pytest.raises(CellExecutionError, match="needs no network"):
        run(one_cell(asks), tmp_path)


@pytest.mark.deep
def test_the_kernel_is_this_interpreter(kernel, tmp_path):
    assert run(one_cell("import sys; print(sys.executable)"), tmp_path).strip() == sys.executable
