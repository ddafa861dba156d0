"""The data: what there is, what is missing, the target, how test differs from train, features."""

from typing import Any

import numpy as np
import pandas as pd

from podium.config.providers import is_sample
from podium.data import kinds
from podium.data.adversarial import Comparison, compare
from podium.data.several_targets import OneTarget
from podium.data.tabular.dates import PARTS
from podium.io.usercode.load import OWN_FEATURES
from podium.metrics import Array
from podium.reporting.charts import data as charts
from podium.reporting.page import Block, Chart, Facts, Folded, Section, Text, table_of
from podium.reporting.page.blocks import counted, shown
from podium.stages.report.results import Results, has_model_scale

BINS, MOST_MISSING, MOST_LEVELS, MOST_CLASSES, MOST_DIFFERENT = 40, 20, 8, 30, 4
# Of missing values, shares below this are left out of the chart.
FEW = 0.005
MADE = "learnt in each fold"
# Facts about images that are said elsewhere, as are the rows of each class.
ELSEWHERE = ("training images", "test images")


def data_section(results: Results, compared: Comparison | None) -> Section:
    """What the data are."""
    summary = results.summary
    blocks: list[Block] = [Facts(_facts(results))]
    blocks += [Text(line, strong=True) for line in warnings(summary)]
    for own in results.shown:
        blocks += _target(results, own)
    if "missing_train" in summary:
        blocks += _missing(results, summary)
    if compared is not None:
        blocks += _against_test(results, compared)
    if "type" in summary:
        blocks += _features(summary)
    return Section("data", "Data", blocks)


def origin(results: Results) -> str:
    """Where the data are from, and what their scores say."""
    schema = results.schema
    if not is_sample(schema.provider):
        return "local files" if schema.provider == "local" else f"from {schema.provider}"
    kind = "SYNTHETIC sample in the real schema" if schema.synthetic else "sample, not Kaggle's"
    return f"{kind}: scores say nothing about Kaggle"


def _facts(results: Results) -> dict[str, str]:
    data, summary = results.dataset, results.summary
    facts = {
        "source": origin(results),
        "rows": f"{len(data.y):,} to train on, {len(data.test_ids):,} to predict",
        "target": ", ".join(results.competition.targets),
    }
    if results.competition.target_transform != "none":
        facts["target transform"] = results.competition.target_transform
    if "type" in summary:
        counts = summary["type"].value_counts()
        several = {"category": "categories", "dropped": "left out"}
        columns = [
            counted(count, "left out" if kind == "dropped" else str(kind), several.get(kind, ""))
            for kind, count in counts.items()
        ]
        return facts | {"columns": ", ".join(columns)}
    return facts | {
        str(fact): str(value)
        for fact, value in zip(summary["fact"], summary["value"], strict=True)
        if fact not in ELSEWHERE and not str(fact).startswith("class ")
    }


def warnings(summary: pd.DataFrame) -> list[str]:
    """What preprocessing warned about."""
    if "warning" not in summary:
        return []
    found = summary.dropna(subset="warning")
    return [
        f"{column}: {warning}"
        for column, warning in zip(found["column"], found["warning"], strict=True)
    ]


def _target(results: Results, own: OneTarget) -> list[Block]:
    """The target's distribution; of numbers also on the scale that models are trained on."""
    y, name = own.y(results.dataset.y), results.title_of(own)
    if not own.target.is_regression:
        return [_classes(own, y, name)]
    found: list[Block] = [_histogram(y, name)]
    if has_model_scale(own.target):
        found.append(_histogram(own.target.encode(y), f"{own.target.transform} of {name}"))
    return found


def _histogram(y: Array, name: str) -> Chart:
    rows, edges = np.histogram(y, bins=min(BINS, max(5, len(np.unique(y)))))
    bins = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": rows})
    low, median, high = np.quantile(y, [0.05, 0.5, 0.95])
    skew = float(pd.Series(y).skew())
    said = (
        f"Histogram of {name}: median {shown(median)}, 90 % between {shown(low)} and "
        f"{shown(high)}, from {shown(y.min())} to {shown(y.max())}, skewness {skew:.2f}."
    )
    return Chart(f"{name}, training rows", charts.histogram(bins, name), said)


