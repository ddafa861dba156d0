"""Features of params.yaml alone: the docs' examples, ordinal maps, types, and what is said."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from bad_input import assert_one_line
from podium.config import load_config
from podium.data.tabular.features.row_wise import with_features
from podium.data.tabular.read import read_raw
from projects import HOUSES, ROOT, write_csv

TITLES = ["Mr", "Mrs", "Miss", "the Countess"]


def passengers(rows: int, first: int) -> pd.DataFrame:
    """A few of the Titanic's columns."""
    return pd.DataFrame(
        {
            "PassengerId": range(first, first + rows),
            "Name": [f"Doe, {TITLES[row % 4]}. J. Q." for row in range(rows)],
            "Ticket": range(rows),
            "Cabin": [[None, "C85", "B28 B30"][row % 3] for row in range(rows)],
            "SibSp": [row % 3 for row in range(rows)],
            "Parch": [row % 2 for row in range(rows)],
            "Age": [None if row % 5 == 0 else 20 + row for row in range(rows)],
            "Fare": [7.5 + row for row in range(rows)],
        }
    )


def travellers(rows: int, first: int) -> pd.DataFrame:
    """A few of Spaceship Titanic's columns."""
    bills = {
        name: [None if (row + place) % 7 == 0 else row % 3 * place for row in range(rows)]
        for place, name in enumerate(["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"])
    }
    return pd.DataFrame(
        {
            "PassengerId": [f"{(first + row) // 2:04d}_{row % 2 + 1:02d}" for row in range(rows)],
            "Name": "x",
            "CryoSleep": [[None, True, False][row % 3] for row in range(rows)],
            "Cabin": [None if row % 6 == 0 else f"{'ABC'[row % 3]}/{row}/P" for row in range(rows)],
            **bills,
        }
    )


def example(name: str) -> dict:
    """A competition's block in docs/features.md."""
    text = (ROOT / "docs/features.md").read_text()
    (block,) = re.findall(rf"```yaml\n({name}:.*?)```", text, re.DOTALL)
    return YAML(typ="safe").load(io.StringIO(block))[name]


@pytest.fixture
def preprocessed(project, podium):
    """Runs an example on small files of its own; its training table as models read it."""

    def run(name, rows, target, classes):
        folder = project.root / "files"
        folder.mkdir()
        train, test = rows(60, 10), rows(30, 80)
        write_csv(
            train.assign(**{target: [classes[r % 2] for r in range(60)]}), folder / "train.csv"
        )
        write_csv(test, folder / "test.csv")
        sample = test[["PassengerId"]].assign(**{target: classes[0]})
        write_csv(sample, folder / "sample_submission.csv")
        block = example(name)
        block["source"] = {"provider": "local", "path": str(folder)}
        project.edit(lambda params: params.update({name: block, "competitions": [name]}))
        for words in (["download", name], ["check"], ["preprocess", name]):
            outcome = podium(*words)
            assert outcome.code == 0, outcome.err
        return train, pd.read_parquet(f"data/processed/{name}/train.parquet")

    return run


def test_titanic(preprocessed):
    raw, found = preprocessed("titanic", passengers, "Survived", [0, 1])
    assert found["Title"].tolist() == [TITLES[row % 4] for row in range(60)]
    assert (found["Rare"] == (found["Title"] == "the Countess")).all()
    assert found["Deck"].fillna("").tolist() == [["", "C", "B"][row % 3] for row in range(60)]
    assert (found["HasCabin"] == raw["Cabin"].notna()).all()
    assert (found["FamilySize"] == raw["SibSp"] + raw["Parch"] + 1).all()
    assert not {"Name", "Ticket", "Cabin"} & set(found)


