"""Who may call, and how often."""

import base64
import threading
import time
from dataclasses import dataclass, field

Headers = dict[str, str]


class RefusedError(Exception):
    """GitHub refuses a call with a status, a message, and headers beside the usual ones."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass
class Limits:
    """How many calls a token has in a window, and how much content it may create in one.

    GitHub's own limit of content is 80 in a minute; here it is out of the way until it is set.
    """

    requests: int = 5000
    window: float = 3600.0
    content: int = 5000
    content_window: float = 60.0
    retry_after: int = 60
    status: int = 403


@dataclass
class Failure:
    """Answers that go wrong: `times` of them, where method and path match."""

    method: str
    path: str
    status: int
    left: int
    headers: Headers


@dataclass
class _Use:
    until: float = 0.0
    calls: int = 0
    created: list[float] = field(default_factory=list)


class Gate:
    """Tokens with what they may do, and what each has used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Any token may do everything, as often as GitHub allows."""
        self.tokens: dict[str, frozenset[str]] | None = None
        self.limits = Limits()
        self.failures: list[Failure] = []
        self._uses: dict[str, _Use] = {}

    def enter(self, authorization: str) -> str:
        """The token of a call; RefusedError 401 without one that is known."""
        kind, _, token = authorization.strip().partition(" ")
        if not authorization:
            raise RefusedError(401, "Requires authentication")
        if kind.lower() not in ("bearer", "token") or not self.knows(token.strip()):
            raise RefusedError(401, "Bad credentials")
        return token.strip()

    def enter_git(self, authorization: str) -> bool:
        """Whether somebody is known to git hosting; RefusedError 401 for wrong credentials."""
        if not authorization:
            return False
        if not self.knows(_git_token(authorization)):
            raise RefusedError(401, "Invalid username or token.")
        return True

    def knows(self, token: str) -> bool:
        """Whether a token is valid."""
        return bool(token) and (self.tokens is None or token in self.tokens)

    def demand(self, token: str, scope: str) -> None:
        """RefusedError 403 unless the token has a permission; `x:write` holds `x:read`."""
        if self.tokens is None or scope == "metadata:read":
            return
        held = self.tokens.get(token, frozenset())
        if scope not in held and scope.replace(":read", ":write") not in held:
            raise RefusedError(403, "Resource not accessible by personal access token")

    def may_clone(self, authorization: str) -> bool:
        """Whether these credentials of git read private code."""
        try:
            self.demand(_git_token(authorization), "contents:read")
        except RefusedError:
            return False
        return True

    def count(self, token: str, *, creates: bool) -> Headers:
        """Counts a call, and returns the headers of its answer; RefusedError when there were too
        many of them.
        """
        with self._lock:
            use, moment = self._use(token), time.time()
            use.calls += 1
            headers = self._told(use)
            if use.calls > self.limits.requests:
                raise RefusedError(self.limits.status, "API rate limit exceeded", headers)
            use.created = [t for t in use.created if t > moment - self.limits.content_window]
            if creates and len(use.created) >= self.limits.content:
                message = "You have exceeded a secondary rate limit. Please wait a few minutes."
                retry = {"retry-after": str(self.limits.retry_after)}
                raise RefusedError(self.limits.status, message, {**headers, **retry})
            if creates:
                use.created.append(moment)
            return headers

    def rate(self, token: str) -> Headers:
        """The headers of a call that is not counted."""
        with self._lock:
            return self._told(self._use(token))

    def failure(self, method: str, path: str) -> Failure | None:
        """The failure that strikes a call, used up once."""
        with self._lock:
            for failure in self.failures:
                if failure.left > 0 and failure.method in ("*", method) and failure.path in path:
                    failure.left -= 1
                    return failure
        return None

    def _use(self, token: str) -> _Use:
        use = self._uses.setdefault(token, _Use())
        if use.until <= time.time():
            use.until, use.calls = time.time() + self.limits.window, 0
        return use

    def _told(self, use: _Use) -> Headers:
        return {
            "x-ratelimit-limit": str(self.limits.requests),
            "x-ratelimit-remaining": str(max(0, self.limits.requests - use.calls)),
            "x-ratelimit-used": str(min(use.calls, self.limits.requests)),
            "x-ratelimit-reset": str(int(use.until) + 1),
            "x-ratelimit-resource": "core",
        }


def _git_token(authorization: str) -> str:
    """Git sends Basic credentials: the token is the password, whoever the user is."""
    kind, _, value = authorization.strip().partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
