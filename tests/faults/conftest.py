"""One cloud for each worker, a fresh tools account and proof account for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.lab import Lab, World, lab


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("faults")) as opened:
        yield opened


@pytest.fixture
def world(shared: Lab) -> Iterator[World]:
    yield shared.world()
    shared.cloud.faults.clear()
    shared.cloud.delay_stacks(0)
