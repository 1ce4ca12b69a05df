"""From AWS's error codes to our error tree: one table, used by every controller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as botocore_errors
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_tool.errors import (
    AccessDeniedError,
    BadInputError,
    ConflictError,
    CredentialsError,
    NotFoundError,
    PadstoneError,
    ServiceError,
    StackBusyError,
    VerificationError,
)

_SIGN_IN = "refresh the profile's credentials (for example `aws sso login`) and run this again"
_ASK = (
    "give these credentials that right (padstone account policy ROLE ACCOUNT prints what a role"
    " needs), or use another profile"
)
_AGAIN = "run the same command again"
_CLOCK = "check the clock of this machine and the profile's keys"

_LONGEST, _HEAD = 2000, 200  # characters of a message, and of its beginning if it is longer

_Row = tuple[type[PadstoneError], str]

_CODES: dict[str, _Row] = {
    "ExpiredToken": (CredentialsError, _SIGN_IN),
    "ExpiredTokenException": (CredentialsError, _SIGN_IN),
    "RequestExpired": (CredentialsError, _SIGN_IN),
    "InvalidClientTokenId": (CredentialsError, _SIGN_IN),
    "InvalidAccessKeyId": (CredentialsError, _SIGN_IN),
    "UnrecognizedClientException": (CredentialsError, _SIGN_IN),
    "InvalidToken": (CredentialsError, _SIGN_IN),
    "SignatureDoesNotMatch": (CredentialsError, _CLOCK),
    "InvalidSignatureException": (CredentialsError, _CLOCK),
    "RequestTimeTooSkewed": (CredentialsError, _CLOCK),
    "AccessDenied": (AccessDeniedError, _ASK),
    "AccessDeniedException": (AccessDeniedError, _ASK),
    "UnauthorizedOperation": (AccessDeniedError, _ASK),
    "OptInRequired": (AccessDeniedError, "enable the service in this account"),
    "403": (AccessDeniedError, _ASK),
    "Throttling": (ServiceError, _AGAIN),
    "ThrottlingException": (ServiceError, _AGAIN),
    "TooManyRequestsException": (ServiceError, _AGAIN),
    "RequestLimitExceeded": (ServiceError, _AGAIN),
    "ProvisionedThroughputExceededException": (ServiceError, _AGAIN),
    "SlowDown": (ServiceError, _AGAIN),
    "NoSuchBucket": (NotFoundError, "deploy the tools account first"),
    "ResourceNotFoundException": (NotFoundError, "check that its stack is deployed"),
    "RepositoryNotFoundException": (NotFoundError, "check that its stack is deployed"),
    "AWS.SimpleQueueService.NonExistentQueue": (NotFoundError, "check that its stack is deployed"),
    "QueueDoesNotExist": (NotFoundError, "check that its stack is deployed"),
    "PipelineNotFoundException": (NotFoundError, "check that its stack is deployed"),
    "BadDigest": (VerificationError, _AGAIN),
    "XAmzContentChecksumMismatch": (VerificationError, _AGAIN),
    "OperationInProgressException": (StackBusyError, "wait until CloudFormation is done"),
    "AlreadyExistsException": (ConflictError, _AGAIN),
    "TransactionCanceledException": (ConflictError, _AGAIN),
    "TransactionConflictException": (ConflictError, _AGAIN),
    "ConditionalRequestConflict": (ConflictError, _AGAIN),
}

_KINDS: tuple[tuple[type[BotoCoreError], type[PadstoneError], str], ...] = (
    (botocore_errors.ProfileNotFound, NotFoundError, "add it to ~/.aws/config, or name another"),
    (botocore_errors.NoRegionError, BadInputError, "give the profile a region, or set one"),
    (botocore_errors.InvalidRegionError, BadInputError, "correct the region"),
    (botocore_errors.NoCredentialsError, CredentialsError, "name a profile that has credentials"),
    (botocore_errors.PartialCredentialsError, CredentialsError, "complete the profile"),
    (botocore_errors.CredentialRetrievalError, CredentialsError, _SIGN_IN),
    (botocore_errors.SSOError, CredentialsError, _SIGN_IN),
    (botocore_errors.ConfigParseError, BadInputError, "correct the AWS configuration file"),
    (botocore_errors.ParamValidationError, BadInputError, "correct that value"),
    (botocore_errors.FlexibleChecksumError, VerificationError, _AGAIN),
    (botocore_errors.HTTPClientError, ServiceError, "check the network, then " + _AGAIN),
    (botocore_errors.ConnectionError, ServiceError, "check the network, then " + _AGAIN),
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Let only errors of our own tree out; `where` says what was being asked of AWS.

    `where` reads like `s3 beta-bucket/key`: the message adds the call and AWS's own words.
    """
    try:
        yield
    except ClientError as error:
        raise from_answer(error, where) from error
    except BotoCoreError as error:
        raise _from_botocore(error, where) from error


def code_of(error: ClientError) -> str:
    """Return the error code of an answer."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: ClientError) -> str:
    """Return AWS's own words, but not all of a long value that they quote, such as a template."""
    text = str(error.response.get("Error", {}).get("Message", ""))
    return text if len(text) <= _LONGEST else f"{text[:_HEAD]} [...] {text[_HEAD - _LONGEST :]}"


def from_answer(error: ClientError, where: str) -> PadstoneError:
    """Return the error of our tree that stands for an answer of AWS."""
    code = code_of(error)
    kind, fix = _CODES.get(code, (ServiceError, ""))
    if kind is AccessDeniedError:
        what = f"no right to call {error.operation_name}: {message_of(error) or code}"
    else:
        what = f"{error.operation_name} failed with {code}: {message_of(error)}"
    return kind(what, where=where, fix=fix)


def _from_botocore(error: BotoCoreError, where: str) -> PadstoneError:
    for botocore_kind, kind, fix in _KINDS:
        if isinstance(error, botocore_kind):
            return kind(str(error), where=where, fix=fix)
    return ServiceError(str(error), where=where, fix=_AGAIN)
