"""Secrets Manager in memory: names and ARNs."""

from __future__ import annotations

from collections.abc import Iterable


class FakeSecrets:
    """`Secrets` in memory; `refusal` is raised by every call if it is set."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = set(names)
        self.asked: list[str] = []
        self.refusal: Exception | None = None

    def arn(self, name: str) -> str | None:
        self.asked.append(name)
        if self.refusal is not None:
            raise self.refusal
        return fake_arn(name) if name in self.names else None


def fake_arn(name: str) -> str:
    """The ARN under which the fake knows a secret."""
    return f"arn:aws:secretsmanager:us-west-2:111111111111:secret:{name}-AbCdEf"
