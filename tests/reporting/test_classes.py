"""Class predictions: the numbers against their definitions, the pictures against their data."""

import struct

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve

from podium.reporting import class_plots, classes

pytestmark = pytest.mark.filterwarnings("error")
NAMES = ["ash", "birch", "cedar", "elm"]


def some_predictions(k=4, n=500, strength=2.0):
    """Predictions of a middling model: the true class is ahead, but not always."""
    generator = np.random.default_rng(k)
    y = np.concatenate([np.arange(k), generator.integers(0, k, max(n - k, 0))])
    scores = np.exp(generator.normal(size=(len(y), k)) + strength * (y[:, None] == np.arange(k)))
    return y, scores / scores.sum(axis=1, keepdims=True)


def with_confidence(confidence, right, k=4):
    """One prediction of class 0 for each confidence, right or wrong as told."""
    confidence = np.asarray(confidence, dtype=float)
    rest = (1 - confidence) / (k - 1)
    return np.where(right, 0, 1), np.stack([confidence, *[rest] * (k - 1)], axis=1)


def test_confusion_counts_rows_by_true_and_predicted_class():
    y, p = some_predictions()
    table = classes.confusion(y, p, NAMES)
    assert list(table.index) == list(table.columns) == NAMES
    assert table.sum(axis=1).tolist() == np.bincount(y).tolist()
    assert table.sum(axis=0).tolist() == np.bincount(p.argmax(axis=1)).tolist()
    assert np.trace(table) == (p.argmax(axis=1) == y).sum()
    named = classes.labels(y.astype(float), p, NAMES)
    assert list(named) == ["actual", "predicted"]
    counted = pd.crosstab(named["actual"], named["predicted"])
    assert counted.to_numpy().tolist() == table.to_numpy().tolist()


def test_class_scores_are_their_definitions():
    y, p = some_predictions()
    predicted = p.argmax(axis=1)
    for code, row in enumerate(classes.class_scores(y, p, NAMES).to_dict("records")):
        own, called = y == code, predicted == code
        assert (row["class"], row["rows"]) == (NAMES[code], own.sum())
        assert row["recall"] == pytest.approx(called[own].mean())
        assert row["precision"] == pytest.approx(own[called].mean())
        harmonic = 2 / (1 / row["recall"] + 1 / row["precision"])
        assert row["f1"] == pytest.approx(harmonic)
        assert row["mean_probability"] == pytest.approx(p[own, code].mean())
        mistakes = pd.Series(predicted[own & ~called]).value_counts()
        assert row["confused_rows"] == mistakes.max()
        assert mistakes[NAMES.index(row["confused_with"])] == mistakes.max()


def test_classes_never_predicted_never_mistaken_or_without_rows_have_plain_numbers():
    y = np.array([0.0, 0.0, 1.0, 1.0])
    p = np.eye(4)[[0, 0, 0, 0]]
    scores = classes.class_scores(y, p, NAMES)
    assert not scores.isna().any(axis=None)
    rows = scores.set_index("class")
    assert rows.loc["birch", ["precision", "recall", "f1"]].tolist() == [0, 0, 0]
    assert rows["confused_with"].tolist() == ["", "ash", "", ""]
    assert rows["confused_rows"].tolist() == [0, 2, 0, 0]
    assert rows.loc["ash", "precision"] == 0.5
    assert rows.loc["elm", ["rows", "recall", "mean_probability"]].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("k", "bins"), [(2, 15), (4, 15), (4, 7), (4, 1)])
def test_reliability_is_scikit_learns_curve_of_the_predicted_class(k, bins):
    y, p = some_predictions(k)
    table = classes.reliability(y, p, bins)
    accuracy, confidence = calibration_curve(p.argmax(axis=1) == y, p.max(axis=1), n_bins=bins)
    assert table["accuracy"].to_numpy() == pytest.approx(accuracy)
    assert table["confidence"].to_numpy() == pytest.approx(confidence)
    assert table["rows"].sum() == len(y)
    for row in table.itertuples():
        inside = (p.max(axis=1) > row.low) & (p.max(axis=1) <= row.high)
        assert inside.sum() == row.rows > 0


def test_a_confidence_of_one_or_a_hair_more_is_in_the_last_bin():
    y = np.array([0, 1, 2])
    table = classes.reliability(y, np.eye(3, dtype=np.float32) * np.float32(1 + 1e-6))
    assert table["high"].tolist() == [1.0]
    assert table[["accuracy", "rows"]].to_numpy().tolist() == [[1.0, 3.0]]


def test_a_confidence_on_an_edge_is_in_the_bin_below():
    """As in the paper; halves are exact, so that nothing is left to rounding."""
    table = classes.reliability(*with_confidence([0.5, 0.5, 0.75], [True] * 3), bins=4)
    assert table[["low", "high", "rows"]].to_numpy().tolist() == [[0.25, 0.5, 2], [0.5, 0.75, 1]]


