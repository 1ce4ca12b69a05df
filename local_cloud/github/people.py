"""What people do at GitHub: they push, open pull requests, comment. Webhooks are told."""

from collections.abc import Callable, Iterable
from typing import Any

from local_cloud.directory import Layout
from local_cloud.github import payloads
from local_cloud.github.deliveries import Deliveries, Loss, line, told
from local_cloud.github.git import NOTHING, Git, Move
from local_cloud.github.model import (
    PERMISSIONS,
    Comment,
    Delivery,
    Hook,
    HubError,
    Model,
    Pull,
    Repository,
    now,
)
from local_cloud.repositories import RepositoryError

Json = dict[str, Any]


class People:
    """The deeds, by name. Each returns when the webhooks have answered."""

    def __init__(self, layout: Layout, model: Model, deliveries: Deliveries) -> None:
        self._layout = layout
        self._model = model
        self._deliveries = deliveries

    def deeds(self) -> dict[str, Callable[..., Json]]:
        """Everything that can be done."""
        return {
            name: getattr(self, name)
            for name in ("webhook", "push", "tag", "delete_ref", "fork", "open_pull", "change_pull",
                         "comment", "edit_comment", "collaborator", "visibility", "deliveries",
                         "redeliver", "lose", "pull")
        }  # fmt: skip

    def webhook(
        self,
        repository: str,
        url: str,
        secret: str = "",
        events: Iterable[str] = ("push",),
        content_type: str = "json",
    ) -> Json:
        """Registers a webhook, which is told so by a ping."""
        known, git = self._open(repository)
        hook = Hook(self._model.number(), url, secret, tuple(events), content_type, True, now())
        with self._model.lock:
            known.refs = {**git.refs(), **known.refs}
            known.hooks[hook.id] = hook
        return {"hook": told(hook), "deliveries": _lines([self._deliveries.ping(known, hook)])}

    def push(
        self,
        repository: str,
        branch: str = "main",
        *,
        files: dict[str, str] | None = None,
        sha: str | None = None,
        message: str = "Change",
        user: str = "developer",
        force: bool = False,
    ) -> Json:
        """Moves a branch to a new commit of files, to a commit, or tells where it now is."""
        known, git = self._open(repository)
        ref = f"refs/heads/{branch}"
        tip = git.commit_of(ref)
        before = known.refs.get(ref) or (tip if files is not None or sha else None) or NOTHING
        after = sha or tip
        if files is not None:
            base = tip or git.commit_of("HEAD")
            if base is None:
                raise HubError(f"{repository} has no commit to start from")
            after = git.commit(base, files, message, user, amend=force)
        if after is None:
            raise HubError(f"{repository} has no branch {branch}")
        if sha and tip and not force and not git.contains(sha, tip):
            raise HubError(f"{branch} -> {branch} (non-fast-forward)")
        if after != tip:
            git.set_ref(ref, after)
        moved = self._moved(known, git, Move(ref, before, after, user))
        return {"sha": after, "deliveries": _lines(moved)}

    def tag(self, repository: str, tag: str, sha: str = "", user: str = "developer") -> Json:
        """Pushes a tag."""
        known, git = self._open(repository)
        commit = git.commit_of(sha or "HEAD")
        if commit is None:
            raise HubError(f"{repository} has no commit {sha}")
        ref = f"refs/tags/{tag}"
        before = git.commit_of(ref) or NOTHING
        git.set_ref(ref, commit)
        moved = self._moved(known, git, Move(ref, before, commit, user))
        return {"sha": commit, "deliveries": _lines(moved)}

    def delete_ref(self, repository: str, ref: str, user: str = "developer") -> Json:
        """Deletes a branch or a tag; pull requests from a deleted branch are closed."""
        known, git = self._open(repository)
        before = git.commit_of(ref)
        if before is None:
            raise HubError(f"{repository} has no {ref}")
        git.drop_ref(ref)
        return {"deliveries": _lines(self._moved(known, git, Move(ref, before, NOTHING, user)))}

    def fork(self, repository: str, fork: str) -> Json:
        """Makes a fork: a repository of its own."""
        _, git = self._open(repository)
        target = self._layout.repositories / fork
        if target.exists():
            raise HubError(f"{fork} exists")
        git.clone_to(target)
        self._model.repository(fork).parent = repository
        return {"repository": fork}

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
    ) -> Json:
        """Opens a pull request for a branch of `head`, the repository itself or a fork."""
        known, git = self._open(repository)
        source = head or repository
        tip = self._open(source)[1].commit_of(f"refs/heads/{branch}")
        onto = git.commit_of(f"refs/heads/{base}")
        if tip is None or onto is None or tip == onto:
            raise HubError(f"nothing to merge from {source}:{branch} into {base}")
        with self._model.lock:
            number = len(known.pulls) + 1
            made = known.pulls[number] = Pull(
                number, user, title, "", source, branch, tip, base, onto, draft,
                association or known.association(user), now(), now(),
            )  # fmt: skip
        self._keep_head(git, made)
        return self._told(known, git, made, "opened", user)

    def change_pull(self, repository: str, number: int, action: str, user: str = "") -> Json:
        """closed, reopened, ready_for_review or converted_to_draft."""
        known, git = self._open(repository)
        pull = self._pull(known, number)
        states = {"closed": ("open", "closed"), "reopened": ("closed", "open")}
        drafts = {"ready_for_review": (True, False), "converted_to_draft": (False, True)}
        with self._model.lock:
            if action in states and pull.state == states[action][0]:
                pull.state = states[action][1]
                pull.closed_at = now() if pull.state == "closed" else None
            elif action in drafts and pull.draft is drafts[action][0]:
                pull.draft = drafts[action][1]
            else:
                raise HubError(f"pull request {number} cannot be {action}")
        return self._told(known, git, pull, action, user or pull.user)

    def comment(
        self, repository: str, number: int, body: str, user: str = "developer",
        association: str = "",
    ) -> Json:  # fmt: skip
        """Comments on a pull request."""
        known, git = self._open(repository)
        self._pull(known, number)
        made = Comment(
            self._model.number(), number, user, body,
            association or known.association(user), now(), now(),
        )  # fmt: skip
        known.comments[made.id] = made
        return self._commented(known, git, made, user, {"action": "created"})

    def edit_comment(self, repository: str, comment: int, body: str, user: str = "") -> Json:
        """Changes a comment."""
        known, git = self._open(repository)
        kept = known.comments.get(comment)
        if kept is None:
            raise HubError(f"no comment {comment}")
        event = {"action": "edited", "changes": {"body": {"from": kept.body}}}
        kept.body, kept.updated_at = body, now()
        return self._commented(known, git, kept, user or kept.user, event)

    def collaborator(self, repository: str, login: str, permission: str) -> Json:
        """Gives somebody a role in a repository; `none` takes it."""
        if permission not in PERMISSIONS:
            raise HubError(f"no role is called {permission}")
        known = self._open(repository)[0]
        known.collaborators.pop(login.lower(), None)
        if permission != "none":
            known.collaborators[login.lower()] = permission
        return {}

    def visibility(self, repository: str, private: bool) -> Json:
        """Makes a repository private, or public."""
        self._open(repository)[0].private = private
        return {}

    def deliveries(self, repository: str) -> Json:
        """All deliveries of all hooks of a repository, oldest first, with their payloads."""
        known = self._open(repository)[0]
        found = [(hook.id, d) for hook in known.hooks.values() for d in hook.deliveries]
        found.sort(key=lambda pair: pair[1].id)
        return {"deliveries": [{"hook_id": h, **line(d, whole=True)} for h, d in found]}

    def redeliver(self, repository: str, delivery: int) -> Json:
        """Sends a delivery once more, under the same GUID."""
        known = self._open(repository)[0]
        for hook in known.hooks.values():
            if any(d.id == delivery for d in hook.deliveries):
                return {"deliveries": _lines([self._deliveries.again(known, hook, delivery)])}
        raise HubError(f"no delivery {delivery}")

    def lose(self, event: str = "*", times: int = 1) -> Json:
        """Loses the next deliveries of an event; GitHub does not send them again by itself."""
        with self._model.lock:
            self._deliveries.losses.append(Loss(event, times))
        return {}

    def pull(self, repository: str, number: int) -> Json:
        """A pull request as the REST API tells it."""
        known, git = self._open(repository)
        return self.pull_of(known, git, self._pull(known, number))

    def pull_of(self, known: Repository, git: Git, pull: Pull) -> Json:
        """The same, of one that was found already."""
        try:
            head = self._open(pull.head_repository)
        except RepositoryError:
            head = None
        return payloads.pull(known, git, head, pull)

    def _open(self, name: str) -> tuple[Repository, Git]:
        git = Git(self._layout, name)
        return self._model.repository(name), git

    def _pull(self, known: Repository, number: int) -> Pull:
        if number not in known.pulls:
            raise HubError(f"{known.name} has no pull request {number}")
        return known.pulls[number]

    def _moved(self, known: Repository, git: Git, move: Move) -> list[Delivery]:
        if move.before == move.after:
            return []
        with self._model.lock:
            known.refs[move.ref] = move.after
            if move.after == NOTHING:
                del known.refs[move.ref]
        sent = self._deliveries.announce(known, "push", payloads.pushed(known, git, move))
        branch = move.ref.removeprefix("refs/heads/")
        if branch != move.ref:
            sent += self._followed(known.name, branch, move.after, move.user)
        return sent

    def _followed(self, source: str, branch: str, after: str, user: str) -> list[Delivery]:
        """Pull requests follow their branch."""
        found: list[Delivery] = []
        for base in list(self._model.repositories.values()):
            for pull in list(base.pulls.values()):
                ours = (pull.head_repository, pull.head_ref, pull.state)
                if ours == (source, branch, "open") and pull.head_sha != after:
                    found += self._follow(base, pull, after, user)
        return found

    def _follow(self, base: Repository, pull: Pull, after: str, user: str) -> list[Delivery]:
        git = Git(self._layout, base.name)
        if after == NOTHING:
            pull.state, pull.closed_at = "closed", now()
            return self._announce(base, git, pull, "closed", user)
        before, pull.head_sha, pull.updated_at = pull.head_sha, after, now()
        self._keep_head(git, pull)
        return self._announce(base, git, pull, "synchronize", user, before=before, after=after)

    def _keep_head(self, git: Git, pull: Pull) -> None:
        ref = f"refs/pull/{pull.number}/head"
        source = Git(self._layout, pull.head_repository)
        if source.path == git.path:
            git.run("update-ref", ref, pull.head_sha)
        else:
            git.fetch(source, pull.head_sha, ref)

    def _told(self, known: Repository, git: Git, pull: Pull, action: str, user: str) -> Json:
        sent = self._announce(known, git, pull, action, user)
        return {"number": pull.number, "sha": pull.head_sha, "deliveries": _lines(sent)}

    def _announce(
        self, known: Repository, git: Git, pull: Pull, action: str, user: str, **more: str
    ) -> list[Delivery]:
        payload = {
            "action": action,
            "number": pull.number,
            "pull_request": self.pull_of(known, git, pull),
            "repository": payloads.repository(known, git),
            "sender": payloads.person(user),
            **more,
        }
        return self._deliveries.announce(known, "pull_request", payload)

    def _commented(
        self, known: Repository, git: Git, made: Comment, user: str, event: Json
    ) -> Json:
        payload = {
            "issue": payloads.issue(known, self._pull(known, made.number)),
            "comment": payloads.comment(known, made),
            "repository": payloads.repository(known, git),
            "sender": payloads.person(user),
            **event,
        }
        sent = self._deliveries.announce(known, "issue_comment", payload)
        return {"comment": made.id, "deliveries": _lines(sent)}


def _lines(deliveries: list[Delivery]) -> list[Json]:
    return [line(delivery) for delivery in deliveries]
