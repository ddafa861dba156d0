"""Kaggle, by the official client: what Podium asks of it, and what its answers mean.

The client runs in a process of its own (``worker``), which ``client`` starts, bounds and asks
again; ``explain`` turns what went wrong into one line that says what to do.
"""

from podium.io.kaggle.client import Limits, Listed, UnclearError, download, limits, listed, submit

__all__ = ["Limits", "Listed", "UnclearError", "download", "limits", "listed", "submit"]
