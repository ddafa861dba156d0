"""The synthetic Ames table: its schema, its inner consistency and what its prices depend on."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict

from podium.data.sources.ames import make_ames

TEXT = """
    MSZoning Street Alley LotShape LandContour Utilities LotConfig LandSlope Neighborhood Condition1
    Condition2 BldgType HouseStyle RoofStyle RoofMatl Exterior1st Exterior2nd MasVnrType ExterQual
    ExterCond Foundation BsmtQual BsmtCond BsmtExposure BsmtFinType1 BsmtFinType2 Heating HeatingQC
    CentralAir Electrical KitchenQual Functional FireplaceQu GarageType GarageFinish GarageQual
    GarageCond PavedDrive PoolQC Fence MiscFeature SaleType SaleCondition
"""
HEADER = (
    "Id,MSSubClass,MSZoning,LotFrontage,LotArea,Street,Alley,LotShape,LandContour,Utilities,"
    "LotConfig,LandSlope,Neighborhood,Condition1,Condition2,BldgType,HouseStyle,OverallQual,"
    "OverallCond,YearBuilt,YearRemodAdd,RoofStyle,RoofMatl,Exterior1st,Exterior2nd,MasVnrType,"
    "MasVnrArea,ExterQual,ExterCond,Foundation,BsmtQual,BsmtCond,BsmtExposure,BsmtFinType1,"
    "BsmtFinSF1,BsmtFinType2,BsmtFinSF2,BsmtUnfSF,TotalBsmtSF,Heating,HeatingQC,CentralAir,"
    "Electrical,1stFlrSF,2ndFlrSF,LowQualFinSF,GrLivArea,BsmtFullBath,BsmtHalfBath,FullBath,"
    "HalfBath,BedroomAbvGr,KitchenAbvGr,KitchenQual,TotRmsAbvGrd,Functional,Fireplaces,"
    "FireplaceQu,GarageType,GarageYrBlt,GarageFinish,GarageCars,GarageArea,GarageQual,GarageCond,"
    "PavedDrive,WoodDeckSF,OpenPorchSF,EnclosedPorch,3SsnPorch,ScreenPorch,PoolArea,PoolQC,Fence,"
    "MiscFeature,MiscVal,MoSold,YrSold,SaleType,SaleCondition,SalePrice"
)
BASEMENT = ["BsmtQual", "BsmtCond", "BsmtExposure", "BsmtFinType1", "BsmtFinType2"]
GARAGE = ["GarageType", "GarageYrBlt", "GarageFinish", "GarageQual", "GarageCond"]
NONE_BY_SIZE = [
    ("TotalBsmtSF", BASEMENT),
    ("GarageArea", GARAGE),
    ("Fireplaces", ["FireplaceQu"]),
    ("PoolArea", ["PoolQC"]),
    ("MiscVal", ["MiscFeature"]),
]
NONE = {"Alley", "Fence", *(name for _, details in NONE_BY_SIZE for name in details)}
LOST_IN_TRAIN = {"LotFrontage", "MasVnrType", "MasVnrArea", "Electrical"}
LOST_IN_TEST = {
    *("LotFrontage", "MasVnrType", "MasVnrArea", "MSZoning", "Utilities", "KitchenQual"),
    *("Exterior1st", "Exterior2nd", "BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF", "TotalBsmtSF"),
    *("BsmtFullBath", "BsmtHalfBath", "Functional", "GarageCars", "GarageArea", "SaleType"),
}


@pytest.fixture(scope="module")
def tables():
    return make_ames()


@pytest.fixture(scope="module")
def train(tables):
    return tables[0]


@pytest.fixture(scope="module")
def unpriced(tables):
    return tables[1]


@pytest.fixture(scope="module")
def houses(tables):
    return pd.concat(tables, ignore_index=True)


def csv(table):
    return table.to_csv(na_rep="NA", index=False)


def test_schema(train, unpriced):
    assert csv(train).splitlines()[0] == HEADER
    assert csv(unpriced).splitlines()[0] == HEADER.removesuffix(",SalePrice")
    assert train.shape == (1460, 81)
    assert unpriced.shape == (1459, 80)
    assert [*train["Id"], *unpriced["Id"]] == list(range(1, 2920))


def test_dtypes(train, unpriced):
    text = set(TEXT.split())
    assert set(train.select_dtypes("str")) == text
    assert all(pd.api.types.is_integer_dtype(train[name]) for name in train if name not in text)
    assert train.dtypes.drop("SalePrice").equals(unpriced.dtypes)


def test_csv_holds_whole_numbers_and_na(train, unpriced):
    for table in (train, unpriced):
        text = csv(table)
        assert not re.search(r"\d\.\d+(,|$)", text, re.MULTILINE)
        assert ",," not in text
        assert "<NA>" not in text
        assert "nan" not in text
        assert ",NA," in text


def test_same_seed_same_bytes(tables):
    assert [csv(table) for table in make_ames(seed=0)] == [csv(table) for table in tables]
    assert csv(make_ames(seed=1)[0]) != csv(tables[0])


@pytest.mark.parametrize(("train_rows", "test_rows"), [(1, 1), (60, 3), (3000, 20)])
def test_any_number_of_rows(train_rows, test_rows):
    train, test = make_ames(5, train_rows, test_rows)
    assert train.shape == (train_rows, 81)
    assert test.shape == (test_rows, 80)
    assert test["Id"].tolist() == list(range(train_rows + 1, train_rows + test_rows + 1))


@pytest.mark.parametrize("rows", [(0, 5), (5, 0)])
def test_no_rows_is_an_error(rows):
    with pytest.raises(ValueError, match="at least 1"):
        make_ames(0, *rows)


@pytest.mark.parametrize(("size", "details"), NONE_BY_SIZE)
def test_none_of_a_thing_has_none_of_its_details(houses, size, details):
    known = houses[houses[size].notna()]
    nothing = known[size] == 0
    assert nothing.any()
    assert known.loc[nothing, details].isna().all(axis=None)
    assert known.loc[~nothing, details].notna().all(axis=None)


def test_no_garage_holds_no_cars(train):
    assert ((train["GarageCars"] == 0) == train["GarageType"].isna()).all()


def test_slab_has_no_basement(houses):
    assert houses.loc[houses["Foundation"] == "Slab", BASEMENT].isna().all(axis=None)


def test_none_of_a_masonry_veneer_is_a_word(train):
    known = train.dropna(subset="MasVnrType")
    assert ((known["MasVnrType"] == "None") == (known["MasVnrArea"] == 0)).all()
    assert (train["MasVnrType"].isna() == train["MasVnrArea"].isna()).all()


def test_what_is_missing(train, unpriced):
    assert set(train.columns[train.isna().any()]) == NONE | LOST_IN_TRAIN
    assert set(unpriced.columns[unpriced.isna().any()]) == NONE | LOST_IN_TEST
    assert train["Electrical"].isna().sum() == 1
    assert train["LotFrontage"].isna().mean() == pytest.approx(0.17, abs=0.04)
    assert train["MasVnrType"].isna().mean() == pytest.approx(0.006, abs=0.005)
    assert (unpriced["Exterior1st"].isna() == unpriced["Exterior2nd"].isna()).all()
    rare = LOST_IN_TEST - LOST_IN_TRAIN
    assert unpriced[sorted(rare)].isna().sum().between(1, 4).all()


def test_areas_add_up(train):
    basement = train[["BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF"]].sum(axis=1)
    floors = train[["1stFlrSF", "2ndFlrSF", "LowQualFinSF"]].sum(axis=1)
    assert (basement == train["TotalBsmtSF"]).all()
    assert (floors == train["GrLivArea"]).all()
    for number in "12":
        exists = train[f"BsmtFinType{number}"].notna()
        finished = exists & (train[f"BsmtFinType{number}"] != "Unf")
        assert (finished == (train[f"BsmtFinSF{number}"] > 0)).all()


def test_years_are_in_order(houses):
    assert houses["YrSold"].between(2006, 2010).all()
    assert houses["MoSold"].between(1, 12).all()
    assert (houses["YearBuilt"] <= houses["YrSold"]).all()
    assert (houses["YearRemodAdd"] >= houses["YearBuilt"].clip(1950)).all()
    assert (houses["YearRemodAdd"] <= houses["YrSold"]).all()
    garage = houses.dropna(subset="GarageYrBlt")
    assert (garage["GarageYrBlt"] >= garage["YearBuilt"]).all()
    assert (garage["GarageYrBlt"] <= garage["YrSold"]).all()


def test_style_agrees_with_floors_and_class(houses):
    storeys = houses["HouseStyle"].isin(["1.5Fin", "2Story", "2.5Fin", "2.5Unf"])
    assert (storeys == (houses["2ndFlrSF"] > 0)).all()
    code, kind = houses["MSSubClass"], houses["BldgType"]
    assert ((code == 90) == (kind == "Duplex")).all()
    assert ((code == 190) == (kind == "2fmCon")).all()
    assert (code.isin([120, 150, 160, 180]) == kind.isin(["Twnhs", "TwnhsE"])).all()
    assert (houses.loc[code.isin([30, 70]), "YearBuilt"] < 1946).all()
    assert (houses.loc[code.isin([20, 60]), "YearBuilt"] >= 1946).all()
    assert set(houses.loc[code.isin([20, 30, 120]), "HouseStyle"]) == {"1Story"}
    assert set(houses.loc[code.isin([60, 70]), "HouseStyle"]) == {"2Story"}


def test_new_houses_are_sold_before_they_are_complete(train):
    partial = train["SaleCondition"] == "Partial"
    assert (partial == (train["SaleType"] == "New")).all()
    assert (train["YrSold"] - train["YearBuilt"])[partial].max() <= 1


@pytest.mark.parametrize("seed", range(3))
def test_some_levels_are_in_the_test_table_only(seed):
    train, test = make_ames(seed, 300, 100)
    for column, level in (("MSSubClass", 150), ("Exterior1st", "PreCast")):
        assert level in set(test[column])
        assert level not in set(train[column])


def test_spellings_are_those_of_the_csv(houses):
    assert {"NAmes", "NPkVill"} <= set(houses["Neighborhood"])
    assert set(houses["BldgType"]) == {"1Fam", "2fmCon", "Duplex", "Twnhs", "TwnhsE"}
    assert "C (all)" in set(houses["MSZoning"])
    assert {"CemntBd", "WdShing"} <= set(houses["Exterior1st"])
    assert {"CmentBd", "Wd Shng", "Brk Cmn"} <= set(houses["Exterior2nd"])


def test_prices_are_plausible(train):
    price = train["SalePrice"]
    assert price.between(35_000, 750_000).all()
    assert price.median() == pytest.approx(163_000, rel=0.06)
    assert np.log(price).std() == pytest.approx(0.4, abs=0.05)
    assert (price % 100 == 0).mean() > 0.9


def test_price_follows_quality_and_size(train):
    rank = train[["SalePrice", "OverallQual", "GrLivArea"]].corr("spearman")["SalePrice"]
    assert rank["OverallQual"] > 0.5
    assert rank["GrLivArea"] > 0.5


def test_price_can_be_learnt_but_not_fully(train):
    price = np.log(train["SalePrice"])
    x = pd.get_dummies(train.drop(columns=["Id", "SalePrice"])).astype(float)
    x = x.fillna(x.median())
    predicted = cross_val_predict(Ridge(10), (x - x.mean()) / x.std().clip(1e-9), price, cv=5)
    rmse = np.sqrt(np.mean((predicted - price) ** 2))
    assert 0.09 < rmse < 0.15
    assert rmse < price.std() / 2
