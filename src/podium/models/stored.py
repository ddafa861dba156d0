"""Fitted estimators as bytes that run no code when read: skops' format, a zip of JSON and arrays.

Reading makes objects of known types only; any other is listed, and made if it is named.
"""

import io
import json
import re
import zipfile
from collections.abc import Collection
from importlib import import_module
from threading import Lock
from typing import Any
from unittest.mock import patch

from podium.io.errors import PodiumError
from podium.io.text import printable

# No stored estimator is larger: a forest of a large table would fill the disk, five times over.
MOST_BYTES = 64 * 2**20
# Types that skops does not trust by itself: ours, and of scikit-learn trees, kernels, neighbours'
# indices, optimizers, and what checks columns of categories. Making them runs no other code.
TRUSTED = re.compile(
    r"podium\.models\.retrieval\.\w+|functools\.partial|sklearn\.utils\.validation\.check_array|sklearn\.(gaussian_process\.(kernels|_gpc)|tree\._tree|_loss|metrics\._dist_metrics"
    r"|neighbors\._(kd|ball)_tree|ensemble\._hist_gradient_boosting\.\w+"
    r"|neural_network\._stochastic_optimizers|linear_model\._(sgd_fast|loss)|calibration"
    r"|svm\._classes)\.\w+"
)
# Folds are stored side by side, and what is replaced meanwhile is the process's.
_IMPORTING = Lock()
_SCHEMA = "schema.json"
# Where skops writes addresses in memory, which differ from run to run.
_ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<=")\d+(?=\.(?:npy|npz|bin)")')


def dump_estimator(estimator: Any) -> bytes:
    """A fitted estimator's bytes, the same for the same estimator.

    Raises:
        PodiumError: it can't be stored so, or is too large.
    """
    try:
        content = _skops().dumps(estimator)
    except Exception as error:
        reason = printable(str(error).partition("\n")[0])
        raise PodiumError(f"skops can't store it: {type(error).__name__}: {reason}") from error
    content = _repeatable(content)
    if len(content) > MOST_BYTES:
        size, most = len(content) / 2**20, MOST_BYTES / 2**20
        raise PodiumError(f"{size:,.0f} MiB is more than the {most:.0f} that are stored")
    return content


def load_estimator(content: bytes, trusted: Collection[str] = ()) -> Any:
    """The estimator that ``dump_estimator`` stored; ``trusted`` are types that may be made too.

    Raises:
        PodiumError: it has types that are neither known nor trusted, or is damaged.
    """
    try:
        unknown = _skops().get_untrusted_types(data=content)
        known = [name for name in unknown if name in trusted or _is_known(name)]
        if len(known) == len(unknown):
            return _skops().loads(content, trusted=known)
    except Exception as error:
        reason = printable(str(error).partition("\n")[0])
        raise PodiumError(f"no stored estimator: {type(error).__name__}: {reason}") from error
    names = ", ".join(sorted(set(unknown) - set(known)))
    raise PodiumError(f"the stored estimator has types that are not trusted: {names}")


def _skops() -> Any:
    """skops' module, without its list of all estimators: ``_is_known`` takes its place.

    To make it, skops imports all of scikit-learn, and with it PyTorch: three seconds a stage.
    """
    with _IMPORTING, patch("sklearn.utils.all_estimators", list):
        return import_module("skops.io")


def _is_known(name: str) -> bool:
    """Whether a type is scikit-learn's, and an estimator or another that does no harm."""
    from sklearn.base import BaseEstimator

    if not name.startswith("sklearn.") or TRUSTED.fullmatch(name):
        return bool(TRUSTED.fullmatch(name))
    module, _, last = name.rpartition(".")
    found = getattr(import_module(module), last, None)
    return isinstance(found, type) and issubclass(found, BaseEstimator)


def _repeatable(content: bytes) -> bytes:
    """The zip with numbers in place of addresses, packed, and without a clock."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, str] = {}

    def number(found: "re.Match[str]") -> str:
        return numbers.setdefault(found[0], str(len(numbers)))

    # Read and written again: without the blanks it is a third as long.
    schema = json.dumps(json.loads(files.pop(_SCHEMA)))
    renamed = {_SCHEMA: _ADDRESS.sub(number, schema).encode()}
    for name in files:
        stem, dot, ending = name.partition(".")
        renamed[f"{numbers.get(stem, stem)}{dot}{ending}"] = files[name]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(renamed):
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, renamed[name], compresslevel=1)
    return packed.getvalue()