def test_spaceship(preprocessed):
    raw, found = preprocessed("spaceship", travellers, "Transported", ["False", "True"])
    assert (found["Member"] == [row % 2 + 1 for row in range(60)]).all()
    assert found["CabinNumber"].dtype == float
    spend = raw.filter(["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]).sum(axis=1)
    assert (found["Spend"] == spend).all()
    folds = pd.read_parquet("data/processed/spaceship/folds.parquet")
    groups = raw["PassengerId"].str[:4]
    assert (folds["repeat_0"].groupby(groups).nunique() == 1).all()
    learnt = pd.read_parquet("data/processed/spaceship/features/repeat0-fold0.parquet")
    assert list(learnt) == ["SpendToDeck"]
    assert len(learnt) == 90


def test_the_first_example_of_the_docs(project, podium, house_files):
    text = (ROOT / "docs/features.md").read_text()
    block = re.findall(r"```yaml\n(  features:.*?)```", text, re.DOTALL)[0]
    features = YAML(typ="safe").load(block)["features"]
    project.use_files(house_files)
    project.edit(lambda params: params[HOUSES].update(features=features))
    for words in (["download", HOUSES], ["check"], ["preprocess", HOUSES]):
        outcome = podium(*words)
        assert outcome.code == 0, outcome.err
    found = pd.read_parquet("data/processed/house-prices/train.parquet")
    assert set(found["KitchenQual"].dropna()) <= set(range(5))
    assert (found["TotalSF"] >= found["TotalBsmtSF"]).all()


@pytest.fixture
def featured(project, house_files):
    """The raw tables of a small house-price competition with features, and what was made."""
    project.use_files(house_files)

    def make(features, **preprocess):
        def change(params):
            params[HOUSES]["features"] = features
            params[HOUSES]["preprocess"].update(preprocess)

        project.edit(change)
        competition = load_config()[HOUSES]
        return with_features(read_raw(house_files, competition), competition)

    return make


def test_without_features_the_tables_stay_as_they_are(featured, house_files):
    tables, made = featured({})
    assert made == []
    assert tables.train.equals(read_raw(house_files, load_config()[HOUSES]).train)


def test_ordinal_maps(featured, house_files):
    raw = pd.read_csv(house_files / "train.csv", keep_default_na=False, dtype=str)
    order = ["Po", "Fa", "TA", "Gd", "Ex"]
    tables, made = featured(
        {
            "KitchenQual": order,
            "basement": {"columns": ["BsmtQual", "BsmtCond"], "order": ["NA", *order]},
            "ExterQual": ["TA", "Gd"],
            "GarageCars": [0, 1, 2, 3, 4, 5],
        }
    )
    for name, levels in (("KitchenQual", order), ("BsmtQual", ["NA", *order])):
        assert (tables.train[name] == raw[name].map(levels.index)).all()
    assert "basement" not in tables.train
    assert (tables.train["GarageCars"] == raw["GarageCars"].astype(float)).all()
    lacking = ~raw["ExterQual"].isin(["TA", "Gd"])
    assert (tables.train["ExterQual"].isna() == lacking).all()
    said = {one.column: one.warning for one in made if one.warning}
    assert list(said) == ["ExterQual"]
    test = pd.read_csv(house_files / "test.csv", keep_default_na=False, dtype=str)["ExterQual"]
    count = int(lacking.sum() + (~test.isin(["TA", "Gd"])).sum())
    assert f"has {count} values that its order lacks" in said["ExterQual"]


def test_features_use_those_above_them_and_columns_that_are_dropped(featured):
    tables, _ = featured(
        {
            "MSSubClass": "MSSubClass + 1000",
            "Twice": "MSSubClass * 2",
            "Zone": "concat(MSZoning, Street)",
            "Next": "length(Zone)",
        },
        drop=["MSZoning", "PoolQC"],
    )
    assert (tables.train["Twice"] > 2000).all()
    # A column of codes stays text.
    assert tables.train["MSSubClass"].str.startswith("1").all()
    assert (tables.train["Next"] == tables.train["Zone"].str.len()).all()


def test_the_summary_tells_formulas_types_and_warnings(project, podium, house_files):
    features = {"TotalSF": "TotalBsmtSF + 1stFlrSF", "Zone": "lower(MSZoning)",
                "PerFire": "GrLivArea / Fireplaces", "ExterQual": ["Fa", "TA"],
                "Best": "GrLivArea - (max(GrLivArea) by Street)"}  # fmt: skip
    project.use_files(house_files)
    project.edit(lambda params: params[HOUSES].update(features=features))
    for command in ("download", "preprocess"):
        outcome = podium(command, HOUSES)
        assert outcome.code == 0, outcome.err
    assert "column 'ExterQual' has " in outcome.err
    assert "column 'PerFire' gives no finite number in " in outcome.err
    summary = pd.read_csv("data/processed/house-prices/summary.csv").set_index("column")
    for name in ("TotalSF", "Zone", "PerFire", "Best"):
        assert summary.loc[name, "formula"] == features[name]
    assert summary.loc["ExterQual", "formula"] == "ordinal: Fa < TA"
    assert summary.loc[["TotalSF", "Zone"], "type"].tolist() == ["number", "category"]
    assert "its order lacks" in summary.loc["ExterQual", "warning"]
    assert features["Best"] in summary.loc["Best", "treatment"]


WRONG = {
    "a column's name": ("LotAera", "no column 'LotAera' in train.csv; did you mean 'LotArea'?"),
    "a function's name": ("lgo(LotArea)", "no function 'lgo'; did you mean 'log'?"),
    "text and number": ("Street + 1", "'+' takes numbers, and 'Street' is text"),
    "the target": ("SalePrice / 2", "'SalePrice' is the target"),
    "the target in groups": ("mean(SalePrice) by Street", "'SalePrice' is the target"),
    "itself": ("New + 1", "no column 'New' in train.csv"),
    "what comes later": ("Last + 1", "'Last' is made further down; move it up"),
    "nothing": ("log(PoolArea * 0)", "'New' is missing in every training row"),
    "learnt text": ("where(count(Id) by Street > 5, Street, 'rare')", "is to be a number"),
    "a level too few": (["Fa"], "at least two levels"),
    "no column of an order": (["Fa", "TA"], "; an order has its column's name, or {columns: [...]"),
    "an order of other levels": (
        {"columns": ["Street"], "order": ["Fa", "TA"]},
        "in every training row (has 120 values that its order lacks (Grvl, Pave)",
    ),
    "a number": (3, "expected an expression, a list of levels"),
    "a block": ({"ordr": ["a", "b"], "columns": ["Street"]}, "missing key 'order'"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_mistakes_are_one_line_with_its_place(what, project, podium, house_files):
    value, says = WRONG[what]
    project.use_files(house_files)
    project.edit(
        lambda params: params[HOUSES].update(features={"Two": "1 + 1", "New": value, "Last": "1"})
    )
    line = next(
        number
        for number, text in enumerate(Path("params.yaml").read_text().splitlines(), 1)
        if text.strip().startswith("New:")
    )
    podium("download", HOUSES)
    outcome = podium("preprocess", HOUSES)
    assert_one_line(outcome, says.partition(";")[0])
    assert f"params.yaml:{line}: house-prices.features.New" in outcome.err
    assert says in outcome.err
    assert not Path("data/processed/house-prices/schema.json").exists()


def test_check_reads_expressions_before_there_are_data(project, podium):
    features = {"A": "log(", "B": "foo(LotArea)", "C": "Nothing + 1", "D": "A + B"}
    project.edit(lambda params: params[HOUSES].update(features=features))
    outcome = podium("check")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 2
    assert podium("download", HOUSES).code == 0
    assert len(podium("check").err.splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("where(LotArea == null, 1, 0)", "write isna(a)"),
        ("True", "write 'true'"),
        ("Street == qqqq", 'a text stands in quotes: "qqqq"; valid: '),
        ("YrSold.dt.year", "no methods: write year(YrSold)"),
    ],
)
def test_names_that_are_no_columns_are_answered(text, says, project, podium):
    project.edit(lambda params: params[HOUSES].update(features={"A": text}))
    assert podium("download", HOUSES).code == 0
    (line,) = podium("check").err.splitlines()
    assert says in line


def test_hints_list_columns_in_the_tables_order(project, podium):
    project.edit(lambda params: params[HOUSES].update(features={"A": "(qqqq)"}))
    assert podium("download", HOUSES).code == 0
    header = Path("data/raw", HOUSES, "train.csv").read_text().splitlines()[0].split(",")
    assert f"; valid: {', '.join(header[:20])} and" in podium("check").err


def test_lists_may_name_features_and_nothing_else(project, podium):
    def change(params):
        params[HOUSES]["features"] = {"Zone": "lower(MSZoning)", "Code": "LotArea % 7"}
        params[HOUSES]["preprocess"].update(drop=["Zone"], categorical=["Code"])

    project.edit(change)
    assert podium("download", HOUSES).code == 0
    assert podium("check").code == 0
    project.edit(lambda params: params[HOUSES]["preprocess"].update(drop=["Zonee"]))
    assert "did you mean 'Zone'?" in podium("check").err
