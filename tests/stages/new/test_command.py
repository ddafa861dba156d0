"""``podium new``: from files to a valid block, which says what it guessed."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.config import load_config
from projects import DIGITS, HOUSES, ROOT, run_podium

ROWS, TEST_ROWS = 120, 60
PARAMS = Path("params.yaml")


def features(start: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(start)
    return pd.DataFrame({"row": range(start, start + rows), "a": rng.normal(size=rows)})


TRAIN, TEST = features(0, ROWS), features(ROWS, TEST_ROWS)
AMOUNTS = np.random.default_rng(5).normal(size=ROWS)
LABELS = np.where(AMOUNTS > 0, "yes", "no")


def write(folder: Path, **tables: pd.DataFrame) -> Path:
    """Tables by their file's name without suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def sample(**columns) -> pd.DataFrame:
    return TEST[["row"]].assign(**columns)


@pytest.fixture
def new(project, tmp_path):
    """The block that is written for these tables, and what was printed."""

    def run(**tables: pd.DataFrame):
        folder = write(tmp_path / "files", **{"train": TRAIN, "test": TEST, **tables})
        outcome = run_podium("new", "fresh", "--path", str(folder))
        assert outcome.code == 0, outcome.err
        assert "params.yaml is valid" in outcome.out
        return load_config()["fresh"], outcome.out

    return run


@pytest.mark.parametrize(
    ("target", "asked", "task", "metric"),
    [
        (AMOUNTS, 0.1, "regression", "rmse"),
        (LABELS, "no", "binary", "accuracy"),
        (LABELS, 0.5, "binary", "auc"),
        ((AMOUNTS > 0).astype(int), 0, "binary", "accuracy"),
        ((AMOUNTS > 0).astype(int), 0.5, "binary", "auc"),
        ((AMOUNTS > 1.5).astype(int), 0, "binary", "auc"),
        (AMOUNTS > 0, False, "binary", "accuracy"),
        (np.arange(ROWS) % 3, 1, "multiclass", "accuracy"),
        (np.arange(ROWS) % 3, 0.37, "regression", "rmse"),
        (np.array(["x", "y", "z"])[np.arange(ROWS) % 3], "y", "multiclass", "accuracy"),
        (np.array(["x", "y", "z"])[np.arange(ROWS) % 3], "other", "multiclass", "accuracy"),
        (np.arange(ROWS), 3, "regression", "rmse"),
    ],
)
def test_task_and_metric(target, asked, task, metric, new):
    block, out = new(train=TRAIN.assign(y=target), sample_submission=sample(y=asked))
    assert (block.id, block.target) == ("row", "y")
    assert (block.task, block.metric) == (task, metric)
    assert block.folds.scheme == ("kfold" if task == "regression" else "stratified")
    assert f"metric: {metric}" in out or f"{metric} is a guess" in out


def test_from_two_csv_files_to_a_checked_submission(new, project):
    train = TRAIN.assign(kind=np.where(AMOUNTS > 0, "x", "y"), y=AMOUNTS)
    new(train=train, test=TEST.assign(kind="x"), sample_submission=sample(y=0.1))
    project.edit(lambda params: params["fresh"].update(models={"ridge": {}}))
    for stage in ("download", "preprocess", "train", "ensemble", "report"):
        outcome = run_podium(stage, "fresh", *(["ridge"] if stage == "train" else []))
        assert outcome.code == 0, outcome.err
    submission = pd.read_csv(project.root / "submissions/fresh/submission.csv")
    assert submission["row"].equals(TEST["row"])
    assert list(submission) == ["row", "y"]
    assert np.isfinite(submission["y"]).all()


def test_without_a_sample_the_block_says_null(new):
    block, out = new(train=TRAIN.assign(y=LABELS))
    assert block.source.files.sample_submission is None
    assert (block.id, block.target, block.metric) == ("row", "y", "accuracy")
    assert "no sample submission" in out
    assert "{sample_submission: null}" in PARAMS.read_text()


