"""The block ``compute``: optional, checked, and no stage depends on it."""

import pytest

from podium.config import load_config
from podium.config.compute import Compute

ADDRESS = "tcp://127.0.0.1:8786"


def with_block(project, text: str):
    path = project.root / "params.yaml"
    path.write_text(path.read_text() + text)
    return len(path.read_text().splitlines())


def test_without_the_block_work_is_done_here(project) -> None:
    assert load_config().compute == Compute()
    assert Compute().backend == "local"


def test_all_keys_are_read(project) -> None:
    with_block(project, f"compute: {{backend: dask, address: '{ADDRESS}', workers: 3}}\n")
    assert load_config().compute == Compute(backend="dask", address=ADDRESS, workers=3)
    assert "compute" not in load_config().blocks


@pytest.mark.parametrize(
    ("block", "key", "hint"),
    [
        ("backnd: dask", "compute.backnd", "backend"),
        ("backend: ray", "compute.backend", "dask"),
        ("backend: dask", "compute.backend", "tcp://"),
        (f"address: '{ADDRESS}'", "compute.address", "backend: dask"),
        ("{backend: dask, address: localhost}", "compute.address", "tcp://10"),
        ("{backend: dask, address: 'http://a:1'}", "compute.address", "tcp://10"),
        ("workers: 0", "compute.workers", "1"),
        ("dask", "compute", "expected a block"),
    ],
)
def test_a_wrong_block_is_one_line_with_its_place(project, podium, block, key, hint) -> None:
    line = with_block(
        project, f"compute: {block if block[0] == '{' or ':' not in block else '{' + block + '}'}\n"
    )
    found = podium("check")
    assert found.code == 2
    (error,) = found.err.splitlines()
    assert error.startswith(f"podium: error: params.yaml:{line}: {key}: ")
    assert hint in error


def test_a_competition_cannot_have_its_name(project, podium) -> None:
    found = podium("new", "compute", "--path", ".")
    assert found.code == 2
    assert "means something else in params.yaml" in found.err


def test_no_stage_depends_on_it(project, podium) -> None:
    def resolved():
        assert podium("resolve", "house-prices").code == 0
        folder = project.root / "data/resolved/house-prices"
        return {path.name: path.read_bytes() for path in folder.rglob("*.json")}

    before = resolved()
    with_block(project, "compute: {workers: 1}\n")
    assert resolved() == before
