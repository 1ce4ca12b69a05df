"""A pull request as GitHub has it when it is asked. Pure."""

from dataclasses import dataclass

from .checks import (
    check_flags,
    check_login,
    check_number,
    check_repository,
    check_sha,
    pull_ref,
    same,
)


@dataclass(frozen=True)
class Pull:
    """A pull request as GitHub has it now.

    `head_repository` is None if that is gone, `author` if the account is. `updated_at` is in
    seconds since the epoch and never before the head's last change.
    """

    number: int
    sha: str
    head_repository: str | None
    author: str | None
    draft: bool
    open: bool
    updated_at: int

    def __post_init__(self) -> None:
        check_number(self.number)
        check_sha(self.sha)
        if self.head_repository is not None:
            check_repository(self.head_repository)
        if self.author is not None:
            check_login(self.author)
        check_flags(self.draft, self.open)

    @property
    def ref(self) -> str:
        """The ref that GitHub keeps for the head."""
        return pull_ref(self.number)

    def is_of(self, repository: str) -> bool:
        """Whether the head is in the repository itself, where only those who may write push."""
        return self.head_repository is not None and same(self.head_repository, repository)
