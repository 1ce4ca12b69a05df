"""GitHub's signature of a delivery: HMAC-SHA256 over the raw bytes of the body. Pure."""

import hashlib
import hmac
import json
import re

MINIMUM_SECRET = 16
MAXIMUM_SECRETS = 2
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")


class SecretError(Exception):
    """The stored webhook secret cannot be used; nothing may be accepted with it."""


def secrets_in(stored: str) -> tuple[str, ...]:
    """The secrets in a stored value: one string, or a JSON list of one or two during a rotation."""
    secrets = _listed(stored) or (stored,)
    if len(secrets) > MAXIMUM_SECRETS:
        raise SecretError(f"the webhook secret lists more than {MAXIMUM_SECRETS} secrets")
    if any(len(secret) < MINIMUM_SECRET for secret in secrets):
        raise SecretError(f"a webhook secret is shorter than {MINIMUM_SECRET} characters")
    return secrets


def sign(secret: str, body: bytes) -> str:
    """The value of the header X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, signature: str | None, secrets: tuple[str, ...]) -> bool:
    """Whether one of the secrets signed the body, in the same time for right and wrong."""
    if signature is None or not _SIGNATURE.fullmatch(signature):
        return False
    matches = [hmac.compare_digest(sign(secret, body), signature) for secret in secrets]
    return any(matches)


def _listed(stored: str) -> tuple[str, ...] | None:
    try:
        value = json.loads(stored)
    except ValueError:
        return None
    if not isinstance(value, list):
        return None
    if not value or not all(isinstance(item, str) for item in value):
        raise SecretError("the webhook secret is a JSON list, but not of strings")
    return tuple(value)
