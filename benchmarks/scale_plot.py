"""The picture of ``scale.py``: CPU and peak memory of every stage against rows, log-log."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")


def draw(folder: str) -> None:
    """``scale.png`` from ``scale.csv``."""
    from matplotlib import pyplot as plt

    table = pd.read_csv(Path(folder) / "scale.csv")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), constrained_layout=True)
    for axis, column, what in zip(
        axes, ["cpu", "gib"], ["seconds of CPU", "peak GiB"], strict=True
    ):
        for stage, own in table.groupby("stage", sort=False):
            axis.loglog(own["rows"], own[column], marker="o", label=str(stage))
        largest = table["rows"].max()
        ends = table["rows"].drop_duplicates().sort_values().to_numpy()
        top = table.loc[table["rows"] == largest, column].max()
        axis.loglog(ends, top * ends / largest, color="grey", linestyle=":", label="linear")
        axis.set_xlabel("rows of train")
        axis.set_ylabel(what)
        axis.grid(True, which="major", alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.savefig(Path(folder) / "scale.png", dpi=110)
