"""``features`` of a user's own file: what it gets, what it may return, where its columns go."""

import json
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path("data/processed/house-prices")
FILE = "src/competitions/house_prices.py"


def columns(table: str = "train") -> pd.DataFrame:
    return pd.read_parquet(FOLDER / f"{table}.parquet")


def schema() -> dict:
    return json.loads((FOLDER / "schema.json").read_text())


def contents() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}


def must(outcome):
    assert outcome.code == 0, outcome.err
    return outcome


def test_new_columns_are_typed_by_their_values_and_old_ones_stay(own_code, podium):
    must(podium("preprocess", "house-prices"))
    before = columns()
    own_code("""
        import numpy as np
        import pandas as pd

        def features(table):
            assert "SalePrice" not in table
            assert table["LotArea"].dtype == "float64"
            assert table["Alley"].notna().all()
            table["Lots"] = table["LotArea"] % 27 + 1
            table["Total"] = table["LotArea"] + table["GrLivArea"]
            table["Whole"] = (table["YrSold"] - table["YearBuilt"]).astype("int64")
            table["Flag"] = table["LotArea"] > 9000
            table["Cross"] = table["Neighborhood"] + table["MSZoning"]
            table["Level"] = pd.Categorical(table["Street"].str.lower())
            days = dict(year=table.YrSold + 1, month=table.MoSold % 12 + 1, day=table.Lots)
            table["Sold"] = pd.to_datetime(days)
            return table.drop(columns=["Utilities", "Lots"])
    """)
    must(podium("preprocess", "house-prices"))
    after = columns()
    old = [name for name in before if name != "Utilities"]
    pd.testing.assert_frame_equal(before[old], after[old])
    assert set(after) - set(before) == {
        "Total", "Whole", "Flag", "Cross", "Level", "Sold year", "Sold month", "Sold day",
        "Sold weekday", "Sold days",
    }  # fmt: skip
    assert {"Total", "Whole", "Flag", "Sold days"} <= set(schema()["numeric"])
    assert {"Cross", "Level"} <= set(schema()["categorical"])
    summary = pd.read_csv(FOLDER / "summary.csv", keep_default_na=False)
    said = set(summary["column"][summary["formula"] == "features() of your own code"])
    assert said == set(after) - set(before)
    assert "Utilities" not in after
    assert (after["Total"] == after["LotArea"] + after["GrLivArea"]).all()
    assert set(columns("test")) == set(after) - {"__target__"}
    summary = pd.read_csv(FOLDER / "summary.csv")
    assert {"Total", "Cross", "Sold"} <= set(summary["column"])


def test_a_file_that_returns_the_table_changes_nothing(own_code, podium):
    must(podium("preprocess", "house-prices"))
    before = contents()
    own_code("def features(table):\n    return table\n")
    must(podium("preprocess", "house-prices"))
    assert contents() == before


