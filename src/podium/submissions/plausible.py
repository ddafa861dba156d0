"""Whether a submission can be what the models predict: another scale, one value, classes swapped.

What is sent is compared with the OOF predictions of what was submitted (their distribution; the
rows differ), and with the models' own predictions of the same rows (their order). Test rows may be
of another kind than training rows, so bounds are wide: each lets pass what a shift of the data does
and stops what only a mistake does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition
from podium.config.names import BLEND
from podium.data.several_targets import each_target
from podium.io import files, paths
from podium.io.text import printable
from podium.submissions.prepare import Prepared

Array = NDArray[np.float64]

# With fewer rows distributions say little.
FEWEST = 30
# The middle 90 % of rows: outliers don't decide. Test rows may well spread five times as far, or
# as little, as OOF predictions: with one shop of ten, or another year. Twenty is another unit.
MIDDLE = (5, 95)
SPREAD = 20.0
# How far from the range of OOF predictions the median may lie, in widths of that range: a target
# that doubles in time passes.
BEYOND = 1.0
# Kolmogorov-Smirnov's distance: above the first, two samples hardly are of one distribution; below
# the second they are alike. Both at once single out a known slip.
FAR, NEAR = 0.5, 0.2
# A share of rows that would have to change their class.
MOVED = 0.5
# The file's order and that of the models' own predictions, which are nearly equal: a file of
# another good model has 0.7 or more.
UNRELATED = 0.1
# By chance, so many times in a thousand, all rows get the most frequent class.
BY_CHANCE = 0.001

# What is done to a target and forgotten to be undone, or done twice.
SLIPS: dict[str, Callable[[Array], Array]] = {
    "the logarithm of": lambda o: np.log(np.maximum(o, 1e-12)),
    "log1p of": lambda o: np.log1p(np.maximum(o, -1 + 1e-12)),
    "the square root of": lambda o: np.sqrt(np.maximum(o, 0)),
    "exp of": lambda o: np.exp(np.minimum(o, 700)),
    "a thousandth of": lambda o: o / 1000,
    "a thousand times": lambda o: o * 1000,
    "a hundredth of": lambda o: o / 100,
    "a hundred times": lambda o: o * 100,
    "the negative of": lambda o: -o,
}


@dataclass(frozen=True)
class Compared:
    """A column of a submission beside what it should be like.

    ``sent`` has shape (test rows,); ``oof`` has the OOF predictions of the same output, shape
    (training rows,); ``own`` the models' predictions of the rows of ``sent``, None if unknown.
    """

    name: str
    sent: Array
    oof: Array
    own: Array | None


def doubts(competition: Competition, prepared: Prepared) -> list[str]:
    """What makes a file an implausible submission, a sentence each; none if nothing does.

    A file without results of a pipeline beside it is not looked at.
    """
    path = paths.blend(competition.name) / "oof.parquet"
    if not path.is_file():
        return []
    oof = pd.read_parquet(path, columns=prepared.target.columns).dropna()
    ids = prepared.values.iloc[:, 0].astype(str)
    own = _own_predictions(competition, prepared, ids)
    if prepared.form.kind in ("labels", "one_hot"):
        return list(_about_labels(_codes(prepared), oof.to_numpy(), own))
    if prepared.form.kind == "labels_of_each":
        return list(_about_labels_of_each(prepared, oof.to_numpy(), own))
    found = []
    check = {"values": _about_numbers, "probabilities": _about_probabilities}
    for name, output in prepared.form.columns.items():
        if output is not None and prepared.form.kind in check:
            sent = pd.to_numeric(prepared.values[name]).to_numpy(np.float64)
            mine = None if own is None else own[:, output]
            compared = Compared(printable(name), sent, oof.iloc[:, output].to_numpy(), mine)
            found += list(check[prepared.form.kind](compared))
    return found


def _own_predictions(
    competition: Competition, prepared: Prepared, ids: "pd.Series[Any]"
) -> Array | None:
    """The predictions of what was submitted, shape (test rows, outputs), in the file's order.

    None if models have gone, or were trained on other rows. The mean of a blend is taken on the
    scale of the target: only its order is looked at.
    """
    facts = files.read_json(paths.blend(competition.name) / "metrics.json")
    total = np.zeros((len(ids), prepared.target.outputs))
    for model, weight in _weights(facts, prepared).items():
        path = paths.model(competition.name, model) / "test.parquet"
        if not weight.any() or not path.is_file():
            continue
        table = pd.read_parquet(path)
        position = pd.Series(np.arange(len(table)), index=table[competition.id].astype(str))
        if not ids.isin(position.index).all():
            return None
        rows = table[prepared.target.columns].to_numpy(np.float64)
        total += weight * rows[position.loc[ids].to_numpy()]
    return total if total.any() else None


def _weights(facts: Mapping[str, Any], prepared: Prepared) -> dict[str, Array]:
    """Each model's weights by column of predictions, shape (outputs,): a target has its own."""
    found: dict[str, Array] = {}
    for one in each_target(prepared.target):
        own = facts["targets"][one.name] if one.name else facts
        chosen = own.get("submitted", "blend")
        weights: Mapping[str, float] = own["weights"] if chosen == BLEND else {chosen: 1.0}
        for model, weight in weights.items():
            found.setdefault(model, np.zeros(prepared.target.outputs))[one.columns] = weight
    return found


