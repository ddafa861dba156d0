"""Every notebook runs from top to bottom, and is stored without output."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from projects import ROOT, Project, write_houses

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXPLORE = ROOT / "notebooks" / "01-explore-house-prices.ipynb"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    """Few rows, and no profile of the person who runs the tests."""
    monkeypatch.setenv("PODIUM_NOTEBOOK_ROWS", "60")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def use_sample(project: Project) -> None:
    def change(params):
        params["house-prices"]["source"].update(provider="sample", path=None)

    project.edit(change)


def run(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """Run a notebook in ``folder`` and return what it printed.

    The kernel is this interpreter: with no folder to search, jupyter_client falls back on its
    own kernel instead of one that happens to be installed as "python3".
    """
    kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, km=kernel, timeout=120, resources=resources).execute(cleanup_kc=True)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def one_cell(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def test_there_are_notebooks():
    assert EXPLORE in NOTEBOOKS


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


@pytest.mark.deep
@every_notebook
def test_runs_from_its_own_folder(path, project):
    use_sample(project)
    folder = project.root / "notebooks"
    folder.mkdir()
    shutil.copyfile(path, folder / path.name)
    run(read(path), folder)


@pytest.mark.deep
@pytest.mark.parametrize(("rows", "read_rows"), [("0", 1460), ("1", 1)])
def test_explore_copes_with_all_rows_and_with_one_and_writes_nothing(
    rows, read_rows, project, monkeypatch
):
    use_sample(project)
    monkeypatch.setenv("PODIUM_NOTEBOOK_ROWS", rows)
    before = sorted(project.root.rglob("*"))
    printed = run(read(EXPLORE), project.root)
    assert f"{read_rows} training houses" in printed
    assert "SYNTHETIC" in printed
    assert sorted(project.root.rglob("*")) == before


@pytest.mark.deep
def test_explore_reads_what_the_download_stage_wrote(project, tmp_path, podium):
    house_files = write_houses(tmp_path / "wide", wide=True)
    project.use_files(house_files)
    assert podium("download", "house-prices").code == 0
    shutil.rmtree(house_files)
    printed = run(read(EXPLORE), project.root)
    assert "60 training houses and 40 test houses from 'local'" in printed
    assert "SYNTHETIC" not in printed


@pytest.mark.deep
def test_a_failing_cell_fails(tmp_path):
    with pytest.raises(CellExecutionError, match="no such house"):
        run(one_cell("raise KeyError('no such house')"), tmp_path)


@pytest.mark.deep
def test_the_kernel_is_this_interpreter(tmp_path):
    assert run(one_cell("import sys; print(sys.executable)"), tmp_path).strip() == sys.executable
