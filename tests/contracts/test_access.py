"""Who calls, which secrets there are, and what AWS's refusals become."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from snapshot_tool.aws.errors import from_answer
from snapshot_tool.aws.session import Session
from snapshot_tool.errors import (
    AccessDeniedError,
    BadInputError,
    ConflictError,
    CredentialsError,
    NotFoundError,
    PadstoneError,
    ServiceError,
    StackBusyError,
)
from snapshot_tool.model.names import ImageDigest
from snapshot_tool.ports import Secrets
from tests.contracts.conftest import BOTH, Reached
from tests.fakes.secrets import FakeSecrets


@pytest.fixture(params=BOTH)
def secrets(request: pytest.FixtureRequest) -> Secrets:
    if request.param == "fake":
        return FakeSecrets(["GitHubToken"])
    reached: Reached = request.getfixturevalue("reached")
    reached.client("secretsmanager").create_secret(Name="GitHubToken", SecretString="hidden")
    return reached.doors.secrets


def test_a_secret_is_known_by_its_arn(secrets: Secrets) -> None:
    """Never by its value."""
    arn = secrets.arn("GitHubToken")
    assert arn is not None
    assert arn.startswith("arn:aws:secretsmanager:us-west-2:")
    assert ":secret:GitHubToken" in arn


def test_a_secret_that_is_not_there_is_none(secrets: Secrets) -> None:
    """Another place may have the value."""
    assert secrets.arn("Other") is None


def test_a_secret_on_its_way_out_counts_as_gone(reached: Reached) -> None:
    """A stack that took its ARN would break when the secret goes."""
    client = reached.client("secretsmanager")
    client.create_secret(Name="Old", SecretString="x")
    client.delete_secret(SecretId="Old", RecoveryWindowInDays=7)
    assert reached.doors.secrets.arn("Old") is None


def test_a_refusal_about_a_secret_is_no_none(reached: Reached) -> None:
    """The predecessor took missing rights for a missing secret, and deployed a default."""
    account, code = reached.account_id, "AccessDeniedException"
    call = "secretsmanager:DescribeSecret"
    reached.cloud.faults.add(call, account=account, status=400, code=code)
    try:
        with pytest.raises(AccessDeniedError, match="no right to call DescribeSecret"):
            reached.doors.secrets.arn("GitHubToken")
    finally:
        reached.cloud.faults.clear()


def test_the_caller_is_who_the_credentials_say(reached: Reached) -> None:
    """Account and ARN, as STS knows them."""
    caller = reached.doors.identity.caller()
    assert caller.account_id == reached.account_id
    assert reached.account_id in caller.arn


def test_an_image_is_known_by_its_digest(reached: Reached) -> None:
    """An unknown digest is no image; an unknown repository is an error."""
    uri = reached.client("ecr").create_repository(repositoryName="proof")["repository"][
        "repositoryUri"
    ]
    digest = ImageDigest("sha256:" + "0" * 64)
    assert not reached.doors.images.exists(uri, digest)
    with pytest.raises(NotFoundError):
        reached.doors.images.exists(uri.replace("proof", "nothing"), digest)
    with pytest.raises(BadInputError):
        reached.doors.images.exists("nonsense", digest)


def test_an_unknown_profile_is_told_as_such(reached: Reached) -> None:
    """With the place to add it."""
    with pytest.raises(NotFoundError, match=r"profile no-such-profile.*(?s:.)*aws/config"):
        Session("no-such-profile")


def test_a_profile_without_credentials_is_told_by_name(reached: Reached) -> None:
    """Whatever is called first; several profiles may be in play."""
    config = Path(reached.cloud.environment()["AWS_CONFIG_FILE"])
    with config.open("a", encoding="utf-8") as file:
        file.write("\n[profile keyless]\nregion = us-west-2\n")
    for service in ("sts", "cloudformation"):
        with pytest.raises(CredentialsError, match="profile keyless"):
            Session("keyless").client(service)


def test_one_client_serves_all_threads(reached: Reached) -> None:
    """Made once, when it is first used."""
    session = Session(reached.profile)
    assert session.client("sts") is session.client("sts")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredToken", CredentialsError),
        ("ExpiredTokenException", CredentialsError),
        ("InvalidClientTokenId", CredentialsError),
        ("UnrecognizedClientException", CredentialsError),
        ("SignatureDoesNotMatch", CredentialsError),
        ("AccessDenied", AccessDeniedError),
        ("AccessDeniedException", AccessDeniedError),
        ("UnauthorizedOperation", AccessDeniedError),
        ("Throttling", ServiceError),
        ("SlowDown", ServiceError),
        ("InternalFailure", ServiceError),
        ("SomethingNew", ServiceError),
        ("NoSuchBucket", NotFoundError),
        ("ResourceNotFoundException", NotFoundError),
        ("PipelineNotFoundException", NotFoundError),
        ("OperationInProgressException", StackBusyError),
        ("TransactionCanceledException", ConflictError),
    ],
)
def test_each_code_of_aws_has_its_place_in_the_error_tree(
    code: str, kind: type[PadstoneError]
) -> None:
    """One table; what it does not know is a failure of the service, told in AWS's words."""
    answer = ClientError({"Error": {"Code": code, "Message": "in AWS's words"}}, "DoIt")
    found = from_answer(answer, "somewhere")
    assert type(found) is kind
    assert found.where == "somewhere"
    assert "in AWS's words" in found.what
    assert "DoIt" in found.what
