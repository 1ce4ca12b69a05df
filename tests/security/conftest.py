"""One estate a worker: tests add to it, and leave what is there as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_cloud import LocalCloud
from tests.security.estate import Estate, open_estate


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """The tools account; `beta` is registered and runs a snapshot; `other` is neither."""
    folder = tmp_path_factory.mktemp("estate")
    with LocalCloud.start(folder / "cloud", auth=True) as cloud:
        yield open_estate(cloud, folder)


@pytest.fixture(scope="session")
def snapshot(estate: Estate) -> str:
    """A frozen proof stage, deployed to beta."""
    made = str(estate.ok("snapshot", "create", "proof", "--reason", "matrix")["id"])
    estate.ok("deploy", "beta", "--snapshot", made)
    return made