def _classes(own: OneTarget, y: Array, name: str) -> Chart:
    rows = np.bincount(y.astype(np.int64), minlength=own.target.outputs)
    table = pd.DataFrame({"class": own.target.classes, "rows": rows, "share": rows / len(y)})
    title = f"{name}: rows of each class"
    if len(table) > MOST_CLASSES:
        title += f", the {MOST_CLASSES} most frequent of {len(table)}"
        table = table.sort_values("rows", ascending=False, kind="stable").head(MOST_CLASSES)
    few, many = int(rows.argmin()), int(rows.argmax())
    names = own.target.classes
    said = (
        f"Bar chart of the training rows of {len(names)} classes: from {rows[few]} of "
        f"{names[few]} to {rows[many]} of {names[many]}."
    )
    return Chart(title, charts.class_counts(table), said)


def _missing(results: Results, summary: pd.DataFrame) -> list[Block]:
    """The columns with the most missing values, in train and in test."""
    data = results.dataset
    table = pd.DataFrame(
        {
            "column": summary["column"],
            "train": summary["missing_train"] / len(data.y),
            "test": summary["missing_test"] / len(data.test_ids),
        }
    ).dropna()
    table["most"] = table[["train", "test"]].max(axis=1)
    table = table[table["most"] > 0].sort_values("most", ascending=False, kind="stable")
    if table.empty:
        return [Text("No column has missing values.")]
    # Columns that miss hardly any are in the table of all columns.
    top = table[(table["most"] >= FEW) | (table["most"] == table["most"].max())].head(MOST_MISSING)
    long = top.melt("column", ["train", "test"], var_name="table", value_name="share")
    title = f"Missing values: in {counted(len(table), 'column')}"
    title += f", here the {len(top)} with the most" if len(top) < len(table) else ""
    first = "; ".join(
        f"{row.column} {row.train:.0%} of train, {row.test:.0%} of test"
        for row in top.head(5).itertuples()
    )
    return [Chart(title, charts.missing(long), f"Dot plot of missing values. {first}.")]


def compare_tables(results: Results) -> Comparison | None:
    """Whether a model can tell test rows from training rows."""
    kind = kinds.of(results.competition)
    return compare(*kind.sample(results.dataset))


def _against_test(results: Results, compared: Comparison) -> list[Block]:
    """Adversarial validation: its ROC AUC, and the features by which it tells."""
    folds = ", ".join(f"{auc:.3f}" for auc in compared.aucs)
    heading = f"Train against test (ROC AUC by fold {folds}): the features that differ most"
    said = "Can a model tell test rows from training rows? "
    found: list[Block] = [Text(f"{said}{compared.meaning}.")]
    if compared.features.empty:
        return found
    train, test = kinds.of(results.competition).sample(results.dataset)
    names = [name for name in compared.features["feature"][:MOST_DIFFERENT] if name in train]
    drawn: list[Block] = [_two_tables(train[name], test[name], str(name)) for name in names]
    table = table_of("Features that tell test from train", compared.features)
    if compared.are_alike:
        return [*found, Folded(heading, [table, *drawn])]
    return [*found, *drawn, Folded(heading, [table])]


def _two_tables(train: "pd.Series[Any]", test: "pd.Series[Any]", name: str) -> Chart:
    """The distribution of a feature in both tables."""
    is_number = pd.api.types.is_numeric_dtype(train) and not isinstance(
        train.dtype, pd.CategoricalDtype
    )
    rows = _binned(train, test) if is_number else _by_level(train, test)
    parts = []
    for table, column in (("train", train), ("test", test)):
        missing = f", {column.isna().mean():.0%} missing"
        parts.append(
            f"{table} mean {shown(float(column.astype(float).mean()))}{missing}"
            if is_number
            else f"{table} {_most_frequent(column)}"
        )
    said = f"Shares of rows by {name} in train and in test: {'; '.join(parts)}."
    return Chart(f"{name}: train and test", charts.two_tables(rows, name, is_number), said)


def _most_frequent(column: "pd.Series[Any]") -> str:
    counts = column.value_counts(normalize=True)
    return f"{counts.iloc[0]:.0%} {counts.index[0]}" if len(counts) else "100% missing"


def _binned(train: "pd.Series[Any]", test: "pd.Series[Any]") -> pd.DataFrame:
    numbers = {"train": train.astype(float).dropna(), "test": test.astype(float).dropna()}
    both = np.concatenate([*numbers.values()])
    both = both[np.isfinite(both)]
    edges = np.histogram_bin_edges(both, bins=24) if len(both) else np.array([0.0, 1.0])
    rows = []
    for table, values in numbers.items():
        counts = np.histogram(values, edges)[0] / max(len(values), 1)
        # Lines of steps need an end at the last bin.
        shares = [*counts, counts[-1]]
        ends = [*edges[1:], edges[-1]]
        rows += [
            {"table": table, "low": low, "high": high, "share": share}
            for low, high, share in zip(edges, ends, shares, strict=True)
        ]
    return pd.DataFrame(rows)


