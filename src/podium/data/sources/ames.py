"""A synthetic house-price table in the Ames schema: a sample that needs no network or account.

The columns, levels and meanings of ``NA`` are those of the Ames housing data (De Cock 2011,
"Ames, Iowa: Alternative to the Boston Housing Data", Journal of Statistics Education 19(3)), as
Kaggle serves them. No row is copied from it: shares and sizes are round figures near the real ones,
and prices follow an invented formula. Units are those of the original: feet, square feet, US
dollars.

Groups of columns are drawn one after the other, each depending on the earlier ones, so that a house
is consistent: its floors add up to the living area, and without a garage it has no garage quality.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Column = NDArray[Any]
House = dict[str, Column]
Numbers = float | Column
Shares = Mapping[Any, float]

# The tables are formatted by hand.
# fmt: off
_ORDER = """
Id MSSubClass MSZoning LotFrontage LotArea Street Alley LotShape LandContour Utilities LotConfig
LandSlope Neighborhood Condition1 Condition2 BldgType HouseStyle OverallQual OverallCond YearBuilt
YearRemodAdd RoofStyle RoofMatl Exterior1st Exterior2nd MasVnrType MasVnrArea ExterQual ExterCond
Foundation BsmtQual BsmtCond BsmtExposure BsmtFinType1 BsmtFinSF1 BsmtFinType2 BsmtFinSF2 BsmtUnfSF
TotalBsmtSF Heating HeatingQC CentralAir Electrical 1stFlrSF 2ndFlrSF LowQualFinSF GrLivArea
BsmtFullBath BsmtHalfBath FullBath HalfBath BedroomAbvGr KitchenAbvGr KitchenQual TotRmsAbvGrd
Functional Fireplaces FireplaceQu GarageType GarageYrBlt GarageFinish GarageCars GarageArea
GarageQual GarageCond PavedDrive WoodDeckSF OpenPorchSF EnclosedPorch 3SsnPorch ScreenPorch PoolArea
PoolQC Fence MiscFeature MiscVal MoSold YrSold SaleType SaleCondition SalePrice
"""
COLUMNS: tuple[str, ...] = tuple(_ORDER.split())
"""The 81 columns of train.csv in their order; test.csv has all but the last."""

# % of sales, typical year built and its std, typical OverallQual, lot of a detached house in 1000
# square feet, % of townhouses, zone, and what the address adds to the price in %.
_HOOD = ("share", "hood_year", "year_std", "hood_quality", "lot", "townhouses", "zone", "address")
_HOODS = {
    "NAmes": (15, 1960, 8, 5.3, 9.8, 0, "RL", -1), "CollgCr": (10, 2000, 8, 6.6, 9.4, 10, "RL", 2),
    "OldTown": (8, 1922, 20, 5.3, 8, 0, "RM", -11), "Edwards": (7, 1955, 18, 5.1, 9, 10, "RL", -8),
    "Somerst": (6, 2004, 4, 7.3, 8.5, 35, "FV", 6), "Gilbert": (6, 1999, 7, 6.5, 10.5, 5, "RL", 0),
    "NridgHt": (5, 2005, 3, 8.2, 11.5, 25, "RL", 11), "Sawyer": (5, 1964, 8, 5.1, 10, 0, "RL", -2),
    "NWAmes": (5, 1975, 5, 6.3, 11, 0, "RL", 0), "SawyerW": (4, 1990, 12, 6.3, 10, 10, "RL", -1),
    "Mitchel": (4, 1981, 14, 5.6, 10, 10, "RL", -2), "BrkSide": (4, 1932, 12, 5.1, 7, 0, "RM", -4),
    "Crawfor": (4, 1942, 22, 6.3, 11, 10, "RL", 12), "IDOTRR": (3, 1927, 18, 4.8, 8, 0, "RM", -18),
    "NoRidge": (2.5, 1995, 3, 8, 13, 0, "RL", 10), "Timber": (2.5, 1993, 13, 7, 14, 0, "RL", 5),
    "ClearCr": (1.5, 1966, 14, 6, 18, 0, "RL", 6), "StoneBr": (1.5, 2000, 6, 8.2, 11, 40, "RL", 13),
    "SWISU": (1.5, 1925, 12, 5.5, 7.5, 0, "RL", -6), "MeadowV": (1, 1972, 3, 4.6, 7, 90, "RM", -15),
    "Blmngtn": (1, 2005, 2, 7.2, 9, 100, "RL", 0), "BrDale": (1, 1972, 2, 5.8, 5.5, 100, "RM", -13),
    "Veenker": (1, 1980, 8, 6.8, 13, 20, "RL", 10), "NPkVill": (0.7, 1976, 2, 6, 7, 100, "RL", -4),
    "Blueste": (0.3, 1980, 2, 6.2, 5, 100, "RM", -4),
}
# Ground floor in square feet, upper floor as a share of it, and MSSubClass of houses since 1946, of
# older ones and of townhouses.
_STYLE = ("ground", "upper", "class_new", "class_old", "class_townhouse")
_STYLES = {
    "1Story": (1270, 0, 20, 30, 120), "1.5Fin": (970, 0.55, 50, 50, 150),
    "1.5Unf": (950, 0, 45, 45, 150), "2Story": (970, 0.95, 60, 70, 160),
    "2.5Fin": (950, 1.3, 75, 75, 160), "2.5Unf": (950, 1, 75, 75, 160),
    "SFoyer": (1050, 0, 85, 85, 180), "SLvl": (1300, 0, 80, 80, 180),
}
# Weights of levels that depend on no other column; None is NA. Details of optional things (a
# garage) are drawn for all houses and blanked at the end (_NA_WHERE_ZERO).
_TYPICAL: Shares = {"TA": 94, "Fa": 3.5, "Gd": 2, "Po": 0.3, "Ex": 0.2}
_FREE: dict[str, Shares] = {
    "Neighborhood": {name: hood[0] for name, hood in _HOODS.items()},
    "Street": {"Pave": 99.5, "Grvl": 0.5}, "Alley": {None: 93, "Grvl": 4, "Pave": 3},
    "LandContour": {"Lvl": 90, "Bnk": 4, "HLS": 3.5, "Low": 2.5},
    "LotShape": {"Reg": 64, "IR1": 32, "IR2": 3, "IR3": 1},
    "LotConfig": {"Inside": 72, "Corner": 18, "CulDSac": 6.5, "FR2": 3, "FR3": 0.5},
    "LandSlope": {"Gtl": 95, "Mod": 4, "Sev": 1}, "Utilities": {"AllPub": 99.9, "NoSeWa": 0.1},
    "Condition1": {"Norm": 86, "Feedr": 6, "Artery": 3, "RRAn": 2, "RRAe": 1, "PosN": 1, "PosA": 1},
    "Condition2": {"Norm": 99, "Feedr": 0.5, "Artery": 0.2, "PosN": 0.1, "RRNn": 0.1, "RRNe": 0.1},
    "OverallCond": {2: 0.5, 3: 3, 4: 6, 5: 45, 6: 22, 7: 16, 8: 6, 9: 1.5},
    "RoofStyle": {"Gable": 78, "Hip": 20, "Gambrel": 0.8, "Flat": 0.7, "Mansard": 0.5},
    "RoofMatl": {"CompShg": 98.5, "Tar&Grv": 0.7, "WdShngl": 0.4, "WdShake": 0.4},
    "Exterior2nd": {"Plywood": 40, "Wd Shng": 25, "ImStucc": 15, "Brk Cmn": 10, "Stone": 10},
    "MasVnrType": {"None": 60, "BrkFace": 30, "Stone": 9, "BrkCmn": 1},
    "ExterCond": {"TA": 88, "Gd": 10, "Fa": 2}, "BsmtCond": _TYPICAL,
    "BsmtExposure": {"No": 67, "Av": 15, "Gd": 10, "Mn": 8},
    "BsmtFinType2": {"Rec": 32, "LwQ": 28, "BLQ": 20, "ALQ": 12, "GLQ": 8},
    "Heating": {"GasA": 98, "GasW": 1.2, "Grav": 0.5, "Wall": 0.2, "Floor": 0.1},
    "Functional": {"Typ": 93, "Min2": 2.5, "Min1": 2.3, "Mod": 1.2, "Maj1": 0.8, "Maj2": 0.2},
    "GarageQual": _TYPICAL, "GarageCond": _TYPICAL, "PoolQC": {"Ex": 40, "Gd": 35, "Fa": 25},
    "Fence": {None: 80, "MnPrv": 11, "GdPrv": 4, "GdWo": 4, "MnWw": 1},
    "MiscFeature": {"Shed": 92, "Gar2": 4, "Othr": 3, "TenC": 1},
    "MoSold": dict(enumerate([4, 4, 7, 10, 14, 17, 16, 8, 5, 6, 5, 4], start=1)),
    "YrSold": {2006: 22, 2007: 22, 2008: 21, 2009: 22, 2010: 13},
    "SaleType": {"WD": 97, "ConLD": 1, "CWD": 0.5, "ConLI": 0.5, "ConLw": 0.5, "Oth": 0.3},
    "SaleCondition": {"Normal": 91, "Abnorml": 6.5, "Family": 1.4, "Alloca": 0.8, "AdjLand": 0.3},
}
# Weights by building era: "old" until 1945, "new" since 1985, "mid" between.
_BY_ERA: dict[str, dict[str, Shares]] = {
    "BldgType": {"old": {"1Fam": 93, "2fmCon": 7}, "mid": {"1Fam": 91, "Duplex": 8, "2fmCon": 1},
                 "new": {"1Fam": 99, "Duplex": 1}},
    "HouseStyle": {"new": {"1Story": 46, "2Story": 49, "SLvl": 3, "SFoyer": 2},
                   "mid": {"1Story": 63, "1.5Fin": 7, "2Story": 16, "SLvl": 9, "SFoyer": 5},
                   "old": {"1Story": 32, "1.5Fin": 36, "2Story": 22, "1.5Unf": 5,
                           "2.5Unf": 3, "2.5Fin": 2}},
    "Foundation": {"old": {"BrkTil": 60, "CBlock": 25, "PConc": 11, "Stone": 3, "Slab": 1},
                   "mid": {"CBlock": 88, "PConc": 8, "Slab": 3.5, "Wood": 0.5},
                   "new": {"PConc": 96, "CBlock": 3, "Slab": 0.5, "Wood": 0.5}},
    "Exterior1st": {"old": {"Wd Sdng": 42, "MetalSd": 31, "Stucco": 9, "AsbShng": 9, "WdShing": 9},
                    "mid": {"HdBoard": 4, "MetalSd": 3, "Wd Sdng": 2, "Plywood": 2, "BrkFace": 1},
                    "new": {"VinylSd": 80, "CemntBd": 10, "HdBoard": 8, "BrkComm": 1, "Stone": 1}},
    "Electrical": {"old": {"SBrkr": 75, "FuseA": 18, "FuseF": 6, "FuseP": 1},
                   "mid": {"SBrkr": 91, "FuseA": 8, "FuseF": 1}, "new": {"SBrkr": 1}},
    "CentralAir": {"old": {"Y": 75, "N": 25}, "mid": {"Y": 96, "N": 4}, "new": {"Y": 1}},
    "GarageType": {"old": {"Detchd": 84, "Attchd": 12, "Basment": 2, "CarPort": 1, "2Types": 1},
                   "mid": {"Attchd": 72, "Detchd": 22, "BuiltIn": 3, "Basment": 2, "CarPort": 1},
                   "new": {"Attchd": 81, "BuiltIn": 12, "Detchd": 7}},
    "PavedDrive": {"old": {"Y": 7, "N": 2, "P": 1}, "mid": {"Y": 96, "N": 4}, "new": {"Y": 1}},
    "BsmtFinType1": {"old": {"Unf": 50, "Rec": 13, "BLQ": 13, "ALQ": 13, "LwQ": 9, "GLQ": 2},
                     "mid": {"Unf": 20, "Rec": 16, "BLQ": 18, "ALQ": 26, "LwQ": 9, "GLQ": 11},
                     "new": {"Unf": 37, "GLQ": 57, "ALQ": 6}},
}
_ZONING: dict[str, Shares] = {
    "RL": {"RL": 97, "RM": 2, "RH": 1}, "FV": {"FV": 75, "RL": 25},
    "RM": {"RM": 86, "RL": 9, "C (all)": 4, "RH": 1},
}
_GRADES = ("Po", "Fa", "TA", "Gd", "Ex")
_SECOND_SPELLING = {"CemntBd": "CmentBd", "BrkComm": "Brk Cmn", "WdShing": "Wd Shng"}
# What a level adds to the log price; other levels add nothing.
_WORTH: dict[str, dict[str, float]] = {
    "KitchenQual": {"Fa": -0.04, "Gd": 0.03, "Ex": 0.08}, "BsmtExposure": {"Av": 0.01, "Gd": 0.05},
    "ExterQual": {"Fa": -0.05, "Gd": 0.02, "Ex": 0.06}, "CentralAir": {"N": -0.07},
    "HeatingQC": {"Fa": -0.03, "Gd": 0.01, "Ex": 0.03}, "MSZoning": {"C (all)": -0.25, "FV": 0.03},
    "GarageFinish": {"RFn": 0.01, "Fin": 0.03}, "Foundation": {"PConc": 0.02, "Slab": -0.03},
    "Condition1": {"Artery": -0.07, "Feedr": -0.04, "RRAe": -0.06, "PosN": 0.05, "PosA": 0.06},
    "Functional": {"Min1": -0.05, "Min2": -0.05, "Mod": -0.1, "Maj1": -0.12, "Maj2": -0.25},
    "BldgType": {"Twnhs": -0.08, "TwnhsE": -0.03, "Duplex": -0.1, "2fmCon": -0.05},
    "SaleCondition": {"Abnorml": -0.11, "Partial": 0.05, "Family": -0.05, "AdjLand": -0.15},
}
# Where the first column is 0, the house doesn't have the thing, and the others are NA.
_NA_WHERE_ZERO = {
    "TotalBsmtSF": ["BsmtQual", "BsmtCond", "BsmtExposure", "BsmtFinType1", "BsmtFinType2"],
    "GarageArea": ["GarageType", "GarageYrBlt", "GarageFinish", "GarageQual", "GarageCond"],
    "Fireplaces": ["FireplaceQu"], "PoolArea": ["PoolQC"], "MiscVal": ["MiscFeature"],
}
# Columns that are missing together in 1 to 4 rows of the test table.
_LOST_IN_TEST = (
    ["MSZoning"], ["Utilities"], ["Exterior1st", "Exterior2nd"], ["KitchenQual"], ["Functional"],
    ["BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF", "TotalBsmtSF"], ["BsmtFullBath", "BsmtHalfBath"],
    ["GarageCars", "GarageArea"], ["SaleType"],
)
# fmt: on


def make_ames(
    seed: int = 0, train_rows: int = 1460, test_rows: int = 1459
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A synthetic train and test table, always the same for the same arguments.

    train has shape (train_rows, 81), with SalePrice in US dollars; test has (test_rows, 80). Id
    counts from 1 through both. Whole numbers are ``int64``, or nullable ``Int64`` in columns with
    missing entries, so that ``to_csv(na_rep="NA", index=False)`` writes no decimal point. The
    first test house has levels that train doesn't have: MSSubClass 150 and exterior "PreCast".

    Raises:
        ValueError: train_rows or test_rows is below 1.
    """
    if min(train_rows, test_rows) < 1:
        raise ValueError(f"train_rows={train_rows}, test_rows={test_rows}: both must be at least 1")
    draw = _Draw(seed, train_rows, test_rows)
    house: House = {"Id": np.arange(1, draw.rows + 1)}
    groups = (_add_place, _add_building, _add_ratings, _add_floors, _add_rooms, _add_basement)
    for add in (*groups, _add_garage, _add_outside, _add_sale, _add_price):
        add(draw, house)
    table = pd.DataFrame({name: house[name] for name in COLUMNS})
    for size, details in _NA_WHERE_ZERO.items():
        _blank(table, (table[size] == 0).to_numpy(), details)
    _lose_entries(draw, table)
    train, test = table.iloc[:train_rows].copy(), table.iloc[train_rows:].reset_index(drop=True)
    return train, test.drop(columns="SalePrice")


