"""Kaggle through the official client: the calls Podium makes, and what errors mean.

The official client runs in a separate process (``worker``), which ``client`` starts, limits in time
and retries; ``explain`` turns an error into one line that says what to do.
"""

from podium.io.kaggle.client import (
    Limits,
    Listed,
    NotSignedInError,
    UnclearError,
    download,
    limits,
    listed,
    submit,
)

__all__ = [
    "Limits",
    "Listed",
    "NotSignedInError",
    "UnclearError",
    "download",
    "limits",
    "listed",
    "submit",
]
