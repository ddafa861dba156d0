"""Ids of several columns, ids with leading zeros, and ids that are text."""

import pandas as pd
import pytest

from podium.config import load_config
from podium.data.ids import in_own_columns, only_one_id, with_one_id
from podium.io.errors import PodiumError
from projects import HOUSES

IDS = ["store", "day"]
TABLE = pd.DataFrame({"store": ["01", "1"], "day": ["2024-01-31", "NA"], "y": ["3", "4"]})


def test_ids_come_back_as_their_own_columns():
    table = with_one_id("train.csv", TABLE, IDS)
    assert table.iloc[:, 0].tolist() == ["01 | 2024-01-31", "1 | NA"]
    pd.testing.assert_frame_equal(table.iloc[:, 1:], TABLE)
    one = only_one_id("sample_submission.csv", TABLE, IDS)
    assert list(one) == ["store | day", "y"]
    pd.testing.assert_frame_equal(in_own_columns(one, IDS), TABLE)


def test_one_column_stays_as_it_is():
    assert with_one_id("train.csv", TABLE, ["store"]) is TABLE
    assert only_one_id("train.csv", TABLE, ["store"]) is TABLE
    assert in_own_columns(TABLE, ["store"]) is TABLE


@pytest.mark.parametrize(
    ("value", "says"),
    [(None, "train.csv:3: day is missing"), ("a | b", r"train.csv:3: day 'a \| b' holds")],
)
def test_a_part_that_can_not_be_joined(value, says):
    with pytest.raises(PodiumError, match=says):
        with_one_id("train.csv", TABLE.assign(day=["x", value]), IDS)


def test_a_sample_of_another_order_says_which():
    with pytest.raises(PodiumError, match="first columns are day, store, expected .* store, day"):
        only_one_id("sample_submission.csv", TABLE[["day", "store", "y"]], IDS)


@pytest.mark.parametrize(
    ("key", "says"),
    [([], "a column, or several"), (["a", "a"], "several different"), ("a | b", "without"),
     ([1, "a"], "names of columns"), (["SalePrice", "Id"], "is the id column too")],
)  # fmt: skip
def test_an_id_that_is_none(key, says, project, podium):
    project.edit(lambda params: params[HOUSES].update(id=key))
    outcome = podium("check")
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert "params.yaml:" in line
    assert says in line


@pytest.fixture
def run(project, podium, house_files):
    """The submission of these ids, as text, after all stages with one model."""
    train, test = (pd.read_csv(house_files / f"{name}.csv") for name in ("train", "test"))

    def ids(columns, key, asked=True):
        for name, table in (("train", train), ("test", test)):
            given = pd.DataFrame({name: make(table) for name, make in columns.items()})
            table = pd.concat([given, table.drop(columns="Id")], axis=1)
            table.to_csv(house_files / f"{name}.csv", index=False, na_rep="NA")
        sample = given.iloc[::-1].assign(SalePrice=1)
        sample.to_csv(house_files / "sample_submission.csv", index=False)
        project.use_files(house_files)
        project.keep({HOUSES: ["ridge"]})
        files = {} if asked else {"sample_submission": None}
        project.edit(lambda params: params[HOUSES].update(id=key, features={}))
        project.edit(lambda params: params[HOUSES]["source"].update(files=files))
        project.edit(lambda params: params[HOUSES]["folds"].update(count=2))
        for stage in (["check"], ["download"], ["preprocess"], ["train", "ridge"], ["ensemble"]):
            name = [] if stage == ["check"] else [HOUSES]
            outcome = podium(stage[0], *name, *stage[1:])
            assert outcome.code == 0, outcome.err
        made = pd.read_csv(project.root / f"submissions/{HOUSES}/submission.csv", dtype=str)
        return given.astype(str).iloc[:: -1 if asked else 1].reset_index(drop=True), made

    return ids


@pytest.mark.parametrize("asked", [True, False])
def test_two_columns_from_files_to_the_submission(asked, run):
    columns = {
        "store": lambda table: table["Id"].mod(7).map("{:02d}".format),
        "day": lambda table: table["Id"].map("d{}".format),
    }
    wanted, made = run(columns, IDS, asked)
    pd.testing.assert_frame_equal(made[IDS], wanted)
    assert list(made) == [*IDS, "SalePrice"]
    block = load_config(only=HOUSES)[HOUSES]
    assert block.id_columns == IDS
    summary = pd.read_csv(f"data/processed/{HOUSES}/summary.csv")
    assert set(IDS) <= set(summary["column"])


def test_leading_zeros_stay(run):
    wanted, made = run({"Id": lambda table: table["Id"].map("{:06d}".format)}, "Id")
    assert made["Id"].tolist() == wanted["Id"].tolist()
    assert made["Id"].str.fullmatch(r"0\d{5}").all()
