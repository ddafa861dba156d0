"""A folder or a zip on this machine, and what the manifest says of it."""

import json
import zipfile
from pathlib import Path

import pytest

from podium.data.sources.archive import extract
from podium.io import files
from podium.io.errors import PodiumError

NAMES = {"train.csv": "train.csv"}


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_folder_and_zip_give_the_same_raw_files(project, podium, house_files, tmp_path):
    project.use_files(house_files)
    assert podium("download", "house-prices").code == 0
    raw = project.root / "data/raw/house-prices"
    first = {path.name: path.read_bytes() for path in raw.iterdir()}
    entries = {f"inside/{path.name}": path.read_bytes() for path in house_files.iterdir()}
    project.use_files(zipped(tmp_path / "house.zip", entries))
    assert podium("download", "house-prices").code == 0
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == first
    assert set(first) == {"train.csv", "test.csv", "sample_submission.csv", "manifest.json"}


def test_the_manifest_names_every_file_with_size_and_hash(project, podium):
    assert podium("download", "house-prices").code == 0
    raw = project.root / "data/raw/house-prices"
    manifest = json.loads((raw / "manifest.json").read_text())
    assert manifest["synthetic"] is True
    assert [entry["name"] for entry in manifest["files"]] == [
        "sample_submission.csv", "test.csv", "train.csv",
    ]  # fmt: skip
    for entry in manifest["files"]:
        path = raw / entry["name"]
        assert entry["bytes"] == path.stat().st_size
        assert entry["sha256"] == files.sha256(path)


def test_a_second_download_is_byte_identical(project, podium):
    raw = project.root / "data/raw/house-prices"
    runs = []
    for _ in range(2):
        outcome = podium("download", "house-prices")
        assert outcome.code == 0
        assert "SYNTHETIC" in outcome.out
        runs.append({path.name: path.read_bytes() for path in raw.iterdir()})
    assert runs[0] == runs[1]


def test_other_file_names(project, podium, house_files):
    (house_files / "sample_submission.csv").rename(house_files / "gender_submission.csv")
    project.use_files(house_files)
    assert podium("download", "house-prices").code == 2

    def change(params):
        files = {"sample_submission": "gender_submission.csv"}
        params["house-prices"]["source"]["files"] = files

    project.edit(change)
    assert podium("download", "house-prices").code == 0


def test_no_such_path(project, podium, tmp_path):
    project.use_files(tmp_path / "nowhere")
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "no folder or zip at" in outcome.err


def test_a_table_is_no_path(project, podium, house_files):
    project.use_files(house_files / "train.csv")
    done = podium("download", "house-prices")
    assert (done.code, "expected a folder or a zip" in done.err) == (2, True)


def test_entries_never_land_outside_the_folder(tmp_path):
    archive = zipped(tmp_path / "evil.zip", {"../../train.csv": b"x", "/etc/other": b"y"})
    target = tmp_path / "a/b"
    target.mkdir(parents=True)
    extract(archive, target, NAMES)
    assert [path.name for path in (tmp_path / "a").rglob("*.csv")] == ["train.csv"]
    assert (target / "train.csv").is_file()


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"other.csv": b""}, "file is missing in the zip, which holds: other.csv"),
        ({"a/train.csv": b"", "b/train.csv": b""}, "more than once"),
    ],
)
def test_files_lacking_or_ambiguous(entries, says, tmp_path):
    with pytest.raises(PodiumError, match=says):
        extract(zipped(tmp_path / "x.zip", entries), tmp_path, NAMES)


def test_a_link_is_refused(tmp_path):
    entry = zipfile.ZipInfo("train.csv")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(PodiumError, match="is a link"):
        extract(tmp_path / "x.zip", tmp_path, NAMES)