@pytest.mark.parametrize("prefix", ["", "Status_"])
def test_a_column_for_each_class(prefix, new):
    names = {f"{prefix}{label}": 0.3 for label in ("C", "CL", "D")}
    classes = np.array(["C", "CL", "D"])[np.arange(ROWS) % 3]
    block, _ = new(train=TRAIN.assign(Status=classes), sample_submission=sample(**names))
    assert (block.target, block.task, block.metric) == ("Status", "multiclass", "logloss")


@pytest.mark.parametrize(
    ("targets", "task", "metric"),
    [
        # Whole numbers alone would be classes.
        ({"y": AMOUNTS.round(), "z": AMOUNTS}, "regression", "rmse"),
        ({"y": AMOUNTS.round(), "z": AMOUNTS.round()}, "regression", "rmse"),
        ({"y": LABELS, "z": (AMOUNTS > 1).astype(int)}, "binary", "auc"),
    ],
)
def test_all_columns_that_are_asked_for_are_targets(targets, task, metric, new):
    asked = sample(**dict.fromkeys(targets, 0.5))
    block, out = new(train=TRAIN.assign(**targets), sample_submission=asked)
    assert (block.task, block.targets, block.metric) == (task, ["y", "z"], metric)
    assert 'target       ["y", z]: the sample submission\'s columns' in out
    assert (block.preprocess.drop, block.submission.columns) == ([], {})


def test_what_no_column_of_train_holds_is_0(new):
    train = TRAIN.assign(y=AMOUNTS, z=AMOUNTS)
    block, out = new(train=train, sample_submission=sample(y=0.5, w=0.5, z=0.5))
    assert (block.targets, block.submission.columns) == (["y", "z"], {"w": None})
    assert "also asks for w" in out


def test_one_column_of_several_is_predicted(new):
    asked = sample(y=0.5, w=0.5)
    block, _ = new(train=TRAIN.assign(y=AMOUNTS), sample_submission=asked)
    assert (block.targets, block.submission.columns) == (["y"], {"y": "y", "w": None})


def test_many_classes_with_a_column_each(new):
    train = TRAIN.assign(y=np.arange(ROWS) % 30)
    block, _ = new(train=train, sample_submission=sample(**{str(at): 0.1 for at in range(30)}))
    assert (block.task, block.metric) == ("multiclass", "logloss")


def test_a_class_that_is_named_first_can_be_asked_for(new):
    _, out = new(train=TRAIN.assign(y=LABELS), sample_submission=sample(y=0.5))
    assert "probability of yes; if that of no is asked for" in out
    assert '{columns: {"y": "no"}}' in out


def test_other_names_of_files_are_found(new):
    tables = {"gender_submission": sample(y=0.1), "train": TRAIN.assign(y=AMOUNTS)}
    block, out = new(**tables)
    assert block.source.files.sample_submission == "gender_submission.csv"
    assert "gender_submission.csv" in out


def test_columns_that_need_a_word(new):
    def wide(table):
        rows = len(table)
        return table.assign(
            store_id=np.arange(rows) % 7,
            paid=np.arange(rows) % 7,
            size=[str(row) if row % 5 else "None" for row in range(rows)],
            kind=np.where(np.arange(rows) % 5, "None", "?"),
            same=1,
        )

    train = wide(TRAIN).assign(y=AMOUNTS, casual=2)
    block, out = new(train=train, test=wide(TEST).assign(late=1), sample_submission=sample(y=0.1))
    assert block.preprocess.categorical == ["store_id"]
    assert set(block.preprocess.drop) == {"same", "casual", "late"}
    assert {"None", "?", "NA"} <= set(block.preprocess.na_values)
    assert "test also lacks casual" in out


def test_none_is_a_level_among_categories(new):
    level = {"kind": "None"}
    train = TRAIN.assign(y=AMOUNTS, kind=np.where(np.arange(ROWS) % 2, "None", "big"))
    block, _ = new(train=train, test=TEST.assign(**level), sample_submission=sample(y=0.1))
    assert "None" not in block.preprocess.na_values


