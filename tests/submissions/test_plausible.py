"""What can't be the models' predictions is told from what only is another kind of rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.config import load_config
from podium.data.submission_form import Form
from podium.data.targets import Target
from podium.submissions.plausible import doubts
from podium.submissions.prepare import Prepared
from projects import HOUSES

ROWS, TEST_ROWS = 600, 300
RNG = np.random.default_rng(0)
PRICES = np.exp(RNG.normal(12, 0.4, ROWS))
TEST_PRICES = np.exp(RNG.normal(12, 0.4, TEST_ROWS))
RISKS, TEST_RISKS = RNG.beta(1, 4, ROWS), RNG.beta(1, 4, TEST_ROWS)
IDS = [str(row) for row in range(TEST_ROWS)]
REGRESSION, BINARY = Target("regression", "log"), Target("binary", "none", ("no", "yes"))
VALUES = Form("values", {"SalePrice": 0})
YES, NO = Form("probabilities", {"y": 1}), Form("probabilities", {"y": 0})
LABELS = Form("labels", {"y": 0}, ("no", "yes"))


@pytest.fixture
def found(project):
    """The doubts about a file, by what the models predict and what is sent."""
    competition = load_config()[HOUSES]

    def run(target, form, oof, own, sent, models=("lasso", "mlp")):
        blend = Path("reports", HOUSES, "blend")
        blend.mkdir(parents=True, exist_ok=True)
        frame = target.frame(pd.Series(range(len(oof)), name="Id"), _outputs(target, oof))
        frame.to_parquet(blend / "oof.parquet")
        facts = {"submitted": "blend", "weights": dict.fromkeys(models, 0.5)}
        (blend / "metrics.json").write_text(json.dumps(facts))
        for model in models:
            folder = Path("models", HOUSES, model)
            folder.mkdir(parents=True, exist_ok=True)
            table = target.frame(pd.Series(IDS, name="Id"), _outputs(target, own))
            table.to_parquet(folder / "test.parquet")
        values = pd.DataFrame({"Id": IDS, next(iter(form.columns)): sent}).astype(str)
        return doubts(competition, Prepared(Path("s.csv"), values, "", form, target))

    return run


def _outputs(target, values):
    columns = [values] if target.is_regression else [1 - values, values]
    return np.column_stack(columns)


SLIPS = {
    "log": (np.log(TEST_PRICES), "the logarithm of"),
    "log1p of a log": (np.log1p(np.log(TEST_PRICES)), "another scale"),
    "exp": (np.exp(np.minimum(TEST_PRICES / 1000, 700)), "another scale"),
    "thousands": (TEST_PRICES / 1000, "a thousandth of"),
    "cents": (TEST_PRICES * 100, "a hundred times"),
    "constant": (np.full(TEST_ROWS, 180_000.0), "in all 300 rows"),
    "sign": (TEST_PRICES.max() + TEST_PRICES.min() - TEST_PRICES, "runs against"),
    "rows": (RNG.permutation(TEST_PRICES), "in another order"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_with_numbers(slip, found):
    sent, words = SLIPS[slip]
    (doubt,) = found(REGRESSION, VALUES, PRICES, TEST_PRICES, sent)
    assert words in doubt


def test_small_numbers_on_a_log_scale_are_told_too(found):
    oof, own = RNG.uniform(1, 10, ROWS), RNG.uniform(1, 10, TEST_ROWS)
    (doubt,) = found(REGRESSION, VALUES, oof, own, np.log(own))
    assert "the logarithm of" in doubt


SHIFTS = {
    "none": TEST_PRICES,
    "twice the price": TEST_PRICES * 2,
    "half the price": TEST_PRICES / 2,
    "one neighbourhood": 180_000 + (TEST_PRICES - 180_000) / 10,
    "a far one": np.append(TEST_PRICES[1:], 1e8),
    "twice as varied": np.exp(12 + 2 * (np.log(TEST_PRICES) - 12)),
}


@pytest.mark.parametrize("shift", SHIFTS)
def test_other_rows_are_no_slip(shift, found):
    assert found(REGRESSION, VALUES, PRICES, SHIFTS[shift], SHIFTS[shift]) == []


def test_another_good_model_is_no_slip(found):
    sent = TEST_PRICES * np.exp(RNG.normal(0, 0.2, TEST_ROWS))
    assert found(REGRESSION, VALUES, PRICES, TEST_PRICES, sent) == []


@pytest.mark.parametrize(
    ("form", "sent", "words"),
    [
        (YES, 1 - TEST_RISKS, "the other class"),
        (NO, TEST_RISKS, "the other class"),
        (YES, (TEST_RISKS > 0.5).astype(float), "0 and 1 alone"),
        (YES, np.full(TEST_ROWS, 0.5), "in all 300 rows"),
        (LABELS, np.where(TEST_RISKS > 0.5, "no", "yes"), "shares of the classes"),
        (LABELS, np.full(TEST_ROWS, "yes"), "have one class"),
    ],
)
def test_slips_with_classes(form, sent, words, found):
    doubt, *_ = found(BINARY, form, RISKS, TEST_RISKS, sent)
    assert words in doubt


def test_swapped_classes_of_equal_shares_are_told_by_their_rows(found):
    oof, own = RNG.uniform(size=ROWS), RNG.uniform(size=TEST_ROWS)
    (doubt,) = found(BINARY, YES, oof, own, 1 - own)
    assert "runs against" in doubt
    (doubt,) = found(BINARY, LABELS, oof, own, np.where(own > 0.5, "no", "yes"))
    assert "classes swapped" in doubt


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (YES, TEST_RISKS),
        (NO, 1 - TEST_RISKS),
        (YES, TEST_RISKS**2),
        (YES, np.sqrt(TEST_RISKS)),
        (LABELS, np.where(TEST_RISKS > 0.5, "yes", "no")),
        (LABELS, np.where(TEST_RISKS > 0.2, "yes", "no")),
    ],
)
def test_other_shares_are_no_slip(form, sent, found):
    assert found(BINARY, form, RISKS, TEST_RISKS, sent) == []


def test_one_class_is_no_slip_where_the_other_is_rare(found):
    rare, few = np.full(ROWS, 0.1), np.full(TEST_ROWS, 0.1)
    rare[0] = 0.9
    assert found(BINARY, LABELS, rare, few, np.full(TEST_ROWS, "no")) == []


def test_models_that_have_gone_leave_the_distribution(found):
    assert found(REGRESSION, VALUES, PRICES, TEST_PRICES, TEST_PRICES[::-1], models=()) == []
    (doubt,) = found(REGRESSION, VALUES, PRICES, TEST_PRICES, np.log(TEST_PRICES), models=())
    assert "the logarithm of" in doubt
