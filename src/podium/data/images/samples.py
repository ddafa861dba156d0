"""Some images of train and test, for a look at how the two differ."""

import numpy as np
import pandas as pd

from podium.data.images.dataset import ImageDataset
from podium.data.images.raw import Pixels

# Images of each part, and the height and width of the grid whose cells are looked at.
MOST_IMAGES, GRID = 2_000, 8


def sample_images(data: ImageDataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mean of each cell of a grid over the image, all channels together."""
    return _grid(data.train), _grid(data.test)


def _grid(images: Pixels) -> pd.DataFrame:
    """The means of some images, shape (n, cells); a cell is named by its rows and columns."""
    count, height, width, _ = images.shape
    chosen = np.arange(count)
    if count > MOST_IMAGES:
        chosen = np.sort(np.random.default_rng(0).choice(count, MOST_IMAGES, replace=False))
    grey = np.asarray(images[chosen]).mean(axis=3)
    tops, lefts = (np.unique(np.arange(GRID) * size // GRID) for size in (height, width))
    sums = np.add.reduceat(np.add.reduceat(grey, tops, axis=1), lefts, axis=2)
    sizes = np.diff(tops, append=height)[:, None] * np.diff(lefts, append=width)
    names = [f"brightness from row {top}, column {left}" for top in tops for left in lefts]
    return pd.DataFrame((sums / sizes).reshape(len(chosen), -1), columns=names)
