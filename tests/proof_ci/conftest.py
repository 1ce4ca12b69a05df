"""Fixtures of all tests of the proof CI."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .places import open_place
from .stage import Stage


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in which everybody may write."""
    with open_place() as made:
        yield made


@pytest.fixture
def stage(place: Path) -> Stage:
    """Where a job is run."""
    return Stage(place)
