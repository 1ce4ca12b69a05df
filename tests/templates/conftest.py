"""One synthesis for all tests of a worker."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.templates.synthesis import Synthesis, synthesise


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The stages as a fresh clone synthesises them."""
    return synthesise(tmp_path_factory.mktemp("app"))


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """What is kept as one JSON file for each test; `pytest --snapshot-update` writes it anew."""
    return snapshot.use_extension(JSONSnapshotExtension)
