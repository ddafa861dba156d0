"""What stages show of predicted classes: the files, and a sheet of images where rows are some."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from image_help import CLASSES, make_images
from model_help import make_dataset
from podium.reporting import class_plots
from podium.stages.class_report import class_report

NAMES = tuple(CLASSES)
TABLES = {"predictions", "confusion", "scores", "reliability", "worst"}


@pytest.fixture
def dataset():
    return make_images()


def predicted(y: np.ndarray, sureness: float = 2.0) -> np.ndarray:
    """Probabilities of a middling model."""
    scores = np.random.default_rng(0).normal(size=(len(y), 3))
    scores[np.arange(len(y)), y.astype(int)] += sureness
    shares = np.exp(scores)
    return shares / shares.sum(axis=1, keepdims=True)


def report(dataset, **knobs):
    return class_report(dataset.y, predicted(dataset.y, **knobs), dataset.train_ids, NAMES)


def test_every_table_is_a_file_that_reads_back(dataset, tmp_path):
    made = report(dataset)
    made.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.csv" for name in TABLES}
    for name in TABLES - {"confusion"}:
        read = pd.read_csv(tmp_path / f"{name}.csv")
        assert list(read) == list(getattr(made, name))
        assert len(read) == len(getattr(made, name))
    confusion = pd.read_csv(tmp_path / "confusion.csv", index_col=0)
    assert list(confusion.index) == list(confusion) == CLASSES
    assert confusion.to_numpy().sum() == 120


def test_written_twice_the_bytes_are_the_same(dataset, tmp_path):
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        report(dataset).write(tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    assert not any(b"\r" in content for content in contents[0].values())


def test_rows_that_are_never_validated_are_left_out(dataset):
    probabilities = predicted(dataset.y)
    probabilities[::3] = np.nan
    made = class_report(dataset.y, probabilities, dataset.train_ids, NAMES)
    assert len(made.predictions) == 80
    assert made.confusion.to_numpy().sum() == made.scores["rows"].sum() == 80
    assert 0 <= made.ece < 1
    # Rows are still those of the dataset, whose images are drawn.
    assert (made.worst["row"] % 3 != 0).all()
    assert (dataset.train_ids.to_numpy()[made.worst["row"]] == made.worst["id"]).all()


def test_predictions_are_rows_in_order(dataset):
    made = report(dataset)
    names = np.array(CLASSES)
    assert (made.predictions["actual"] == names[dataset.y.astype(int)]).all()
    likeliest = predicted(dataset.y).argmax(axis=1)
    assert (made.predictions["predicted"] == names[likeliest]).all()
    assert 0 < (likeliest == dataset.y).mean() < 1
    assert np.trace(made.confusion) == (likeliest == dataset.y).sum()


def test_the_calibration_error_tells_how_far_sureness_is_from_the_truth(dataset):
    honest = report(dataset).ece
    sure = predicted(dataset.y, sureness=0.0).argmax(axis=1)
    lying = class_report(dataset.y, 0.97 * np.eye(3)[sure] + 0.01, dataset.train_ids, NAMES).ece
    assert 0 <= honest < 0.2 < 0.5 < lying < 1


def test_pictures_are_drawn_under_the_prefix(dataset, tmp_path):
    report(dataset).draw(tmp_path, "cnn", "blend-")
    pictures = {"blend-confusion.png", "blend-reliability.png", "blend-classes.png"}
    assert {path.name for path in tmp_path.iterdir()} == pictures
    for path in tmp_path.iterdir():
        assert min(Image.open(path).size) > 100


@pytest.mark.parametrize("channels", [1, 3])
def test_the_worst_images_are_on_a_sheet(tmp_path, channels):
    dataset = make_images(channels)
    path = tmp_path / "worst.png"
    made = report(dataset)
    made.draw_worst(dataset, path, "cnn")
    assert min(Image.open(path).size) > 100
    assert len(made.worst) > 1


def test_the_sheet_shows_the_rows_that_the_table_names(dataset, tmp_path, monkeypatch):
    shown = {}
    monkeypatch.setattr(
        class_plots, "contact_sheet", lambda images, rows, path, title: shown.update(locals())
    )
    made = report(dataset)
    made.draw_worst(dataset, tmp_path / "worst.png", "cnn")
    worst = made.worst["row"].to_numpy()
    # None is worse than those: the true class has the least probability.
    own = predicted(dataset.y)[np.arange(120), dataset.y.astype(int)]
    assert set(worst) == set(np.argsort(own)[: len(worst)])
    assert (shown["images"] == dataset.train[worst]).all()
    assert shown["rows"] is made.worst
    assert "cnn" in shown["title"]


def test_a_table_has_no_sheet(tmp_path):
    dataset = make_dataset("multiclass")
    made = class_report(dataset.y, predicted(dataset.y), dataset.train_ids, ("low", "mid", "top"))
    made.draw_worst(dataset, tmp_path / "worst.png", "ridge")
    assert not (tmp_path / "worst.png").exists()
