"""Shared by the tests of knobs."""

import pytest


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """All of them train on one thread."""
