"""One local cloud for each worker and mode; a fresh account for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local_cloud import LocalCloud, testing

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """One account of a local cloud, seen through one profile."""

    cloud: LocalCloud
    profile: str
    id: str

    def client(self, service: str) -> Any:
        return testing.client(self.cloud, self.profile, service)


@pytest.fixture(scope="session")
def open_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud that asks for no permissions."""
    with LocalCloud.start(tmp_path_factory.mktemp("open")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def strict_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud that enforces IAM."""
    with LocalCloud.start(tmp_path_factory.mktemp("strict"), auth=True) as cloud:
        yield cloud


def _account(cloud: LocalCloud) -> Account:
    profile = f"account-{next(_numbers)}"
    return Account(cloud, profile, cloud.add_account(profile))


@pytest.fixture
def account(open_cloud: LocalCloud) -> Account:
    return _account(open_cloud)


@pytest.fixture
def accounts(open_cloud: LocalCloud) -> Callable[[], Account]:
    return lambda: _account(open_cloud)


@pytest.fixture
def strict_account(strict_cloud: LocalCloud) -> Account:
    return _account(strict_cloud)


@pytest.fixture
def strict_accounts(strict_cloud: LocalCloud) -> Callable[[], Account]:
    return lambda: _account(strict_cloud)
