"""The numbers of the page's sections, on a project in which all stages ran."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from model_help import make_dataset
from podium.config.blending import METHODS, NAMES
from podium.data.several_targets import each_target
from podium.ensemble.paired import paired
from podium.io import paths
from podium.reporting.page import Cell, Chart, Column, Page, Section, Table, Text, render, table_of
from podium.reporting.page.blocks import shown
from podium.reporting.page.render import as_json
from podium.stages.class_report import class_report
from podium.stages.report import baseline as constants
from podium.stages.report import (
    blending,
    classification,
    data,
    errors,
    folds,
    leaderboard,
    models,
    public,
    regression,
)
from podium.stages.report.results import read_results
from projects import HOUSES, SMALL_MODELS


@pytest.fixture
def results(finished, monkeypatch):
    monkeypatch.chdir(finished.root)
    return read_results(HOUSES)


@pytest.fixture
def own(results):
    (only,) = each_target(results.target)
    return only


@pytest.fixture
def rows(results):
    return leaderboard.entries(results)


def test_the_leaderboard_is_sorted_and_the_best_differs_from_none(results, rows):
    assert {row.name for row in rows} == {*SMALL_MODELS, "blend"}
    losses = [results.metric.as_loss(row.cv) for row in rows]
    assert losses == sorted(losses)
    assert (rows[0].worse, np.isnan(rows[0].worse_error)) == (0.0, True)
    higher = replace(results, metric=replace(results.metric, greater_is_better=True))
    assert leaderboard.entries(higher)[0].cv == max(row.cv for row in rows)


def test_a_difference_is_that_of_the_same_folds_with_its_error(results, rows):
    best = next(row for row in rows if row.name != "blend")
    for row in rows:
        if row.name in ("blend", best.name):
            continue
        y, folds = results.y, results.fold_of_row
        first, second = (results.models[name].oof["prediction"].to_numpy()
                         for name in (best.name, row.name))  # fmt: skip
        expected = paired(results.metric, y, first, second, folds)
        found = leaderboard._compared(results, row, best)
        assert found.worse == pytest.approx(expected.fold_gain, abs=1e-5)
        assert found.worse_error == pytest.approx(expected.standard_error, abs=1e-5)


def test_the_constant_is_the_best_of_dummies_fitted_on_each_fold(results):
    score, name = constants.baseline(results)
    encoded = np.log(results.y)
    scores = {}
    for strategy, y, decode in (("mean", results.y, float), ("median", results.y, float),
                                ("mean", encoded, np.exp)):  # fmt: skip
        predicted = np.empty(len(y))
        for fold in np.unique(results.fold_of_row):
            valid = results.fold_of_row == fold
            dummy = DummyRegressor(strategy=strategy).fit(np.zeros((sum(~valid), 1)), y[~valid])
            predicted[valid] = decode(dummy.predict([[0]])[0])
        scores[strategy if decode is float else "mean on the model's scale"] = results.metric(
            results.y, predicted
        )
    assert score == pytest.approx(min(scores.values()))
    assert scores[name] == pytest.approx(score)


def test_what_the_blend_loses_is_said_of_each_blended_model(results, rows):
    table = results.worth.set_index("model")
    assert set(table.index) == set(SMALL_MODELS)
    for row in rows:
        if row.name != "blend":
            assert row.without == table.loc[row.name, "worse_without"]
    section = blending.blending_section(results)
    worth = [block for block in section.blocks if isinstance(block, Table)][-1]
    shown = [row[2].text for row in worth.rows]
    best = table["worse_without"].idxmax()
    assert shown[0] == f"{table.loc[best].worse_without:+.5f} ± {table.loc[best].se:.5f}"
    assert blending.blending_section(replace(results, worth=table.iloc[:0])).is_empty


@pytest.mark.parametrize("method", NAMES)
def test_every_methods_score_is_explained(results, method):
    ensemble = results.competition.ensemble.model_copy(update={"method": method})
    asked = replace(results, competition=results.competition.model_copy(
        update={"ensemble": ensemble}))  # fmt: skip
    words = folds._blended(asked)
    fitted = method == "auto" or METHODS[method].is_fitted
    assert ("nested" in words) == fitted
    assert ("nothing is fitted" in words) == (not fitted)


def test_optimism_is_the_nested_score_less_that_of_the_fitted_rows(results):
    facts = results.blend.get("blend", results.blend)
    same = results.blend["same_rows"]
    assert same["optimism"] == pytest.approx(facts["cv"] - same["cv"], abs=2e-6)
    words = " ".join(
        block.text for block in blending.blending_section(results).blocks if isinstance(block, Text)
    )
    assert f"{same['cv']:.5f}" in words
    assert f"{same['optimism']:.5f}, is the optimism" in words


def test_candidates_of_auto_are_shown_with_their_differences(results):
    candidates = {
        "mean": {"cv": 0.2, "worse": 0.05, "worse_se": 0.01},
        "nnls": {"cv": 0.15, "worse": 0.0},
    }
    competition = results.competition.model_copy(
        update={"ensemble": results.competition.ensemble.model_copy(update={"method": "auto"})}
    )
    blend = results.blend | {"candidates": candidates, "method": "nnls"}
    section = blending.blending_section(replace(results, competition=competition, blend=blend))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["mean", "0.20000", "+0.05000 ± 0.01000"],
        ["nnls", "0.15000", "best"],
    ]
    assert "auto chose nnls" in section.blocks[0].text


@pytest.mark.parametrize("is_blend", [True, False])
def test_words_say_what_is_submitted_and_that_the_blend_loses(results, rows, is_blend):
    scores = results.scores.assign(
        submitted=results.scores["model"] == ("blend" if is_blend else "ridge")
    )
    blend = next(row for row in rows if row.name == "blend")
    first = replace(blend, name="ridge", cv=0.1)
    order = [first, replace(blend, cv=0.2)]
    said = [line for line, strong in
            leaderboard._words(replace(results, scores=scores), order) if strong]  # fmt: skip
    expected = "loses to its best model, ridge" if is_blend else "since the blend's score doesn't"
    assert expected in said[0]


def history(folds, column="valid_loss"):
    """Losses by fold; the training loss is half."""
    return pd.DataFrame([{"repeat": 0, "fold": fold, "seed": 0, "step": step,
                          "train_loss": loss / 2, column: loss} for fold, losses in enumerate(folds)
                         for step, loss in enumerate(losses)])  # fmt: skip


def test_a_band_is_the_range_of_folds_and_stopped_members_keep_their_last_value():
    table = models.banded(history([[4.0, 2.0, 1.0], [8.0, 6.0], [1.0, np.inf, 3.0]]))
    valid = table[table["part"] == "validation"]
    assert valid["step"].tolist() == [1, 2, 3]
    assert valid["mean"].tolist() == [6.0, 4.0, 3.5]
    assert valid[["low", "high"]].to_numpy().tolist() == [[4, 8], [2, 6], [1, 6]]
    assert models.banded(history([[np.inf, np.nan]])).empty


def test_the_gap_and_the_best_step_are_in_words():
    table = models.banded(history([[4.0, 1.0, 2.0]]))
    said = models.gap_in_words(table, 2, "epoch")
    assert "lowest at epoch 2 of 3, 1;" in said
    assert "Training loss ends at 1: a gap of 1 (+100%" in said
    assert "fits the training rows far better" in said


def test_where_every_validation_diverged_a_word_takes_the_place_of_a_curve():
    table = history([[1.0, 2.0]]).assign(valid_loss=np.inf)
    (said,) = models._learning(table, "", "loss")
    assert "No training went well enough" in said.text


def test_each_fold_keeps_its_own_alphas_and_its_best():
    table = history([[3.0, 1.0], [2.0, 5.0]]).assign(alpha=[1.0, 0.1, 30.0, 3.0])
    (chart,) = [models._by_alpha(table, "")]
    rows = pd.DataFrame(chart.spec["data"]["values"])
    assert rows.groupby("fold")["alpha"].apply(list).tolist() == [[0.1, 1.0], [3.0, 30.0]]
    assert rows[rows["is_best"]]["alpha"].tolist() == [0.1, 30.0]
    assert "fold 0: 0.1, fold 1: 30" in chart.description
    assert "In fold 0 it is the smallest that was tried: a smaller" in chart.note
    assert "In fold 1 it is the largest that was tried: a larger" in chart.note
    low, high = chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 0.1 < 30 < high
    inside = history([[3.0, 1.0, 2.0]]).assign(alpha=[1.0, 0.1, 0.01])
    assert "tried" not in models._by_alpha(inside, "").note


def test_a_model_without_history_says_so(results, own, tmp_path):
    empty = replace(results.models["ridge"], folder=tmp_path)
    (said,) = models.curves(empty, own)
    assert "no learning curve" in said.text
    assert empty.importance(own).empty


def test_hyperparameters_are_as_resolved(results):
    found = models.hyperparameters(results.models["lightgbm"])
    assert found["rounds"] == "10"
    assert found["objective"] == "l2 (auto)"
    assert found["lambda_l2"] == "1"
    assert "learning_rate" in found


def test_importance_and_dependence_are_drawn_where_a_model_has_them(results, own, tmp_path):
    pd.DataFrame({"feature": ["LotArea", "GrLivArea", "Street"], "mean": [0.1, 0.3, -0.01],
                  "se": 0.01}).to_csv(tmp_path / "importance.csv", index=False)  # fmt: skip
    values = ["Grvl", "Pave", 1000, 2000]
    pd.DataFrame({"feature": ["Street", "Street", "GrLivArea", "GrLivArea"], "value": values,
                  "output": "prediction", "mean": 1.0, "low": 0.5, "high": 2.0}).to_csv(
        tmp_path / "partial_dependence.csv", index=False)  # fmt: skip
    own_model = replace(results.models["ridge"], folder=tmp_path)
    (important,) = models._importance(results, own_model, own)
    names = [row["feature"] for row in important.spec["data"]["values"]]
    assert names == ["GrLivArea", "LotArea", "Street"]
    (small,) = models._dependence(own_model, own)
    first, second = small.charts
    assert first.title == "By GrLivArea"
    assert [row["value"] for row in first.spec["data"]["values"]] == [1000, 2000]
    assert [row["value"] for row in second.spec["data"]["values"]] == ["Grvl", "Pave"]
    with_it = replace(results, models={"ridge": own_model})
    telling = regression.telling_columns(with_it, own, results.dataset.train)
    assert telling == ["GrLivArea", "LotArea", "Street"]


def test_the_worst_rows_have_the_largest_residuals_and_their_values(results, own):
    table, words = regression.residual_rows(results, own)
    assert words == "log(actual) - log(predicted)"
    worst = regression.worst_rows(results, own, table)
    size = worst["residual"].abs()
    assert size.is_monotonic_decreasing
    assert size.iloc[0] == table["residual"].abs().max()
    names = [name for name in worst if name in results.dataset.train]
    assert len(names) == regression.COLUMNS
    place = results.dataset.train_ids.astype(str).tolist().index(worst["id"].iloc[0])
    assert worst[names].iloc[0].tolist() == results.dataset.train[names].iloc[place].tolist()


def test_the_target_is_shown_on_both_scales_and_all_rows_count(results, own):
    plain, logarithm = data._target(results, own)
    for chart in (plain, logarithm):
        rows = sum(one["rows"] for one in chart.spec["data"]["values"])
        assert rows == len(results.dataset.y)
    assert logarithm.title.startswith("log of SalePrice")


def test_features_say_where_they_came_from():
    own = "features() of your own code"
    summary = pd.DataFrame({
        "column": ["a", "b", "c", "d", "e", "f", "f year", "to test"],
        "formula": ["", "a * 2", None, None, own, "", "", ""],
        "type": ["number", "number", "number", "dropped", "category", "date", "number",
                 "rows"], "missing_train": [1, 0, 0, None, 0, None, 0, None],
        "treatment": ["standardize", "standardize", "learnt in each fold: target_mean a; clip",
                      "listed under preprocess.drop", "one-hot", "ISO 8601", "standardize", None],
    })  # fmt: skip
    said, made, every, left_out = data._features(summary)
    assert said.text == (
        "4 columns are used: 1 from the files, 1 parts of dates, 1 made by features of "
        f"params.yaml, 1 made by {own}. 1 more is learnt in folds."
    )
    rows = {row[0].text: row[1].text for row in made.blocks[0].rows}
    assert rows == {"b": "a * 2", "c": "learnt in each fold: target_mean a", "e": own}
    assert len(every.blocks[0].rows) == 8
    assert left_out.text == "Left out: d: listed under preprocess.drop."


def test_errors_are_as_correlated_as_their_residuals(results, own):
    table = errors.correlations(results, own)
    assert np.diag(table) == pytest.approx(1)
    one, other = (np.log(results.y) - np.log(results.models[name].oof["prediction"])
                  for name in ("ridge", "lasso"))  # fmt: skip
    assert table.loc["ridge", "lasso"] == pytest.approx(np.corrcoef(one, other)[0, 1])


@pytest.fixture
def classes():
    dataset = make_dataset("multiclass")
    names = ("low", "mid", "top")
    scores = np.random.default_rng(0).random((len(dataset.y), 3))
    scores[np.arange(len(dataset.y)), dataset.y.astype(int)] += 0.6
    return class_report(dataset.y, scores / scores.sum(1, keepdims=True), dataset.train_ids, names)


def test_mistakes_are_what_is_off_the_diagonal(classes):
    found = classification.mistakes(classes)
    counts = classes.confusion.to_numpy()
    assert found["rows"].sum() == counts.sum() - np.trace(counts) > 0
    assert found["rows"].is_monotonic_decreasing
    first = found.iloc[0]
    assert first["rows"] == classes.confusion.loc[first["actual"], first["predicted"]]
    chart = classification._confusion(classes, "")
    shown_rows = sum(row["rows"] for row in chart.spec["data"]["values"])
    assert shown_rows == counts.sum()


def test_of_many_classes_the_hardest_are_drawn():
    counts = pd.DataFrame(np.eye(50, dtype=int) * 9)
    counts.iloc[40, 7] = 5
    counts.iloc[3, 4] = 1
    kept = classification.hardest(counts)
    assert len(kept) == classification.MOST_CLASSES
    assert {3, 4, 7, 40} <= set(kept)
    assert kept == sorted(kept)


def test_a_curve_is_thinned_and_keeps_its_ends():
    p = np.random.default_rng(0).random(5000)
    positive = np.random.default_rng(1).random(5000) < p
    line = classification._roc(positive, p, "yes")
    assert len(line) <= classification.MOST_POINTS
    assert line[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert line["x"].is_monotonic_increasing


def test_the_ledger_is_read_and_a_broken_one_is_left_out(tmp_path, monkeypatch, results):
    monkeypatch.chdir(tmp_path)
    path = paths.ledger(HOUSES)
    assert public.public_section(results).is_empty
    path.parent.mkdir(parents=True)
    head = "ref,submitted,status,public_score,cv,message\n"
    lines = [f"{n},2026-0{n}-01,complete,{0.1 * n},{0.11 * n},m\n" for n in (1, 2, 3)]
    path.write_text(head + "".join(lines) + "4,2026-04-01,sending,,0.3,\n")
    section = public.public_section(results)
    assert "1.00 of 3 submissions" in section.blocks[0].text
    assert [type(block) for block in section.blocks] == [Text, Chart, Table]
    path.write_text("ref\n1,2,3\n")
    assert public.public_section(results).is_empty


def test_text_is_escaped_and_nothing_ends_a_script():
    bad = "</script><b>&"
    table = Table(bad, [Column(bad)], [[Cell(bad)], [Cell("")]])
    chart = Chart(bad, {"data": {"values": [{"x": bad, "y": float("nan")}]}}, bad)
    text = render(Page(bad, [bad], [Section("a", bad, [Text(bad), table, chart])]))
    assert bad not in text
    assert text.count("</script>") == 3
    assert '"y":null' in text
    assert as_json({"a": np.float64(1 / 3), "b": np.int64(2)}) == '{"a":0.333333,"b":2}'


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1460.0, "1,460"), (0.117432, "0.1174"), (123456.7, "123,457"),
     (1e-6, "1.000e-06"), (float("nan"), "undefined"), (-2.5, "-2.5")],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert shown(value) == text


def test_a_frame_becomes_a_table_with_numbers_to_the_right():
    table = table_of("t", pd.DataFrame({"a": ["x", None], "b": [1.5, np.nan]}))
    assert [column.number for column in table.columns] == [False, True]
    assert [[cell.text for cell in row] for row in table.rows] == [["x", "1.5"], ["", ""]]
    assert table.rows[0][1].order == 1.5
