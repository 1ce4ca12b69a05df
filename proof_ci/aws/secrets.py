"""Secrets Manager: the port `Secrets`."""

import time
from collections.abc import Callable

from .clients import client, translated

SECRET_LIFE = 60.0


class SecretsManager:
    """Secrets, each kept for a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}

    def value(self, arn: str) -> str:
        """The current value, at most a minute old."""
        until, value = self._kept.get(arn, (0.0, ""))
        if self._clock() >= until:
            with translated():
                value = str(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
            self._kept[arn] = (self._clock() + SECRET_LIFE, value)
        return value
