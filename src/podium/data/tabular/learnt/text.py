"""Texts as a few numbers: latent semantic analysis of their words (Deerwester et al. 1990)."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

from podium.config.learnt import Text
from podium.data.tabular.learnt.learner import Array, Context, Learner
from podium.io.errors import PodiumError

# A word is also a single letter or digit.
WORD = r"(?u)\b\w+\b"
MOST_WORDS, HASHES = 50_000, 2**16
# A component of a smaller part of the largest one's size is rounding.
ROUNDING = 1e-8


def text(spec: Text, context: Context) -> list[Learner]:
    """The learner of texts."""
    return [TextComponents(spec)]


class TextComponents(Learner):
    """Weights of words (tf-idf, or hashed counts), and their components with most variance.

    There are fewer components where there are fewer words or texts.
    """

    def __init__(self, spec: Text) -> None:
        self.spec, self.columns = spec, [spec.text]

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn weights of words, and components.

        Raises:
            PodiumError: no text has a word.
        """
        texts = self._texts(table)
        try:
            words = self._vectorizer().fit(texts)
        except ValueError:
            raise PodiumError(
                f"params.yaml: features: text: column '{self.spec.text}' has no word; use another"
            ) from None
        weights = words.transform(texts)
        most = max(1, min(self.spec.components, *(size - 1 for size in weights.shape)))
        self.words, self.svd = words, TruncatedSVD(most, random_state=0).fit(weights)
        sizes = self.svd.singular_values_
        self.count = max(1, int((sizes > ROUNDING * sizes[0]).sum()))
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column for each component."""
        values = self.svd.transform(self.words.transform(self._texts(table)))[:, : self.count]
        return pd.DataFrame(values, columns=[str(place) for place in range(values.shape[1])])

    def _texts(self, table: pd.DataFrame) -> "pd.Series[Any]":
        return table[self.spec.text].fillna("").astype(str)

    def _vectorizer(self) -> Any:
        if self.spec.method == "hashed":
            return HashingVectorizer(token_pattern=WORD, n_features=HASHES, dtype=np.float64)
        return TfidfVectorizer(token_pattern=WORD, sublinear_tf=True, max_features=MOST_WORDS)
