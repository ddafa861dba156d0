"""Predicted classes of what is submitted: curves, confusion, calibration, the worst rows."""

import base64
import io
from typing import Any

import numpy as np
import pandas as pd

from podium.data.several_targets import OneTarget
from podium.metrics import Array
from podium.reporting.charts import classes as charts
from podium.reporting.charts.look import COLOURS
from podium.reporting.page import (
    Block,
    Chart,
    Folded,
    Gallery,
    Picture,
    Section,
    Text,
    table_of,
)
from podium.reporting.page.blocks import shown
from podium.stages.class_report import ClassReport
from podium.stages.report.regression import row_values
from podium.stages.report.results import Results, prefix

# Points of a curve, classes that have one, classes of the confusion matrix, pairs in its table.
MOST_POINTS, MOST_CURVES, MOST_CLASSES, MOST_PAIRS = 150, len(COLOURS), 30, 15
# Longest side of a picture in pixels; smaller ones are enlarged by the browser.
SIDE = 96


def classification_section(results: Results, reports: dict[str, ClassReport]) -> Section:
    """The out-of-fold predictions of what is submitted."""
    blocks: list[Block] = []
    for own in results.shown:
        blocks += _of_target(results, own, reports[own.name])
    return Section("predictions", "Predictions", blocks)


def _of_target(results: Results, own: OneTarget, found: ClassReport) -> list[Block]:
    of = prefix(own)
    share = float((found.predictions["actual"] == found.predictions["predicted"]).mean())
    blocks: list[Block] = [
        Text(
            f"{of}Out-of-fold predictions of {results.submitted_in_words}, which is submitted: "
            f"{share:.1%} of {len(found.predictions):,} rows are right."
        )
    ]
    blocks += [Text(line) for line in decision(results, own)]
    blocks += _curves(results, own, of)
    blocks.append(_confusion(found, of))
    blocks.append(_calibration(found, of))
    blocks += _mistakes(found, of)
    blocks.append(Folded(f"{of}Scores of each class", [table_of(f"{of}Classes", found.scores)]))
    return blocks + _worst(results, own, found, of)


def decision(results: Results, own: OneTarget) -> list[str]:
    """How labels were decided, where thresholds or cut points were tuned."""
    if not results.competition.scoring.is_tuned:
        return []
    facts = results.blend["targets"][own.name] if own.name else results.blend
    (kind, values), *_ = facts["decision"].items()
    by_label = values.items() if isinstance(values, dict) else [("", values)]
    said = ", ".join(f"{label} {value:.4g}".strip() for label, value in by_label)
    title = results.competition.scoring.title
    return [
        f"Labels {own.name}".strip() + f": {kind.replace('_', ' ')} {said}, tuned for {title} on "
        "all OOF rows; for the score each fold's on the other folds' rows."
    ]


def _curves(results: Results, own: OneTarget, of: str) -> list[Block]:
    """ROC, precision and recall: of two classes of the second, of more of each against the rest."""
    y = own.y(results.y)
    p = results.oof[own.target.columns].to_numpy(dtype=np.float64)
    seen = np.isfinite(p).all(axis=1)
    y, p = y[seen].astype(np.int64), p[seen]
    classes = own.target.classes
    codes = [code for code in ([1] if len(classes) == 2 else range(len(classes)))
             if 0 < (y == code).sum() < len(y)]  # fmt: skip
    if not codes:
        return []
    areas = {code: _areas(y == code, p[:, code]) for code in codes}
    # Of many classes those that are the hardest.
    drawn = sorted(sorted(codes, key=lambda code: areas[code][1])[:MOST_CURVES])
    which = _which(classes, codes, drawn)
    by_area, by_precision = ([f"{classes[code]} ({areas[code][at]:.3f})" for code in drawn]
                             for at in (0, 1))  # fmt: skip
    pairs = list(zip(drawn, by_area, by_precision, strict=True))
    roc = [_roc(y == code, p[:, code], name) for code, name, _ in pairs]
    precision = [_precision(y == code, p[:, code], name) for code, _, name in pairs]
    return [
        Chart(
            f"{of}ROC curve {which} (area under it)",
            charts.curve(
                pd.concat(roc), by_area, "false positive rate", "true positive rate", True
            ),
            f"ROC curves. Area under each: {', '.join(by_area)}.",
        ),
        Chart(
            f"{of}Precision and recall {which} (average precision)",
            charts.curve(pd.concat(precision), by_precision, "recall", "precision", False),
            f"Precision against recall. Average precision: {', '.join(by_precision)}.",
        ),
    ]


def _which(classes: tuple[str, ...], codes: list[int], drawn: list[int]) -> str:
    if len(codes) == 1:
        return f"of {classes[codes[0]]}"
    if len(drawn) == len(codes):
        return "of each class against the rest"
    return f"of the {len(drawn)} hardest of {len(classes)} classes against the rest"