def test_calibrated_predictions_have_no_calibration_error():
    """Three right of four at 0.75, nine of ten at 0.9: exactly as often as they say."""
    right = [*[True] * 3, False, *[True] * 9, False]
    y, p = with_confidence([0.75] * 4 + [0.9] * 10, right)
    assert classes.ece(classes.reliability(y, p)) == pytest.approx(0.0, abs=1e-12)


def test_classes_drawn_from_the_predictions_have_nearly_none():
    _, p = some_predictions(n=20_000)
    draws = np.random.default_rng(1).random((len(p), 1))
    y = (draws > p.cumsum(axis=1)).sum(axis=1)
    calibrated = classes.ece(classes.reliability(y, p))
    assert calibrated < 0.015
    sharpened = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert classes.ece(classes.reliability(y, sharpened)) > 5 * calibrated


def test_the_calibration_error_is_the_gap_weighted_by_rows():
    """Gaps of 0.95 - 0.7 over ten rows, and of 0.5 - 1 over thirty: neither cancels the other."""
    right = [*[True] * 7, *[False] * 3, *[True] * 30]
    y, p = with_confidence([0.95] * 10 + [0.5] * 30, right)
    expected = (10 * 0.25 + 30 * 0.5) / 40
    assert classes.ece(classes.reliability(y, p)) == pytest.approx(expected)


def test_the_worst_rows_are_those_of_the_least_probable_true_class():
    y, p = some_predictions()
    ids = pd.Series([f"image-{row}" for row in range(len(y))], index=np.arange(len(y))[::-1])
    table = classes.worst(y, p, ids, NAMES)
    of_actual = p[np.arange(len(y)), y]
    assert len(table) == table["row"].nunique() == 25
    assert table["row"].iloc[0] == of_actual.argmin()
    assert table["probability_of_actual"].is_monotonic_increasing
    others = np.setdiff1d(np.arange(len(y)), table["row"])
    assert of_actual[others].min() >= table["probability_of_actual"].max()
    for row in table.to_dict("records"):
        place = row["row"]
        assert row["id"] == f"image-{place}"
        assert row["actual"] == NAMES[y[place]]
        assert row["predicted"] == NAMES[p[place].argmax()]
        assert row["probability_of_actual"] == of_actual[place]
        assert row["probability_of_predicted"] == p[place].max()


def test_equally_bad_rows_keep_their_order_and_few_rows_are_few():
    table = classes.worst(np.zeros(3), np.full((3, 4), 0.25), np.array([7, 8, 9]), NAMES)
    assert table["id"].tolist() == [7, 8, 9]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were written."""
    written = []
    save = Figure.savefig

    def savefig(self, *arguments, **options):
        written.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return written


def names_of(k):
    return [f"genus_{code} species with a long name" for code in range(k)]


def some_images(n, channels):
    return np.random.default_rng(0).integers(0, 256, (n, 12, 16, channels), dtype=np.uint8)


def draw_all(folder, k):
    """Every picture of k classes, the folder's files by name."""
    folder.mkdir()
    y, p = some_predictions(k)
    names = names_of(k)
    worst = classes.worst(y, p, np.arange(len(y)), names)
    table = classes.confusion(y, p, names)
    class_plots.confusion_matrix(table, folder / "confusion.png", "blend")
    bins = classes.reliability(y, p)
    class_plots.reliability_diagram(bins, folder / "reliability.png", "blend")
    class_plots.class_scores(classes.class_scores(y, p, names), folder / "scores.png", "blend")
    class_plots.contact_sheet(some_images(25, 3), worst, folder / "sheet.png", "blend: worst")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.deep
@pytest.mark.parametrize("k", [2, 20, 200])
def test_pictures_are_the_same_bytes_again_and_of_readable_size(tmp_path, k):
    first = draw_all(tmp_path / "first", k)
    assert len(first) == 4
    for content in first.values():
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        assert 200 < width < 1100
        assert 150 < height < 1400
    if k == 2:
        assert draw_all(tmp_path / "second", k) == first


@pytest.mark.parametrize(
    ("k", "counted", "named"), [(20, True, True), (30, False, True), (31, False, False)]
)
def test_the_confusion_matrix_shows_counts_and_names_where_they_have_room(
    tmp_path, drawn, k, counted, named
):
    y, p = some_predictions(k)
    table = classes.confusion(y, p, names_of(k))
    class_plots.confusion_matrix(table, tmp_path / "a.png", "blend")
    axes = drawn[0].axes[0]
    counts = {(place.get_position()[1], place.get_position()[0]): int(place.get_text())
              for place in axes.texts}  # fmt: skip
    cells = {(row, column): table.iat[row, column] for row in range(k) for column in range(k)}
    assert counts == ({cell: n for cell, n in cells.items() if n} if counted else {})
    texts = [label.get_text() for label in axes.get_yticklabels()]
    assert any("genus" in text for text in texts) == named
    if named:
        assert len(texts) == len(axes.get_xticklabels()) == k