@pytest.mark.parametrize(
    ("target", "scheme"),
    [(AMOUNTS, "group"), (LABELS, "stratified_group")],
    ids=["number", "class"],
)
def test_groups_that_test_has_none_of(target, scheme, new):
    train = TRAIN.assign(patient=np.arange(ROWS) // 4, y=target)
    test = TEST.assign(patient=1000 + np.arange(TEST_ROWS) // 4)
    block, out = new(train=train, test=test, sample_submission=sample(y=0.1))
    assert (block.folds.scheme, block.folds.group) == (scheme, "patient")
    assert "patient repeats in train" in out


def test_groups_that_test_shares_are_none(new):
    train = TRAIN.assign(patient=np.arange(ROWS) // 4, y=AMOUNTS)
    test = TEST.assign(patient=np.arange(TEST_ROWS) // 4)
    block, _ = new(train=train, test=test, sample_submission=sample(y=0.1))
    assert block.folds.scheme == "kfold"


@pytest.mark.parametrize("later", [True, False])
def test_time_that_goes_on_in_test(later, new):
    days = pd.date_range("2024-01-01", periods=ROWS + TEST_ROWS).strftime("%Y-%m-%d")
    if not later:
        days = days[np.random.default_rng(0).permutation(len(days))]
    train = TRAIN.assign(y=AMOUNTS, day=days[:ROWS])
    test = TEST.assign(day=days[ROWS:])
    block, out = new(train=train, test=test, sample_submission=sample(y=0.1))
    assert ("every day of test is later" in out) == later
    assert (block.folds.scheme, block.folds.by) == (("time", "day") if later else ("kfold", None))


def test_pixels_are_an_image(new):
    rng = np.random.default_rng(0)

    def pixels(rows):
        shades = rng.integers(0, 256, (rows, 64))
        return pd.DataFrame(shades, columns=[f"pixel{at}" for at in range(64)])

    train = pixels(ROWS).assign(label=np.arange(ROWS) % 10)
    numbers = pd.DataFrame({"ImageId": range(1, TEST_ROWS + 1), "Label": 0})
    block, out = new(train=train, test=pixels(TEST_ROWS), sample_submission=numbers)
    assert (block.kind, block.id, block.target) == ("image", "ImageId", "label")
    assert "8 x 8 pixels" in out


def test_image_files_with_labels(project, tmp_path):
    folder = tmp_path / "files"
    for part, rows in (("train", 20), ("test", 8)):
        (folder / part).mkdir(parents=True)
        for row in range(rows):
            (folder / part / f"{part[0]}{row}.png").write_bytes(b"")
    labels = pd.DataFrame({"id": [f"t{row}" for row in range(20)], "label": ["cat", "dog"] * 10})
    write(folder, trainLabels=labels, sampleSubmission=pd.DataFrame({"id": ["t0"], "label": "cat"}))
    outcome = run_podium("new", "pets", "--path", str(folder))
    assert outcome.code == 0, outcome.err
    block = load_config()["pets"]
    assert (block.kind, block.target, block.metric) == ("image", "label", "accuracy")
    assert (block.source.files.train, block.source.files.labels) == ("train", "trainLabels.csv")


@pytest.mark.parametrize("inside", ["", "folder/", "packed"])
def test_a_zip(inside, project, tmp_path):
    train = TRAIN.assign(y=AMOUNTS)
    folder = write(tmp_path / "files", train=train, test=TEST, sample_submission=sample(y=0.5))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as zipped:
        for path in folder.iterdir():
            if inside == "packed":
                with zipfile.ZipFile(tmp_path / "one.zip", "w") as one:
                    one.write(path, path.name)
                zipped.write(tmp_path / "one.zip", f"{path.name}.zip")
            else:
                zipped.write(path, inside + path.name)
    outcome = run_podium("new", "zipped", "--path", str(tmp_path / "all.zip"))
    assert outcome.code == 0, outcome.err
    assert load_config()["zipped"].target == "y"


def test_params_yaml_keeps_every_other_byte(project, house_files):
    before = (ROOT / "params.yaml").read_text()
    PARAMS.write_text(before)
    assert run_podium("new", "second", "--path", str(house_files)).code == 0
    after = PARAMS.read_text()
    assert after.replace(", second]", "]", 1).startswith(before)
    assert load_config().competitions == [HOUSES, DIGITS, "second"]
    assert "${second.models}" in Path("models/dvc.yaml").read_text()


def test_weird_names_of_columns_are_quoted(new):
    odd = {"yes": 1.5, 'a: #b, [x] "q"': "k", "1e3": 2}
    train = TRAIN.assign(**odd, null=AMOUNTS)
    block, _ = new(train=train, test=TEST.assign(**odd), sample_submission=sample(null=0.1))
    assert block.target == "null"
    assert set(block.preprocess.drop) == set(odd)


BROKEN = {
    "no files": {},
    "no test": {"train": TRAIN.assign(y=AMOUNTS)},
    "a constant target": {"train": TRAIN.assign(y=1), "test": TEST},
    "no target": {"train": TRAIN, "test": TEST, "sample_submission": sample(y=1)},
    "free text": {"train": TRAIN.assign(y=TRAIN.row.map("text {}".format)), "test": TEST},
    "targets of two kinds": {
        "train": TRAIN.assign(y=LABELS, z=AMOUNTS),
        "test": TEST,
        "sample_submission": sample(y=0.5, z=0.5),
    },
    "several targets of many classes": {
        "train": TRAIN.assign(y=LABELS, z=np.array(list("abc"))[np.arange(ROWS) % 3]),
        "test": TEST,
        "sample_submission": sample(y=0.5, z=0.5),
    },
    "no id": {"train": TRAIN.assign(row=1, a=1, y=AMOUNTS), "test": TEST.assign(row=1, a=1)},
}


@pytest.mark.parametrize("case", BROKEN)
def test_nothing_to_guess_from_leaves_params_yaml(case, project, tmp_path):
    before = PARAMS.read_bytes()
    folder = write(tmp_path / "files", **BROKEN[case])
    outcome = run_podium("new", "fresh", "--path", str(folder))
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert PARAMS.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"a;b\n1;2\n", b"\x89PNG", b"a,b\n\xe9,1\n", b"a,b\n1\n"])
def test_bad_csv_files(content, project, tmp_path):
    folder = write(tmp_path / "files", test=TEST)
    (folder / "train.csv").write_bytes(content)
    outcome = run_podium("new", "fresh", "--path", str(folder))
    assert outcome.code == 2
    assert outcome.err.startswith("podium: error: train.csv")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (HOUSES, "there is such a block already"),
        ("a b", "letters, digits"),
        ("on", "another name"),
        ("12", "another name"),
        ("competitions", "another name"),
    ],
)
def test_names_that_are_none(name, what, project, house_files):
    before = PARAMS.read_bytes()
    outcome = run_podium("new", name, "--path", str(house_files))
    assert outcome.code == 2
    assert what in outcome.err
    assert PARAMS.read_bytes() == before


def test_a_broken_params_yaml_is_left_as_it_is(project, house_files):
    project.edit(lambda params: params[HOUSES].update(metrics="rmse"))
    before = PARAMS.read_bytes()
    outcome = run_podium("new", "fresh", "--path", str(house_files))
    assert outcome.code == 2
    assert "did you mean 'metric'?" in outcome.err
    assert PARAMS.read_bytes() == before


def test_what_stops_the_download_is_said_at_once(project, tmp_path):
    train = TRAIN.assign(row=1, y=AMOUNTS)
    folder = write(tmp_path / "f", train=train, test=TEST, sample_submission=sample(y=0.1))
    outcome = run_podium("new", "fresh", "--path", str(folder))
    assert outcome.code == 2
    assert "train.csv:3: duplicate row 1" in outcome.err
    assert "fresh" in load_config().blocks


def test_without_a_name_or_a_place(project):
    assert "give a name" in run_podium("new").err
    assert "no folder or zip" in run_podium("new", "fresh", "--path", "nowhere").err
    assert "is no slug" in run_podium("new", "fresh", "--slug", "a/b").err