def _by_level(train: "pd.Series[Any]", test: "pd.Series[Any]") -> pd.DataFrame:
    shares = pd.DataFrame(
        {
            "train": train.value_counts(normalize=True),
            "test": test.value_counts(normalize=True),
        }
    ).fillna(0.0)
    most = shares.sum(axis=1).sort_values(ascending=False, kind="stable").index[:MOST_LEVELS]
    table = shares.loc[most].rename_axis("value").reset_index()
    table["value"] = table["value"].astype(str)
    return table.melt("value", ["train", "test"], var_name="table", value_name="share")


def _features(summary: pd.DataFrame) -> list[Block]:
    """Where columns came from: read from the files, made row by row, learnt in folds."""
    formulas = summary["formula"] if "formula" in summary else pd.Series("", summary.index)
    formulas = formulas.fillna("").astype(str)
    treatment = summary["treatment"].fillna("").astype(str)
    how, rest = treatment.str.split("; ", n=1).str[0], treatment
    learnt = how.str.startswith((MADE, "automatic", "by your own"))
    made = pd.DataFrame(
        {
            "feature": summary["column"],
            "made from": formulas.where(~learnt, how),
            "type": summary["type"],
            "when": np.where(learnt, "in each fold, on its training rows", "row by row"),
        }
    )[(formulas != "") | learnt]
    table = pd.DataFrame(
        {
            "column": summary["column"],
            "type": summary["type"],
            "missing in train": summary.get("missing_train"),
            "missing in test": summary.get("missing_test"),
            "levels": summary.get("levels"),
            "inputs of a model": summary.get("features"),
        }
    )
    found: list[Block] = [Text(_columns_in_words(summary, formulas, learnt))]
    if len(made):
        found.append(
            Folded(
                f"Where the {len(made)} made features came from",
                [table_of("Features that were made", made)],
            )
        )
    found.append(
        Folded(
            f"All {len(table)} columns",
            [table_of("Columns, their types and missing values", table)],
        )
    )
    dropped = rest[summary["type"] == "dropped"]
    if len(dropped):
        names = summary["column"][summary["type"] == "dropped"].astype(str)
        why = "; ".join(f"{name}: {reason}" for name, reason in zip(names, dropped, strict=True))
        found.append(Text(f"Left out: {why}."))
    return found


def _columns_in_words(
    summary: pd.DataFrame, formulas: "pd.Series[Any]", learnt: "pd.Series[Any]"
) -> str:
    """How many columns there are, as preprocessing counts them, and where they came from.

    Learnt columns are not among these: their number differs between folds.
    """
    is_used = summary["type"].isin(["number", "category"])
    names, kept = summary["column"].astype(str), is_used & ~learnt
    dates = names[summary["type"] == "date"]
    parts = names.isin([f"{date} {part}" for date in dates for part in PARTS])
    own = formulas == OWN_FEATURES
    origins = {
        "from the files": (formulas == "") & ~parts,
        "parts of dates": (formulas == "") & parts,
        "made by features of params.yaml": (formulas != "") & ~own,
        "made by features() of your own code": own,
    }
    counts = {origin: int((kept & where).sum()) for origin, where in origins.items()}
    there = [f"{count} {origin}" for origin, count in counts.items() if count]
    said = f"{counted(int(kept.sum()), 'column')} {'is' if kept.sum() == 1 else 'are'} used"
    said += f": {', '.join(there)}." if len(there) > 1 else "."
    more = int((is_used & learnt).sum())
    return f"{said} {more} more {'is' if more == 1 else 'are'} learnt in folds." if more else said


def preprocessing(results: Results) -> Section:
    """What was done to each column, folded."""
    summary = results.summary.dropna(axis=1, how="all")
    title = f"What was done to the data in the first fold ({len(summary)} lines)"
    blocks: list[Block] = [
        Text(f"Preprocessing was {_FITTED[results.schema.fit_on]}."),
        Folded(title, [table_of("Preprocessing of each column", summary)]),
    ]
    return Section("preprocessing", "Preprocessing", blocks)


_FITTED = {
    "fold": "fitted on each fold's training rows",
    "train": "fitted on all training rows, the scored ones included",
    "train_and_test": "fitted on training and test rows together",
}