def test_the_confusion_matrix_colours_shares_of_rows(tmp_path, drawn):
    """A rare class that is always mistaken stands out beside a common one that seldom is."""
    y = np.array([0] * 100 + [1] * 4)
    p = np.eye(2)[[*[0] * 90, *[1] * 10, *[0] * 4]]
    class_plots.confusion_matrix(classes.confusion(y, p, ["a", "b"]), tmp_path / "a.png", "x")
    right, wrong = (image.get_array() for image in drawn[0].axes[0].images)
    assert right.compressed().tolist() == [0.9, 0.0]
    assert wrong.compressed().tolist() == [0.1, 1.0]


@pytest.mark.parametrize("one_sided", [np.eye(2)[[0, 0, 1, 1]], np.eye(2)[[0, 0, 0, 0]]])
def test_perfect_and_one_sided_predictions_are_drawn(tmp_path, one_sided):
    y, names = np.array([0, 0, 1, 1]), ["no", "costs $5 or $6"]
    table = classes.confusion(y, one_sided, names)
    class_plots.confusion_matrix(table, tmp_path / "a.png", "x")
    class_plots.reliability_diagram(classes.reliability(y, one_sided), tmp_path / "b.png", "x")
    class_plots.class_scores(classes.class_scores(y, one_sided, names), tmp_path / "c.png", "x")
    assert len(list(tmp_path.iterdir())) == 3


def test_the_reliability_diagram_shows_the_table(tmp_path, drawn):
    y, p = some_predictions()
    bins = classes.reliability(y, p)
    class_plots.reliability_diagram(bins, tmp_path / "a.png", "ridge")
    top, below = drawn[0].axes
    assert top.get_title() == f"ridge: calibration, ECE {classes.ece(bins):.4f}"
    x, shown = top.lines[1].get_data()
    assert (list(x), list(shown)) == (bins["confidence"].tolist(), bins["accuracy"].tolist())
    assert [bar.get_height() for bar in below.patches] == bins["rows"].tolist()


def test_class_scores_show_the_worst_classes_first(tmp_path, drawn):
    y, p = some_predictions(40, n=2000)
    scores = classes.class_scores(y, p, [str(code) for code in range(40)])
    class_plots.class_scores(scores, tmp_path / "a.png", "blend")
    axes = drawn[0].axes[0]
    worst = scores.sort_values("f1", kind="stable").head(30)
    texts = [label.get_text() for label in axes.get_yticklabels()]
    assert texts == [f"{row['class']} ({row['rows']})" for _, row in worst.iterrows()]
    points = {dots.get_label(): dots.get_offsets()[:, 0].tolist() for dots in axes.collections[1:]}
    assert points == {name: worst[name].tolist() for name in ("recall", "precision")}
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert "30 of 40" in axes.get_title()


@pytest.mark.parametrize(
    ("n", "channels"),
    [(7, 3), *(pytest.param(*one, marks=pytest.mark.deep) for one in ((25, 1), (1, 1), (30, 3)))],
)
def test_the_sheet_shows_the_given_pictures_in_order(tmp_path, drawn, n, channels):
    y, p = some_predictions()
    rows = classes.worst(y, p, np.array([f"i{row}" for row in range(len(y))]), NAMES, n)
    images = some_images(n, channels)
    class_plots.contact_sheet(images, rows, tmp_path / "a.png", "blend: worst")
    assert drawn[0].get_suptitle() == "blend: worst"
    assert len(drawn[0].axes) == min(n, 25)
    for place, axes in enumerate(drawn[0].axes):
        row = rows.iloc[place]
        image = images[place, ..., 0] if channels == 1 else images[place]
        assert (axes.images[0].get_array() == image).all()
        assert axes.images[0].get_clim() == (0, 255) or channels == 3
        above = axes.get_title().split("\n")
        assert above[0].startswith(f"{row['actual']} (")
        assert above[1] == f"→ {row['predicted']} ({row['probability_of_predicted']:.2f})"
        assert axes.get_xlabel() == row["id"]
    lefts = [axes.get_subplotspec().colspan.start for axes in drawn[0].axes]
    assert lefts == [place % 5 for place in range(min(n, 25))]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("oak", "oak"),
        ("liquidambar styraciflua", "liquid…aciflua"),
        ("two\nlines", "two lines"),
        ("$5", r"\$5"),
    ],
)
def test_long_names_lose_their_middle(name, short):
    assert class_plots._short(name, 14) == short