def _codes(prepared: Prepared) -> NDArray[np.int64]:
    """The class of each row, by its code; -1 for one that no training row has."""
    values = prepared.values.iloc[:, 1:]
    if prepared.form.kind == "labels":
        code = {label: at for at, label in enumerate(prepared.form.labels)}
        return values.iloc[:, 0].astype(str).map(code).to_numpy(np.int64)
    outputs = [-1 if output is None else output for output in prepared.form.columns.values()]
    best = values.apply(pd.to_numeric).to_numpy(np.float64).argmax(axis=1)
    return np.array(outputs, dtype=np.int64)[best]


def _about_numbers(column: Compared) -> Iterator[str]:
    if constant := _constant(column):
        yield constant
        return
    yield from _scale(column) if min(len(column.sent), len(column.oof)) >= FEWEST else ()
    yield from _order(column, "sign")


def _about_probabilities(column: Compared) -> Iterator[str]:
    if constant := _constant(column):
        yield constant
        return
    hard = np.isin(column.sent, (0, 1)).all() and not np.isin(column.oof, (0, 1)).all()
    if hard:
        yield f"'{column.name}' has 0 and 1 alone: labels, where probabilities are asked for"
        return
    if min(len(column.sent), len(column.oof)) >= FEWEST:
        far, near = _distance(column.sent, column.oof), _distance(column.sent, 1 - column.oof)
        if far > FAR and near < NEAR:
            yield (
                f"'{column.name}' looks like the probability of the other class: its mean is "
                f"{column.sent.mean():.3f}, that of OOF predictions {column.oof.mean():.3f}"
            )
            return
    yield from _order(column, "class")


def _constant(column: Compared) -> str:
    if np.ptp(column.sent) > 0 or np.ptp(column.oof) == 0 or len(column.sent) < 2:
        return ""
    return (
        f"'{column.name}' is {column.sent[0]:g} in all {len(column.sent)} rows, and OOF "
        f"predictions range from {column.oof.min():g} to {column.oof.max():g}"
    )


def _scale(column: Compared) -> Iterator[str]:
    """Another unit, or a transform that was not undone."""
    sent, oof = column.sent, column.oof
    medians = f"its median is {np.median(sent):g}, that of OOF predictions {np.median(oof):g}"
    if _distance(sent, oof) > FAR:
        distances = {what: _distance(sent, change(oof)) for what, change in SLIPS.items()}
        what = min(distances, key=distances.__getitem__)
        if distances[what] < NEAR:
            yield f"'{column.name}' looks like {what} what the models predict: {medians}"
            return
    spreads = [float(np.diff(np.percentile(one, MIDDLE))[0]) for one in (sent, oof)]
    ratio = spreads[0] / spreads[1] if spreads[1] > 0 else 1.0
    low, high = float(oof.min()), float(oof.max())
    beyond = max(low - np.median(sent), np.median(sent) - high) > BEYOND * (high - low)
    if beyond or not 1 / SPREAD <= ratio <= SPREAD:
        yield f"'{column.name}' seems to be on another scale: {medians}"


def _order(column: Compared, what: str) -> Iterator[str]:
    """Rows that are ranked in another way than the models rank them."""
    from scipy.stats import spearmanr

    own = column.own
    if own is None or len(own) < FEWEST or np.ptp(own) == 0:
        return
    found = float(spearmanr(column.sent, own).statistic)
    if found < -UNRELATED:
        yield (
            f"'{column.name}' runs against the models' predictions of the same rows (rank "
            f"correlation {found:.2f}): the other {what}?"
        )
    elif found < UNRELATED:
        yield (
            f"'{column.name}' has nothing to do with the models' predictions of the same rows "
            f"(rank correlation {found:.2f}): are the rows in another order?"
        )


def _about_labels_of_each(prepared: Prepared, oof: Array, own: Array | None) -> Iterator[str]:
    """The same of each of several targets, whose columns have labels of two classes."""
    for column, labels in prepared.form.labels_of.items():
        output = prepared.form.columns[column]
        assert output is not None
        pair = [output - 1, output]
        code = {label: at for at, label in enumerate(labels)}
        sent = prepared.values[column].astype(str).map(code).to_numpy(np.int64)
        mine = None if own is None else own[:, pair]
        for doubt in _about_labels(sent, oof[:, pair], mine):
            yield f"'{printable(column)}': {doubt}"


def _about_labels(sent: NDArray[np.int64], oof: Array, own: Array | None) -> Iterator[str]:
    classes = oof.shape[1]
    shares = _shares(sent, classes)
    expected = _shares(oof.argmax(axis=1), classes)
    if shares.max() == 1 and expected[sent[0]] ** len(sent) < BY_CHANCE:
        yield (
            f"all {len(sent)} rows have one class, which {expected[sent[0]]:.1%} of OOF "
            "predictions have"
        )
        return
    moved = float(np.abs(shares - expected).sum() / 2)
    if len(sent) >= FEWEST and moved > MOVED:
        yield (
            f"the shares of the classes are others than those of OOF predictions: {moved:.0%} of "
            "the rows would have to change their class"
        )
    if own is None or len(sent) < FEWEST:
        return
    labels = own.argmax(axis=1)
    agree = float((labels == sent).mean())
    by_chance = float((_shares(labels, classes) * shares).sum())
    # Where nearly all rows have one class, a few decide: less than that says nothing.
    if agree < by_chance - 1 / np.sqrt(len(sent)):
        yield (
            f"{agree:.1%} of the rows have the class that the models predict, fewer than by chance "
            f"({by_chance:.1%}): are classes swapped?"
        )


def _shares(codes: NDArray[Any], classes: int) -> Array:
    known = codes[codes >= 0]
    return np.bincount(known, minlength=classes) / max(len(known), 1)


def _distance(first: Array, second: Array) -> float:
    """The largest distance of the two distribution functions (Kolmogorov-Smirnov), 0 to 1."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(first, second).statistic)
