"""The notebooks' pictures show the numbers that they are given."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from podium.reporting import lessons


def axes():
    return Figure().add_subplot()


def test_a_band_is_around_the_mean_and_a_member_that_stopped_keeps_its_value():
    rows = [("a", 0, 1, 1.0), ("a", 0, 2, 3.0), ("a", 1, 1, 3.0), ("b", 0, 1, 5.0)]
    table = pd.DataFrame(rows, columns=["configuration", "seed", "epoch", "valid_loss"])
    drawn = axes()
    lessons.curves_with_bands(drawn, table, "valid_loss")
    assert [line.get_label() for line in drawn.lines] == ["a", "b"]
    assert drawn.lines[0].get_ydata().tolist() == [2.0, 3.0]
    top = drawn.collections[0].get_paths()[0].vertices[:, 1].max()
    assert np.isclose(top, 2.0 + np.std([1, 3], ddof=1))


def test_gains_that_may_be_chance_are_grey_and_the_baseline_is_left_out():
    names = ["sure", "chance", "worse", "baseline"]
    table = pd.DataFrame({"gain": [1.0, 0.1, -1.0, 0.0], "error": [0.1, 0.1, 0.1, 0.0]}, names)
    drawn = axes()
    lessons.gain_bars(drawn, table)
    labels = [label.get_text() for label in drawn.get_yticklabels()]
    assert labels == ["worse", "chance", "sure"]
    colors = [bar.get_facecolor() for bar in drawn.patches]
    assert len(set(colors)) == 3


def test_histograms_count_what_lies_outside_at_the_ends():
    drawn = axes()
    lessons.histograms(drawn, {"a": np.array([-9.0, 0.5, 9.0])}, bins=2, bounds=(-1.0, 1.0))
    heights = drawn.patches[0].get_xy()[:, 1]
    assert heights.max() == 2 / 3


def test_a_boundary_is_where_the_probability_is_a_half():
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    drawn = axes()
    lessons.boundary(drawn, lambda grid: (grid[:, 0] > 0.5) * 1.0, points, np.array([0, 1]))
    line = np.concatenate([path.vertices for path in drawn.collections[1].get_paths()])
    assert np.allclose(line[:, 0], 0.5, atol=0.02)
