"""Registering an account gives access, removing it takes exactly that away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.security.estate import Actor, Estate
from tests.security.matrix import ALLOW, DENY, Call, Row, ask, observe


@pytest.fixture
def calls(estate: Estate, snapshot: str) -> Mapping[str, Call]:
    """What a registered account may do."""
    shared = {"Bucket": estate.tools["SharedBucketName"]}
    repository = estate.tools["ProofImageRepositoryArn"].rpartition("repository/")[2]
    images = estate.client("tools", "ecr").list_images(repositoryName=repository)["imageIds"]
    manifest = f"snapshots/proof/{snapshot}/manifest.json"
    named: dict[str, Any] = {"registryId": estate.ids["tools"], "repositoryName": repository}
    return {
        "read": ask("s3", "get_object", **shared, Key=manifest),
        "list": ask("s3", "list_objects_v2", **shared, Prefix="packages/"),
        "pull": ask("ecr", "batch_get_image", **named, imageIds=images[:1]),
    }


def outcomes(actor: Actor, calls: Mapping[str, Callable[[Actor], Any]]) -> set[str]:
    rows = [Row(name, call, frozenset(), "tools") for name, call in calls.items()]
    return {observe(row, actor) for row in rows}


def test_access_comes_and_goes_with_the_registration(
    estate: Estate, calls: Mapping[str, Call]
) -> None:
    """And whoever else is registered keeps theirs."""
    other, beta = estate.admin("other"), estate.admin("beta")
    assert outcomes(other, calls) == {DENY}
    estate.ok("account", "add", "other")
    assert outcomes(other, calls) == {ALLOW}
    estate.ok("account", "remove", "other")
    assert outcomes(other, calls) == {DENY}
    assert outcomes(beta, calls) == {ALLOW}


def test_an_account_that_was_removed_is_not_deployed_to(estate: Estate, snapshot: str) -> None:
    """Its operators are told why, and nothing reaches it."""
    ran = estate.run("deploy", "other", "--snapshot", snapshot)
    assert ran.code in {1, 2}
    assert "is not registered" in ran.err
    assert estate.stacks("other") == []
