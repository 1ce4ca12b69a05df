"""The scheduled function that does what GitHub does: posts a signed push of the branch's head.

It goes through the front door, so whatever is broken between the webhook and a proof shows as
missing proofs. It raises when the webhook does not take the event, and the function's alarm tells.

The commit was proved before, and most likely nothing has changed since. The event therefore says
that it is a canary's, with a field that no payload of GitHub's has: its run takes nothing from the
cache, for a canary that proves nothing shows nothing, and it leaves a run of the same commit alone.
"""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from proof_ci import aws
from proof_ci.config import Name, Settings, safe_url
from proof_ci.github import connector, post
from proof_ci.log import Log
from proof_ci.model.events import CANARY, Push
from proof_ci.model.signature import secrets_in, sign
from proof_ci.ports import GitHub, Poster, Secrets
from proof_ci.trace import traced

ACCEPTED = 202


class CanaryError(Exception):
    """The webhook did not take a genuine event."""


@dataclass(frozen=True)
class Canary:
    """What the function needs. `connect` makes a GitHub from a token."""

    secrets: Secrets
    connect: Callable[[str], GitHub]
    post: Poster
    new_delivery: Callable[[], str]
    secret_arn: str
    token_arn: str
    webhook_url: str
    repository: str
    branch: str
    log: Log = field(default_factory=Log)

    def sing(self) -> str:
        """Post the event; its delivery id, which is the id of the run that it starts."""
        github = self.connect(self.secrets.value(self.token_arn))
        sha = github.head(self.repository, self.branch)
        if sha is None:
            raise CanaryError(f"GitHub has no branch {self.branch}")
        ref = f"refs/heads/{self.branch}"
        push = Push(self.new_delivery(), self.repository, ref, sha, canary=True)
        body = payload(push)
        secret = secrets_in(self.secrets.value(self.secret_arn))[0]
        with traced("canary", push.delivery):
            answer = self.post(self.webhook_url, body, headers(push, sign(secret, body)))
        if answer.status != ACCEPTED:
            raise CanaryError(f"the webhook answered {answer.status}, not {ACCEPTED}")
        self.log.info("posted", correlation_id=push.delivery, sha=sha)
        return push.delivery


def payload(push: Push) -> bytes:
    """The part of GitHub's push payload that the webhook reads."""
    fields = {
        "ref": push.ref,
        "after": push.sha,
        "deleted": False,
        CANARY: push.canary,
        "repository": {"full_name": push.repository},
    }
    return json.dumps(fields).encode()


def headers(push: Push, signature: str) -> dict[str, str]:
    """The headers of GitHub's delivery."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "padstone-canary",
        "X-GitHub-Event": push.KIND,
        "X-GitHub-Delivery": push.delivery,
        "X-Hub-Signature-256": signature,
    }


@cache
def _canary() -> Canary:
    settings = Settings(os.environ)
    return Canary(
        secrets=aws.SecretsManager(),
        connect=connector(settings.github_url()),
        post=post,
        new_delivery=lambda: str(uuid.uuid4()),
        secret_arn=settings[Name.WEBHOOK_SECRET_ARN],
        token_arn=settings[Name.GITHUB_TOKEN_SECRET_ARN],
        webhook_url=safe_url(settings[Name.WEBHOOK_URL]),
        repository=settings[Name.GITHUB_REPOSITORY],
        branch=settings[Name.GITHUB_BRANCH],
        log=Log().bind(function="canary", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Lambda's way in."""
    return {"run_id": _canary().sing()}
