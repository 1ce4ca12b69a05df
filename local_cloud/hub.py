"""What people do at the GitHub of a local cloud, for demonstrations and tests.

Every deed returns when the webhooks it concerns have answered, or could not be reached.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Control = Callable[[str, dict[str, Any]], dict[str, Any]]
Delivery = dict[str, Any]


class Hub:
    """People at GitHub. Repositories are `owner/name`, in `LocalCloud.repository`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def _do(self, deed: str, **arguments: Any) -> dict[str, Any]:
        return self._control(f"hub/{deed}", arguments)

    def webhook(
        self, repository: str, url: str, secret: str = "", events: Sequence[str] = ("push",)
    ) -> int:
        """Registers a webhook that takes JSON; it gets a ping. Returns its ID."""
        made = self._do(
            "webhook", repository=repository, url=url, secret=secret, events=list(events)
        )
        return int(made["hook"]["id"])

    def push(
        self,
        repository: str,
        branch: str = "main",
        *,
        files: Mapping[str, str] | None = None,
        sha: str | None = None,
        message: str = "Change",
        user: str = "developer",
        force: bool = False,
    ) -> str:
        """Pushes a branch, and returns its new commit.

        With `files` a new commit of them; with `force` that takes the place of the last one. With
        `sha` that commit. Without either the branch as somebody left it in the git repository.
        Open pull requests from the branch follow (`synchronize`).
        """
        more = {"files": None if files is None else dict(files), "sha": sha, "message": message}
        made = self._do(
            "push", repository=repository, branch=branch, user=user, force=force, **more
        )
        return str(made["sha"])

    def tag(self, repository: str, tag: str, *, sha: str = "", user: str = "developer") -> str:
        """Pushes a tag, and returns its commit."""
        return str(self._do("tag", repository=repository, tag=tag, sha=sha, user=user)["sha"])

    def delete_branch(self, repository: str, branch: str, *, user: str = "developer") -> None:
        """Deletes a branch, and closes the pull requests from it."""
        self._do("delete_ref", repository=repository, ref=f"refs/heads/{branch}", user=user)

    def fork(self, repository: str, fork: str) -> None:
        """Makes a fork, a repository of its own."""
        self._do("fork", repository=repository, fork=fork)

    def open_pull(
        self,
        repository: str,
        branch: str,
        *,
        head: str = "",
        base: str = "main",
        user: str = "developer",
        title: str = "A change",
        draft: bool = False,
        association: str = "",
    ) -> int:
        """Opens a pull request for a branch, of the fork `head` if it is stated; its number.

        The repository then has its commit as refs/pull/NUMBER/head.
        """
        made = self._do(
            "open_pull", repository=repository, branch=branch, head=head, base=base, user=user,
            title=title, draft=draft, association=association,
        )  # fmt: skip
        return int(made["number"])

    def pull(self, repository: str, number: int) -> dict[str, Any]:
        """A pull request as the REST API tells it."""
        return self._do("pull", repository=repository, number=number)

    def close(self, repository: str, number: int, *, user: str = "") -> None:
        """Closes a pull request without merging it."""
        self._change(repository, number, "closed", user)

    def reopen(self, repository: str, number: int, *, user: str = "") -> None:
        """Opens a closed pull request again."""
        self._change(repository, number, "reopened", user)

    def ready(self, repository: str, number: int, *, user: str = "") -> None:
        """Makes a draft ready for review."""
        self._change(repository, number, "ready_for_review", user)

    def draft(self, repository: str, number: int, *, user: str = "") -> None:
        """Makes a pull request a draft."""
        self._change(repository, number, "converted_to_draft", user)

    def _change(self, repository: str, number: int, action: str, user: str) -> None:
        self._do("change_pull", repository=repository, number=number, action=action, user=user)

    def comment(
        self, repository: str, number: int, body: str, *, user: str = "developer",
        association: str = "",
    ) -> int:  # fmt: skip
        """Comments on a pull request; the comment's ID."""
        made = self._do(
            "comment", repository=repository, number=number, body=body, user=user,
            association=association,
        )  # fmt: skip
        return int(made["comment"])

    def edit_comment(self, repository: str, comment: int, body: str, *, user: str = "") -> None:
        """Changes a comment."""
        self._do("edit_comment", repository=repository, comment=comment, body=body, user=user)

    def collaborator(self, repository: str, login: str, permission: str) -> None:
        """Gives somebody admin, maintain, write, triage or read; `none` takes it."""
        self._do("collaborator", repository=repository, login=login, permission=permission)

    def private(self, repository: str, private: bool = True) -> None:
        """Makes a repository private, or public again."""
        self._do("visibility", repository=repository, private=private)

    def deliveries(self, repository: str) -> list[Delivery]:
        """All deliveries to all webhooks of a repository, oldest first, with their payloads."""
        return list(self._do("deliveries", repository=repository)["deliveries"])

    def redeliver(self, repository: str, delivery: int) -> Delivery:
        """Sends a delivery, by its ID, once more under its GUID; what became of it."""
        made = self._do("redeliver", repository=repository, delivery=delivery)
        return dict(made["deliveries"][0])

    def lose(self, event: str = "*", times: int = 1) -> None:
        """Loses the next deliveries of an event, of all repositories."""
        self._do("lose", event=event, times=times)

    def tokens(self, tokens: Mapping[str, Sequence[str]] | None) -> None:
        """The only tokens that are valid, each with permissions like `statuses:write`.

        None: any token is, and may do everything. Known are contents, statuses, pull_requests and
        webhooks; a call that lacks one is refused with 403, a wrong token with 401.
        """
        held = None if tokens is None else {token: list(may) for token, may in tokens.items()}
        self._do("tokens", tokens=held)

    def limit(
        self,
        *,
        requests: int = 5000,
        window: float = 3600.0,
        content: int = 5000,
        content_window: float = 60.0,
        retry_after: int = 60,
        status: int = 403,
    ) -> None:
        """Calls of one token in a window, and creations in another, before refusals (403 or 429).

        Without arguments: GitHub's limit of calls, and none of creations that a test would meet;
        GitHub's own is 80 in a minute.
        """
        self._do(
            "limit", requests=requests, window=window, content=content,
            content_window=content_window, retry_after=retry_after, status=status,
        )  # fmt: skip

    def fail(
        self,
        status: int = 502,
        *,
        times: int = 1,
        method: str = "*",
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answers the next calls of the API whose path contains `path` with an error."""
        self._do(
            "fail", status=status, left=times, method=method, path=path, headers=dict(headers or {})
        )
