"""Duplicate images: in both train and test, or in train with different labels."""

from hashlib import blake2b

import numpy as np
import pandas as pd

from podium.data.images.raw import Pixels, RawImages
from podium.data.images.spool import blocks

COLUMNS = ["group", "where", "id", "label", "why"]
LEAK, CLASH = "in train and test", "differing labels"


def find_duplicates(raw: RawImages) -> pd.DataFrame:
    """Images with identical pixels, one row per image; identical ones share a ``group``.

    Reported are images in both train and test, and training images with differing labels. Columns:
    group, where (train or test), id, label (train only) and why.
    """
    images = pd.concat(
        [
            _table("train", raw.train, raw.train_ids, raw.labels),
            _table("test", raw.test, raw.test_ids, pd.Series([""] * len(raw.test), dtype=str)),
        ],
        ignore_index=True,
    )
    repeated = images[images["digest"].duplicated(keep=False)]
    found = (_reported(group) for _, group in repeated.groupby("digest", sort=False))
    groups = [group for group in found if group is not None]
    numbered = [group.assign(group=number) for number, group in enumerate(groups, start=1)]
    return pd.concat([pd.DataFrame(columns=COLUMNS), *numbered], ignore_index=True)[COLUMNS]


def _table(
    where: str, images: Pixels, ids: "pd.Series[str]", labels: "pd.Series[str]"
) -> pd.DataFrame:
    digests = [
        blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for block in blocks(images)
        for image in block
    ]
    table = pd.DataFrame({"digest": digests, "id": ids.to_numpy(), "label": labels.to_numpy()})
    return table.assign(where=where)


def _reported(group: pd.DataFrame) -> pd.DataFrame | None:
    """The group with the reasons for reporting it; None if there are none."""
    reasons = [LEAK] if group["where"].nunique() > 1 else []
    train = group["where"] == "train"
    reasons += [CLASH] if group["label"][train].nunique() > 1 else []
    return group.assign(why=", ".join(reasons)) if reasons else None


def count_images(duplicates: pd.DataFrame, where: str, why: str) -> int:
    """How many images of train or test are reported for a reason."""
    reported = duplicates["why"].str.contains(why, regex=False)
    return int((reported & (duplicates["where"] == where)).sum())
