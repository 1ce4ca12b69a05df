"""Everything that can go wrong, as one tree.

    PadstoneError                 exit code
    ├── BadInputError             2  a file, key, flag or name that the caller has to mend
    │   ├── NotFoundError         2  a snapshot, package, account or profile that does not exist
    │   └── CredentialsError      2  no credentials, expired ones, or those of another account
    ├── ConflictError             3  somebody else is at it, or was first
    │   ├── LockedError           3  another deployer holds the account's lock
    │   └── StackBusyError        3  CloudFormation is still working on a stack
    ├── VerificationError         4  bytes are not what was frozen
    └── FailedError               1  the work was started and did not succeed
        ├── AccessDeniedError     1  no rights for a call
        ├── DeployFailedError     1  a stack failed; the message says which resource and why
        ├── BuildFailedError      1  a pipeline failed or missed its deadline
        └── ServiceError          1  AWS answered with something else, or not at all

Exit code 0 is success and 5 is "differences found", which is an answer and no error.
Each message has three parts: what went wrong, where, and what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class PadstoneError(Exception):
    """The root: `what` went wrong, `where` (file, key, stack, call), and how to `fix` it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.fix}" if self.fix else text


class BadInputError(PadstoneError):
    """Something the caller wrote has to be mended; nothing was written anywhere."""

    exit_code = 2


class NotFoundError(BadInputError):
    """A snapshot, package, account or profile of that name does not exist."""


class CredentialsError(BadInputError):
    """There are no credentials, they have expired, or they belong to another account."""


class ConflictError(PadstoneError):
    """Somebody else is at it, or was first."""

    exit_code = 3


class LockedError(ConflictError):
    """Another deployer holds the account's lock."""


class StackBusyError(ConflictError):
    """CloudFormation is still working on a stack."""


class VerificationError(PadstoneError):
    """Bytes are missing or are not those that were frozen."""

    exit_code = 4


class FailedError(PadstoneError):
    """The work was started and did not succeed."""


class AccessDeniedError(FailedError):
    """The credentials lack the right for a call."""


class DeployFailedError(FailedError):
    """A stack failed; the account was taken back to what it ran before, or the message says not."""


class BuildFailedError(FailedError):
    """A pipeline failed, was stopped, or missed its deadline."""


class ServiceError(FailedError):
    """AWS answered with an error that no retry helps, or did not answer."""