def _areas(positive: Any, p: Array) -> tuple[float, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return float(roc_auc_score(positive, p)), float(average_precision_score(positive, p))


def _roc(positive: Any, p: Array, name: str) -> pd.DataFrame:
    from sklearn.metrics import roc_curve

    false, true, thresholds = roc_curve(positive, p)
    return _line(name, false, true, np.minimum(thresholds, 1.0))


def _precision(positive: Any, p: Array, name: str) -> pd.DataFrame:
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(positive, p)
    return _line(name, recall, precision, np.append(thresholds, 1.0))


def _line(name: str, x: Array, y: Array, thresholds: Array) -> pd.DataFrame:
    """A curve by at most ``MOST_POINTS`` points, evenly spaced along it."""
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    at = np.linspace(0, along[-1], MOST_POINTS)
    places = np.unique(np.clip(np.searchsorted(along, at), 0, len(x) - 1))
    table = pd.DataFrame({"name": name, "x": x, "y": y, "threshold": thresholds}).iloc[places]
    return table.assign(place=np.arange(len(table)))


def _confusion(found: ClassReport, of: str) -> Chart:
    counts = found.confusion
    names = [str(name) for name in counts.index]
    keep = hardest(counts)
    title = f"{of}Confusion: mistakes in orange"
    if len(keep) < len(names):
        title += f", the {len(keep)} of {len(names)} classes with the most mistakes"
    totals = counts.to_numpy().sum(axis=1)
    part = counts.to_numpy()[np.ix_(keep, keep)]
    cells = pd.DataFrame(
        [
            {
                "actual": names[row],
                "predicted": names[column],
                "rows": int(part[at, other]),
                "share": part[at, other] / max(totals[row], 1),
                "right": row == column,
            }
            for at, row in enumerate(keep)
            for other, column in enumerate(keep)
        ]
    )
    right = np.trace(counts.to_numpy()) / max(counts.to_numpy().sum(), 1)
    pairs = mistakes(found).head(3)
    said = "; ".join(
        f"{row.actual} taken for {row.predicted} {row.rows} times"
        for row in pairs.itertuples(name="Row")
    )
    return Chart(
        title,
        charts.confusion(cells[(cells["rows"] > 0) | cells["right"]], [names[at] for at in keep]),
        f"Confusion matrix of {len(names)} classes: {right:.1%} right. "
        + (f"Most frequent mistakes: {said}." if said else "No mistakes."),
    )


def hardest(counts: pd.DataFrame) -> list[int]:
    """The classes with the most mistakes, by their places, in order: all where they are few."""
    wrong = counts.to_numpy(copy=True)
    np.fill_diagonal(wrong, 0)
    total = wrong.sum(axis=0) + wrong.sum(axis=1)
    return sorted(np.argsort(-total, kind="stable")[:MOST_CLASSES].tolist())


def mistakes(found: ClassReport) -> pd.DataFrame:
    """Pairs of actual and predicted class, the most frequent mistake first."""
    wrong = found.predictions[found.predictions["actual"] != found.predictions["predicted"]]
    table = wrong.groupby(["actual", "predicted"], sort=True).size().rename("rows").reset_index()
    of_class = found.predictions["actual"].value_counts()
    table["share of the class"] = table["rows"] / table["actual"].map(of_class)
    return table.sort_values("rows", ascending=False, kind="stable").reset_index(drop=True)


def _mistakes(found: ClassReport, of: str) -> list[Block]:
    table = mistakes(found)
    if len(found.confusion) <= 2 or table.empty:
        return []
    top = table.head(MOST_PAIRS)
    title = f"{of}The most frequent mistakes ({len(top)} of {len(table)} pairs of classes)"
    return [Folded(title, [table_of(f"{of}Classes that are mistaken", top, digits=3)])]


def _calibration(found: ClassReport, of: str) -> Chart:
    bins = found.reliability
    off = float(
        (bins["confidence"] - bins["accuracy"]).mul(bins["rows"]).sum() / bins["rows"].sum()
    )
    lean = "too sure" if off > 0 else "not sure enough"
    return Chart(
        f"{of}Calibration (expected error {found.ece:.4f})",
        charts.reliability(bins),
        f"Share of right predictions by their probability, in {len(bins)} bins; the diagonal is "
        f"calibrated. Expected calibration error {found.ece:.4f}; on the whole {lean} by "
        f"{shown(abs(off))}.",
    )


def _worst(results: Results, own: OneTarget, found: ClassReport, of: str) -> list[Block]:
    """The worst-predicted rows: as pictures, or with their values."""
    title = f"{of}The {len(found.worst)} worst-predicted rows"
    images = _images(results, found)
    if images:
        return [Text(f"{title}: the actual class has the least probability."), Gallery(images)]
    table = found.worst.drop(columns="row").reset_index(drop=True)
    values = row_values(results, own, found.worst["row"].to_numpy())
    values = values.rename(columns={name: f"{name} " for name in values if name in table})
    whole = pd.concat([table, values.reset_index(drop=True)], axis=1)
    return [
        Folded(title, [table_of(f"{title}: the actual class has the least probability", whole)])
    ]


def _images(results: Results, found: ClassReport) -> list[Picture]:
    """The worst-predicted images; none where rows are none."""
    if results.competition.kind != "image":
        return []
    pixels: Any = results.dataset.train  # type: ignore[attr-defined]
    images = np.asarray(pixels[found.worst["row"].to_numpy()])
    return [
        Picture(
            source=_png(image),
            description=f"{row['actual']}, predicted as {row['predicted']} with probability "
            f"{row['probability_of_predicted']:.2f}",
            lines=(
                f"{row['actual']} ({row['probability_of_actual']:.2f})",
                f"→ {row['predicted']} ({row['probability_of_predicted']:.2f})",
                f"id {row['id']}",
            ),
        )
        for image, row in zip(images, found.worst.to_dict("records"), strict=True)
    ]


def _png(image: Any) -> str:
    """An image, shape (height, width, 1 or 3), as a data URI."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture.thumbnail((SIDE, SIDE))
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
