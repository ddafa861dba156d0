"""Real handwritten digits in the format of Kaggle's digit recognizer, from scikit-learn.

They are the 1,797 digits of 8 x 8 pixels that come with scikit-learn (Alpaydin and Kaynak 1998,
"Optical Recognition of Handwritten Digits", UCI Machine Learning Repository). None of them is in
the competition, whose digits are from MNIST.
"""

import numpy as np
import pandas as pd

TEST_SHARE = 0.2
# The largest pixel value in scikit-learn's digits.
BRIGHTEST = 16


def make_digits(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables like train.csv (label, pixel0 to pixel63) and test.csv (pixel0 to pixel63).

    Pixels are whole numbers from 0 to 255. A fifth of the digits, the same share of each class, is
    held out as test.csv; ``seed`` decides which ones.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pixels = np.rint(digits.data * (255 / BRIGHTEST)).astype(np.uint8)
    table = pd.DataFrame(pixels, columns=[f"pixel{index}" for index in range(pixels.shape[1])])
    table.insert(0, "label", digits.target)
    train, test = train_test_split(
        table, test_size=TEST_SHARE, stratify=table["label"], random_state=seed
    )
    return train, test.drop(columns="label")
