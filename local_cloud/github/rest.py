"""The REST API, as far as something that reports on commits needs it."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from local_cloud.directory import Layout
from local_cloud.github import payloads
from local_cloud.github.deliveries import line, told
from local_cloud.github.gate import Gate, Headers, RefusedError
from local_cloud.github.git import Git
from local_cloud.github.model import Hook, HubError, Model, Pull, Repository, now
from local_cloud.github.people import People
from local_cloud.repositories import RepositoryError

STATES = ("error", "failure", "pending", "success")
STATUSES_KEPT = 1000
_SHA = re.compile(r"^[0-9a-f]{40}$")

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Call:
    """One call as it came in, with the names of its headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def url(self) -> str:
        """Where the caller sent it, without the query."""
        return f"http://{self.headers.get('host', '')}/_github{self.path}"

    def place(self) -> tuple[str, str]:
        """The repository, and the path below it."""
        match = re.match(r"^/repos/([^/]+/[^/]+)(/.*)?$", self.path)
        return (match[1], match[2] or "") if match else ("", "")


@dataclass
class Request:
    """One call, of a repository that exists."""

    known: Repository
    git: Git
    groups: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def page(self, found: list[Any]) -> list[Any]:
        """The page that the call asks for; the others are told in the Link header."""
        size = min(100, max(1, _number(self.query.get("per_page"), 30)))
        page, last = max(1, _number(self.query.get("page"), 1)), -(-len(found) // size) or 1
        numbers = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        shown = {"prev": page > 1, "first": page > 1, "next": page < last, "last": page < last}
        links = [f'<{self._at(number)}>; rel="{name}"' for name, number in numbers.items()
                 if shown[name]]  # fmt: skip
        if links:
            self.headers["link"] = ", ".join(links)
        return found[(page - 1) * size : page * size]

    def _at(self, page: int) -> str:
        return f"{self.url}?{urlencode({**self.query, 'page': page})}"


@dataclass(frozen=True)
class Route:
    """A method and a path below /repos/OWNER/NAME, and the permission that it takes."""

    method: str
    path: re.Pattern[str]
    scope: str
    perform: Callable[[Request], Answer]


class Rest:
    """Answers calls."""

    def __init__(self, layout: Layout, model: Model, gate: Gate, people: People) -> None:
        self._layout = layout
        self._model = model
        self._gate = gate
        self._people = people
        self._routes = [
            Route(method, re.compile(f"^{path}$"), scope, perform)
            for method, path, scope, perform in self._table()
        ]

    def _table(self) -> list[tuple[str, str, str, Callable[[Request], Answer]]]:
        ref, hook = "(?P<ref>.+)", "/hooks/(?P<hook>[0-9]+)"
        delivery = f"{hook}/deliveries/(?P<delivery>[0-9]+)"
        return [
            ("GET", "", "metadata:read", self._repository),
            ("GET", "/branches", "contents:read", self._branches),
            ("GET", f"/branches/{ref}", "contents:read", self._branch),
            ("GET", f"/commits/{ref}/statuses", "statuses:read", self._statuses),
            ("GET", f"/commits/{ref}/status", "statuses:read", self._status),
            ("GET", f"/commits/{ref}", "contents:read", self._commit),
            ("POST", "/statuses/(?P<ref>[^/]+)", "statuses:write", self._set_status),
            ("GET", "/collaborators/(?P<login>[^/]+)/permission", "metadata:read",
             lambda r: (200, payloads.permission(r.known, r.groups["login"]))),
            ("GET", "/pulls", "pull_requests:read", self._pulls),
            ("GET", "/pulls/(?P<number>[0-9]+)", "pull_requests:read", self._pull),
            ("GET", "/issues/(?P<number>[0-9]+)/comments", "pull_requests:read", self._comments),
            ("GET", "/hooks", "webhooks:read", self._hooks),
            ("POST", "/hooks", "webhooks:write", self._add_hook),
            ("GET", hook, "webhooks:read", lambda r: (200, told(_hook(r)))),
            ("DELETE", hook, "webhooks:write", self._remove_hook),
            ("GET", f"{hook}/deliveries", "webhooks:read", self._deliveries),
            ("GET", delivery, "webhooks:read", self._delivery),
            ("POST", f"{delivery}/attempts", "webhooks:write", self._attempt),
        ]  # fmt: skip

    def answer(self, call: Call) -> tuple[int, Any, Headers]:
        """Status, body and headers."""
        rate: Headers = {}
        try:
            token = self._gate.enter(call.headers.get("authorization", ""))
            if call.path == "/rate_limit":
                rate = self._gate.rate(token)
                return 200, {"resources": {"core": _core(rate)}, "rate": _core(rate)}, rate
            rate = self._gate.count(token, creates=call.method in ("POST", "PATCH", "PUT"))
            if failure := self._gate.failure(call.method, call.path):
                raise RefusedError(failure.status, "Server Error", failure.headers)
            status, answer, more = self._routed(token, call)
        except RefusedError as error:
            status, answer, more = error.status, _message(str(error)), error.headers
        return status, answer, {**rate, **more}

    def _routed(self, token: str, call: Call) -> tuple[int, Any, Headers]:
        name, rest = call.place()
        for route in self._routes:
            found = route.path.match(rest)
            if name and found and route.method == call.method:
                self._gate.demand(token, route.scope)
                groups = {k: unquote(v) for k, v in found.groupdict().items()}
                return self._perform(route, call, name, groups)
        return 404, _message("Not Found"), {}

    def _perform(
        self, route: Route, call: Call, name: str, groups: Mapping[str, str]
    ) -> tuple[int, Any, Headers]:
        try:
            parsed = json.loads(call.body) if call.body else {}
            known, git = self._model.repository(name), Git(self._layout, name)
            request = Request(known, git, groups, call.query, parsed, call.url)
            status, answer = route.perform(request)
        except json.JSONDecodeError:
            return 400, _message("Problems parsing JSON"), {}
        except (RepositoryError, HubError):
            return 404, _message("Not Found"), {}
        return status, answer, request.headers

    def _repository(self, request: Request) -> Answer:
        return 200, payloads.repository(request.known, request.git)

    def _branches(self, request: Request) -> Answer:
        heads = [r for r in request.git.refs() if r.startswith("refs/heads/")]
        names = [ref.removeprefix("refs/heads/") for ref in heads]
        return 200, [_branch(request, name, brief=True) for name in request.page(names)]

    def _branch(self, request: Request) -> Answer:
        name = request.groups["ref"]
        if request.git.commit_of(f"refs/heads/{name}") is None:
            return 404, _message("Branch not found")
        return 200, _branch(request, name, brief=False)

    def _commit(self, request: Request) -> Answer:
        sha = request.git.commit_of(request.groups["ref"])
        if sha is None:
            return 422, _message(f"No commit found for SHA: {request.groups['ref']}")
        return 200, payloads.commit(request.known.name, request.git, sha)

    def _set_status(self, request: Request) -> Answer:
        sha, known = request.groups["ref"], request.known
        if not _SHA.match(sha) or request.git.commit_of(sha) != sha:
            return 422, _message(f"No commit found for SHA: {sha}")
        given = request.body if isinstance(request.body, dict) else {}
        if problem := _status_problem(given):
            return 422, {**_message("Validation Failed"), "errors": [problem]}
        context = str(given.get("context") or "default")
        with self._model.lock:
            if _same(known, sha, context) >= STATUSES_KEPT:
                text = "This SHA and context has reached the maximum number of statuses."
                return 422, {**_message("Validation Failed"), "errors": [text]}
            made = self._kept(known, sha, {**given, "context": context})
        return 201, _status(made)

    def _kept(self, known: Repository, sha: str, given: Mapping[str, Any]) -> dict[str, Any]:
        told_texts = {k: str(given.get(k) or "") for k in ("state", "context", "description",
                                                          "target_url")}  # fmt: skip
        self._model.statuses.append({"repository": known.name, "sha": sha, **told_texts})
        made = {"id": self._model.number(), "sha": sha, "created_at": now(), **told_texts}
        known.statuses.append(made)
        return made

    def _statuses(self, request: Request) -> Answer:
        found = self._of(request)
        return 200, [_status(status) for status in request.page(found)]

    def _status(self, request: Request) -> Answer:
        newest: dict[str, dict[str, Any]] = {}
        for status in self._of(request):
            newest.setdefault(status["context"].lower(), status)
        states = {status["state"] for status in newest.values()}
        worst = "failure" if states & {"error", "failure"} else None
        pending = "pending" if "pending" in states or not states else "success"
        shown = [_status(status) for status in request.page(list(newest.values()))]
        return 200, {
            "state": worst or pending,
            "sha": self._sha(request),
            "total_count": len(newest),
            "statuses": shown,
            "repository": payloads.repository(request.known, request.git),
        }

    def _of(self, request: Request) -> list[dict[str, Any]]:
        """Statuses of a commit, newest first."""
        sha = self._sha(request)
        return [s for s in reversed(request.known.statuses) if s["sha"] == sha]

    def _sha(self, request: Request) -> str:
        sha = request.git.commit_of(request.groups["ref"])
        if sha is None:
            raise HubError("no such commit")
        return sha

    def _pulls(self, request: Request) -> Answer:
        query = request.query
        state, base, head = query.get("state", "open"), query.get("base"), query.get("head")
        found = [
            pull
            for pull in request.known.pulls.values()
            if state in ("all", pull.state)
            and base in (None, pull.base_ref)
            and head in (None, f"{pull.head_repository.partition('/')[0]}:{pull.head_ref}")
        ]
        newest_first = query.get("direction", "desc") == "desc"
        found.sort(key=lambda pull: pull.number, reverse=newest_first)
        return 200, [self._pull_of(request, pull) for pull in request.page(found)]

    def _pull(self, request: Request) -> Answer:
        pull = request.known.pulls.get(int(request.groups["number"]))
        return (404, _message("Not Found")) if pull is None else (200, self._pull_of(request, pull))

    def _pull_of(self, request: Request, pull: Pull) -> dict[str, Any]:
        return self._people.pull_of(request.known, request.git, pull)

    def _comments(self, request: Request) -> Answer:
        number = int(request.groups["number"])
        if number not in request.known.pulls:
            return 404, _message("Not Found")
        found = [c for c in request.known.comments.values() if c.number == number]
        return 200, [payloads.comment(request.known, c) for c in request.page(found)]

    def _hooks(self, request: Request) -> Answer:
        return 200, [told(hook) for hook in request.page(list(request.known.hooks.values()))]

    def _add_hook(self, request: Request) -> Answer:
        config = request.body.get("config") or {}
        url = str(config.get("url", ""))
        if not url.startswith(("http://", "https://")):
            return 422, {**_message("Validation Failed"), "errors": ["url is not valid"]}
        made = self._people.webhook(
            request.known.name, url, str(config.get("secret", "")),
            request.body.get("events") or ("push",), str(config.get("content_type", "form")),
        )  # fmt: skip
        return 201, made["hook"]

    def _remove_hook(self, request: Request) -> Answer:
        del request.known.hooks[_hook(request).id]
        return 204, None

    def _deliveries(self, request: Request) -> Answer:
        """Newest first; pages hang on a cursor, not on a number."""
        hook = _hook(request)
        size = min(100, max(1, _number(request.query.get("per_page"), 30)))
        before = _number(request.query.get("cursor"), 0)
        found = [d for d in reversed(hook.deliveries) if not before or d.id < before]
        if len(found) > size:
            query = urlencode({**request.query, "cursor": found[size - 1].id})
            request.headers["link"] = f'<{request.url}?{query}>; rel="next"'
        return 200, [line(d) for d in found[:size]]

    def _delivery(self, request: Request) -> Answer:
        wanted = int(request.groups["delivery"])
        found = [d for d in _hook(request).deliveries if d.id == wanted]
        return (200, line(found[0], whole=True)) if found else (404, _message("Not Found"))

    def _attempt(self, request: Request) -> Answer:
        wanted = int(request.groups["delivery"])
        if not any(d.id == wanted for d in _hook(request).deliveries):
            return 404, _message("Not Found")
        arguments = (request.known.name, wanted)
        threading.Thread(target=self._people.redeliver, args=arguments, daemon=True).start()
        return 202, {}


def _same(known: Repository, sha: str, context: str) -> int:
    found = (s for s in known.statuses if s["sha"] == sha)
    return sum(s["context"].lower() == context.lower() for s in found)


def _hook(request: Request) -> Hook:
    hook = request.known.hooks.get(int(request.groups["hook"]))
    if hook is None:
        raise HubError("no such hook")
    return hook


def _branch(request: Request, name: str, *, brief: bool) -> dict[str, Any]:
    sha = request.git.commit_of(f"refs/heads/{name}") or ""
    full = payloads.commit(request.known.name, request.git, sha)
    commit = {"sha": sha, "url": full["url"]} if brief else full
    return {"name": name, "commit": commit, "protected": False}


def _status_problem(given: Mapping[str, Any]) -> Any:
    if given.get("state") not in STATES:
        return {"resource": "Status", "field": "state", "code": "invalid"}
    if len(str(given.get("description") or "")) > 140:
        return "description is too long (maximum is 140 characters)"
    for name in ("description", "context"):
        if any(ord(character) > 0xFFFF for character in str(given.get(name) or "")):
            return f"{name} doesn't accept 4-byte Unicode"
    if len(str(given.get("context") or "")) > 255:
        return "context is too long (maximum is 255 characters)"
    target = str(given.get("target_url") or "")
    if target and not target.startswith(("http://", "https://")):
        return "Target url must use http(s) scheme"
    return None


def _status(status: Mapping[str, Any]) -> dict[str, Any]:
    optional = {key: status[key] or None for key in ("description", "target_url")}
    shown = {key: status[key] for key in ("id", "state", "context", "created_at")}
    return {**shown, **optional, "updated_at": status["created_at"]}


def _core(rate: Mapping[str, str]) -> dict[str, int]:
    return {
        name: int(rate[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "used", "reset")
    }


def _message(text: str) -> dict[str, Any]:
    return {"message": text, "documentation_url": "https://docs.github.com/rest"}


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