class _Draw:
    """Random columns, one entry per house; ``odd`` marks the first test house."""

    def __init__(self, seed: int, train_rows: int, test_rows: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.train_rows, self.rows = train_rows, train_rows + test_rows
        self.odd = np.arange(self.rows) == train_rows

    def normal(self, std: float) -> Column:
        return self.rng.normal(0, std, self.rows)

    def between(self, low: Numbers, high: Numbers) -> Column:
        return self.rng.uniform(low, high, self.rows)

    def chance(self, probability: Numbers) -> Column:
        return self.rng.random(self.rows) < probability

    def pick(self, weights: Shares) -> Column:
        """Levels in proportion to their weights."""
        share = np.array(list(weights.values())) / sum(weights.values())
        return np.array(list(weights))[self.rng.choice(len(weights), self.rows, p=share)]

    def pick_by(self, key: Column, tables: Mapping[str, Shares]) -> Column:
        """Levels in proportion to weights that depend on the level of ``key``."""
        picks = [self.pick(weights) for weights in tables.values()]
        return np.select([key == level for level in tables], picks, "")

    def count(self, mean: Column, std: float, low: int, high: int) -> Column:
        """Whole numbers around ``mean``, from ``low`` to ``high``."""
        return _whole(mean + self.normal(std)).clip(low, high)

    def size(self, median: Numbers, std: float, where: Numbers = True) -> Column:
        """Log-normal whole numbers of at least 1 at ``where``, 0 elsewhere."""
        return where * _whole(median * np.exp(self.normal(std))).clip(1)

    def grade(self, score: Column, *cuts: float, levels: tuple[str, ...] = _GRADES) -> Column:
        """The levels that a noisy score reaches: one more for each of the rising ``cuts``."""
        return np.array(levels)[np.digitize(score + self.normal(0.6), cuts)]


def _whole(numbers: Column) -> Column:
    return np.rint(numbers).astype(np.int64)


def _look_up(fields: tuple[str, ...], table: Mapping[str, tuple[Any, ...]], keys: Column) -> House:
    """The fields of each house's row of a table."""
    columns = zip(*(table[key] for key in keys), strict=True)
    return {field: np.array(column) for field, column in zip(fields, columns, strict=True)}


def _add_place(draw: _Draw, house: House) -> None:
    """Neighbourhood, zone, slope, and all columns that depend on no other."""
    house |= {name: draw.pick(weights) for name, weights in _FREE.items()}
    house |= _look_up(_HOOD, _HOODS, house["Neighborhood"])
    house["MSZoning"] = draw.pick_by(house["zone"], _ZONING)


def _add_building(draw: _Draw, house: House) -> None:
    """Year, type, style and class, walls, and all columns that depend on the building era."""
    year = _whole(house["hood_year"] + house["year_std"] * draw.normal(1))
    house["YearBuilt"] = year = year.clip(1875, house["YrSold"])
    house["era"] = era = np.select([year < 1946, year < 1985], ["old", "mid"], "new")
    house |= {name: draw.pick_by(era, tables) for name, tables in _BY_ERA.items()}
    house["townhouse"] = draw.chance(house["townhouses"] / 100) & (era != "old") | draw.odd
    kind = np.where(house["townhouse"], draw.pick({"TwnhsE": 7, "Twnhs": 3}), house["BldgType"])
    # A townhouse of one and a half floors is class 150, which train must not have.
    low = house["townhouse"] & (house["HouseStyle"] == "1.5Fin")
    style = np.select([draw.odd, low], ["1.5Fin", "1Story"], house["HouseStyle"])
    house |= {"BldgType": kind, "HouseStyle": style} | _look_up(_STYLE, _STYLES, style)
    house["MSSubClass"] = np.select(
        [house["townhouse"], kind == "Duplex", kind == "2fmCon", era == "old"],
        [house["class_townhouse"], 90, 190, house["class_old"]],
        house["class_new"],
    )
    house["Exterior1st"] = np.where(draw.odd, "PreCast", house["Exterior1st"])
    same = np.array([_SECOND_SPELLING.get(name, name) for name in house["Exterior1st"]])
    house["Exterior2nd"] = np.where(draw.chance(0.88) | draw.odd, same, house["Exterior2nd"])
    house["MasVnrArea"] = draw.size(190, 0.6, house["MasVnrType"] != "None")


def _add_ratings(draw: _Draw, house: House) -> None:
    """Overall and detailed ratings, and the year of remodelling (recorded since 1950)."""
    year, age = house["YearBuilt"], house["YrSold"] - house["YearBuilt"]
    shared = np.isin(house["BldgType"], ["Duplex", "2fmCon"])
    mean = house["hood_quality"] + 0.02 * (year - house["hood_year"]) - 0.8 * shared
    house["OverallQual"] = quality = draw.count(mean, 0.85, 1, 10)
    house["OverallCond"] = np.where(age > 10, house["OverallCond"], 5)
    first = np.maximum(1950, year)
    later = _whole(draw.between(first, house["YrSold"]))
    house["YearRemodAdd"] = np.where(draw.chance(0.55) & (age > 12), later, first)
    modern = (house["YearRemodAdd"] - 1985) / 25
    house["ExterQual"] = draw.grade(quality + 0.5 * modern, 0, 2.4, 6.4, 9.2)
    house["KitchenQual"] = draw.grade(quality + modern, 0, 2.8, 6.2, 9)
    house["HeatingQC"] = draw.grade(quality + 2 * modern, 0, 1.6, 4.8, 6)


def _add_floors(draw: _Draw, house: House) -> None:
    """Floors above ground, which add up to GrLivArea, and the lot."""
    mansion, farm = np.where(draw.chance(0.002), 2.2, 1), np.where(draw.chance(0.01), 5, 1)
    grand = np.exp(0.075 * (house["OverallQual"] - 6)) * mansion
    ground = house["ground"] * grand * np.where(house["townhouse"], 0.85, 1)
    house["1stFlrSF"] = first = draw.size(ground, 0.2).clip(340)
    house["2ndFlrSF"] = _whole(first * house["upper"] * draw.between(0.8, 1.15))
    house["LowQualFinSF"] = draw.size(350, 0.4, draw.chance(0.05) & (house["era"] == "old"))
    house["GrLivArea"] = first + house["2ndFlrSF"] + house["LowQualFinSF"]
    lot = 1000 * house["lot"] * farm * np.where(house["townhouse"], 0.4, 1)
    house["LotArea"] = draw.size(lot, 0.22)
    house["LotFrontage"] = draw.size(0.72 * np.sqrt(house["LotArea"]), 0.15).clip(21, 313)


def _add_rooms(draw: _Draw, house: House) -> None:
    """Rooms above ground and fireplaces, by the size of the house."""
    size, quality = house["GrLivArea"] / 1500, house["OverallQual"] - 6
    house["BedroomAbvGr"] = draw.count(0.8 + 2.1 * np.sqrt(size), 0.5, 1, 8)
    house["KitchenAbvGr"] = 1 + (draw.chance(0.85) & (house["BldgType"] == "Duplex"))
    house["TotRmsAbvGrd"] = house["BedroomAbvGr"] + draw.count(0.5 + 3 * size, 0.5, 2, 7)
    house["FullBath"] = draw.count(0.4 + 0.8 * size + (house["YearBuilt"] > 1975) / 2, 0.3, 1, 3)
    house["HalfBath"] = draw.chance(0.15 + 0.5 * (house["2ndFlrSF"] > 0)).astype(np.int64)
    house["Fireplaces"] = draw.count(0.1 + 0.5 * size + 0.15 * quality, 0.5, 0, 3)
    house["FireplaceQu"] = draw.grade(quality, -3, -2, 0, 3.5)


def _add_basement(draw: _Draw, house: House) -> None:
    """Basement, none for a house on a slab; its parts add up to TotalBsmtSF."""
    exists = (house["Foundation"] != "Slab") & draw.chance(0.99)
    finished = (house["BsmtFinType1"] != "Unf") * draw.between(0.2, 0.95)
    second = draw.chance(0.15) & (finished > 0)
    house["TotalBsmtSF"] = total = _whole(exists * house["1stFlrSF"] * draw.between(0.85, 1.02))
    house["BsmtFinSF1"] = _whole(total * finished)
    rest = total - house["BsmtFinSF1"]
    house["BsmtFinType2"] = np.where(second, house["BsmtFinType2"], "Unf")
    house["BsmtFinSF2"] = _whole(second * rest * draw.between(0.3, 0.9))
    house["BsmtUnfSF"] = rest - house["BsmtFinSF2"]
    house["BsmtFullBath"] = draw.chance(0.65) * (house["BsmtFinSF1"] > 300).astype(np.int64)
    house["BsmtHalfBath"] = draw.chance(0.06) * exists.astype(np.int64)
    modern = (house["YearBuilt"] - 1970) / 15 + 0.6 * (house["OverallQual"] - 6)
    house["BsmtQual"] = draw.grade(modern, -9, -5, 0.3, 3.4)


def _add_garage(draw: _Draw, house: House) -> None:
    """Garage; a detached one may be newer than its house."""
    built, detached = house["YearBuilt"], house["GarageType"] == "Detchd"
    exists = draw.chance(np.where(house["era"] == "old", 0.87, 0.965))
    later = _whole(draw.between(built, house["YrSold"]))
    house["GarageYrBlt"] = np.where(detached & draw.chance(0.45), later, built)
    level = house["OverallQual"] - 6 + (built - 1975) / 25
    house["GarageFinish"] = draw.grade(level - detached, -0.3, 1.3, levels=("Unf", "RFn", "Fin"))
    house["GarageCars"] = exists * draw.count(1.9 + 0.25 * level, 0.4, 1, 4)
    house["GarageArea"] = draw.size(255 * house["GarageCars"], 0.13, exists)


def _add_outside(draw: _Draw, house: House) -> None:
    """Deck, porches, pool, and the value of miscellaneous features."""
    new, old = house["era"] == "new", house["era"] == "old"
    house["WoodDeckSF"] = draw.size(170, 0.5, draw.chance(0.35 + 0.25 * new))
    house["OpenPorchSF"] = draw.size(60, 0.7, draw.chance(0.4 + 0.3 * new))
    house["EnclosedPorch"] = draw.size(130, 0.5, draw.chance(0.02 + 0.35 * old))
    house["3SsnPorch"] = draw.size(180, 0.4, draw.chance(0.017))
    house["ScreenPorch"] = draw.size(180, 0.4, draw.chance(0.08))
    house["PoolArea"] = draw.size(500, 0.3, draw.chance(0.006))
    house["MiscVal"] = 50 * draw.size(11, 0.7, draw.chance(0.035))


def _add_sale(draw: _Draw, house: House) -> None:
    """Kind of sale: new houses are assessed before they are complete ("Partial")."""
    partial = draw.chance(0.7) & (house["YrSold"] - house["YearBuilt"] <= 1)
    house["SaleCondition"] = np.where(partial, "Partial", house["SaleCondition"])
    court = draw.chance(0.35) & (house["SaleCondition"] == "Abnorml")
    house["SaleType"] = np.select([partial, court], ["New", "COD"], house["SaleType"])


def _log_worth(house: House) -> Column:
    """Log price of a house without noise; area, age and car places have diminishing effects."""
    quality, condition = house["OverallQual"] - 6, (house["OverallCond"] - 5).clip(-3, 3)
    age, stale = house["YrSold"] - house["YearBuilt"], house["YrSold"] - house["YearRemodAdd"]
    finished = house["TotalBsmtSF"] - house["BsmtUnfSF"]
    overdone = (house["OverallQual"] - house["hood_quality"]).clip(0)  # too good for its street
    worth = 11.77 + house["address"] / 100 + 0.065 * quality - 0.03 * overdone
    worth += (0.42 + 0.05 * quality) * np.log(house["GrLivArea"].clip(None, 3200) / 1500)
    worth += 0.08 * np.log(house["LotArea"] / 9000)
    worth += 0.2 * np.sqrt(house["TotalBsmtSF"] / 1000) + 0.08 * np.sqrt(finished / 1000)
    worth -= 0.065 * np.log1p(age / 10) + 0.04 * np.log1p(stale / 10)
    worth += (0.02 + 0.0005 * age.clip(0, 60)) * condition  # condition matters more in old houses
    worth += 0.03 * house["Fireplaces"].clip(0, 2) + 0.03 * house["FullBath"]
    worth += 0.07 * np.sqrt(house["GarageCars"]) + 0.0002 * house["ScreenPorch"]
    worth -= 0.012 * (house["YrSold"] - 2006)  # a falling market
    for column, levels in _WORTH.items():
        worth += np.array([levels.get(level, 0) for level in house[column]])
    return worth


def _add_price(draw: _Draw, house: House) -> None:
    """Price in dollars: worth, heavy-tailed noise and a few outliers, rounded to 50s to 1000s."""
    noise = 0.075 * draw.rng.standard_t(6, draw.rows)
    noise += draw.chance(0.004) * draw.between(-0.8, 0.3)
    noise += (house["SaleCondition"] == "Abnorml") * draw.normal(0.12)
    price = np.exp(_log_worth(house) + noise).clip(35_000, 750_000)
    step = draw.pick({500: 55, 100: 40, 1: 5})
    house["SalePrice"] = _whole(price / step) * step


def _blank(table: pd.DataFrame, rows: Column, columns: list[str]) -> None:
    """Make entries missing; integer columns become nullable integers."""
    for column in columns:
        if table[column].dtype == np.int64:
            table[column] = table[column].astype("Int64")
        table.loc[rows, column] = pd.NA


def _lose_entries(draw: _Draw, table: pd.DataFrame) -> None:
    """Blank entries whose NA means "unknown", as opposed to "none"."""
    cul_de_sac = table["LotConfig"] == "CulDSac"  # the frontage is often unknown there
    _blank(table, draw.chance(np.where(cul_de_sac, 0.45, 0.15)), ["LotFrontage"])
    _blank(table, draw.chance(0.006), ["MasVnrType", "MasVnrArea"])
    _blank(table, draw.rng.integers(draw.train_rows, size=1), ["Electrical"])
    others = np.arange(draw.train_rows + 1, draw.rows)  # the odd test house keeps its levels
    for columns in _LOST_IN_TEST:
        _blank(table, draw.rng.permutation(others)[: draw.rng.integers(1, 5)], columns)
