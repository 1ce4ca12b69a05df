"""One local cloud for each worker and mode; a fresh account for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local_cloud import LocalCloud, testing

_numbers = itertools.count(1)


def trust(service: str) -> dict[str, Any]:
    """Return the policy of a role that a service may assume, like `lambda`."""
    principal = {"Service": f"{service}.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Statement": [allowed]}


@dataclass(frozen=True)
class Account:
    """One account of a local cloud, seen through one profile."""

    cloud: LocalCloud
    profile: str
    id: str

    def client(self, service: str) -> Any:
        return testing.client(self.cloud, self.profile, service)

    def user(self, *statements: dict[str, Any]) -> Callable[[str], Any]:
        """Return what makes clients of a user who may do what the statements say."""
        iam = self.client("iam")
        iam.create_user(UserName="user")
        allowed = [{"Effect": "Allow", **each} for each in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName="user", PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName="user")["AccessKey"]
        profile = f"{self.profile}-user"
        self.cloud.add_profile(profile, key["AccessKeyId"], key["SecretAccessKey"])
        return lambda service: testing.client(self.cloud, profile, service)


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


@pytest.fixture(params=["open", "strict"])
def either(request: pytest.FixtureRequest) -> Account:
    """An account where IAM is not enforced, then one where it is."""
    name = "account" if request.param == "open" else "strict_account"
    account: Account = request.getfixturevalue(name)
    return account