def test_dropped_columns_reach_the_function_and_no_model(own_code, podium):
    own_code("""
        def features(table):
            return table.assign(HasPool=table["PoolQC"].notna() | (table["LotArea"] > 9000))
    """)
    must(podium("preprocess", "house-prices"))
    assert "HasPool" in columns()
    assert "PoolQC" not in columns()


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (["return table['LotAre']"], 2, "KeyError: 'LotAre'; did you mean 'LotArea'?"),
        (["return table['SalePrice']"], 2, "KeyError: 'SalePrice'"),
        (["return table.assign(x=1 / 0)"], 2, "ZeroDivisionError: division by zero"),
        (["return None"], 1, "expected a DataFrame, found NoneType"),
        (["return table[table['LotArea'] > 9000]"], 1, "rows for"),
        (["return table.sort_values('LotArea')"], 1, "have another order or index"),
        (["return table.sort_values('LotArea', ignore_index=True)"], 1, "another order or index"),
        (["return table.assign(SalePrice=1)"], 1, "'SalePrice' is the target"),
        (["return table.assign(x=table['LotArea'].rank())"], 1, "column 'x': its value in row"),
        (["return table.assign(x=table['LotArea'] - table['LotArea'].mean())"], 1,
         "what learns from rows belongs in encoders()"),
        (["import numpy", "return table.assign(x=numpy.random.rand(len(table)))"], 1,
         "is not made of its row alone"),
        (["import pandas", "return pandas.get_dummies(table)"], 1, "returned columns for"),
        (["return table.assign(x=1.0) if len(table) == 80 else table"], 1,
         "returned columns for train alone: x"),
        (["return table.assign(x=1.0 if table['Id'][0] == '1' else 'a')"], 1,
         "column 'x' is a number in train and a text in test"),
        (["return table.assign(x=[[1]] * len(table))"], 1, "expected numbers, texts or dates"),
        (["return table.assign(x=table['LotArea'] / 0)"], 1, "column 'x' is infinite in row 2"),
        (["return table.assign(x=None)"], 1, "column 'x' is missing in every row of train"),
        (["return table.rename(columns={'LotArea': 3})"], 1, "expected a text as its name"),
        (["return table[['LotArea', 'LotArea']]"], 1, "column 'LotArea' is there twice"),
        (["return table[['Id']]"], 1, "returned no feature column"),
    ],
)  # fmt: skip
def test_a_wrong_return_is_one_line_with_the_files_line(own_code, podium, lines, line, said):
    own_code("\n".join(["def features(table):", *(f"    {one}" for one in lines)]) + "\n")
    outcome = podium("preprocess", "house-prices")
    assert outcome.code == 2
    assert outcome.err.startswith(f"podium: error: {FILE}:{line}: features: ")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not FOLDER.exists()


def test_extra_files_reach_the_function(own_code, houses, house_files, podium):
    pd.DataFrame({"Neighborhood": ["NAmes", "CollgCr"], "Centre": [1.5, 2.5]}).to_csv(
        house_files / "places.csv", index=False
    )
    houses.edit(lambda params: params["house-prices"]["source"].update(
        files={"extra": ["places.csv"]}))  # fmt: skip
    must(podium("download", "house-prices"))
    manifest = json.loads(Path("data/raw/house-prices/manifest.json").read_text())
    assert "extra/places.csv" in {entry["name"] for entry in manifest["files"]}
    own_code("""
        def features(table, files):
            return table.merge(files["places.csv"], on="Neighborhood", how="left")
    """)
    must(podium("preprocess", "house-prices"))
    table = columns()
    assert (table.loc[table["Neighborhood"] == "NAmes", "Centre"] == 1.5).all()
    own_code("""
        def features(table, files):
            return table.merge(files["place.csv"], on="Neighborhood", how="left")
    """)
    err = podium("preprocess", "house-prices").err
    assert "no file 'place.csv' under source.files.extra" in err
    assert "did you mean 'places.csv'?" in err


def test_extra_files_may_lie_in_the_zip(houses, house_files, podium, tmp_path):
    import shutil

    (house_files / "places.csv").write_text("a,b\n1,2\n")
    archive = shutil.make_archive(str(tmp_path / "all"), "zip", house_files)
    houses.use_files(Path(archive))
    houses.edit(lambda params: params["house-prices"]["source"].update(
        files={"extra": ["places.csv"]}))  # fmt: skip
    must(podium("download", "house-prices"))
    assert Path("data/raw/house-prices/extra/places.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["nosuch.csv"], "nosuch.csv: file is missing; put it there or set its name under "
         "source.files.extra"),
        (["places.txt"], "files.extra: expected names of csv files"),
        (["a/x.csv", "b/x.csv"], "files.extra: expected names of csv files, each another"),
    ],
)  # fmt: skip
def test_an_extra_file_that_is_wrong_is_one_line(houses, podium, extra, said):
    houses.edit(lambda params: params["house-prices"]["source"].update(files={"extra": extra}))
    outcome = podium("download", "house-prices")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert said in outcome.err


def test_a_sample_has_no_extra_files(houses, podium):
    houses.edit(lambda params: params["house-prices"].update(
        source={"provider": "sample", "slug": "house-prices-advanced-regression-techniques",
                "files": {"extra": ["x.csv"]}}))  # fmt: skip
    err = podium("download", "house-prices").err
    assert "the sample has no other files; remove it, or use kaggle or local" in err
