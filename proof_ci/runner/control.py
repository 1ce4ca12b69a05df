"""The line between the runner and the job that started it: a socket, one line of JSON a message.

The runner says `{"identity": HEX}` and waits for `{"unchanged_since": RUN_ID or "", "refuted",
"reached"}`; it says `{"kept": true}` when `result.json` has the verdict. A job that is gone answers
nothing, and the proof is run.
"""

import json
import socket
from dataclasses import asdict
from typing import Any

from proof_ci.model.outcome import Count

from .proving import Earlier

_LONGEST = 2**16


class Control:
    """One end of the line."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines = end.makefile("rb")

    @classmethod
    def of(cls, descriptor: int) -> "Control":
        """The end that was inherited; nothing that is started from now on inherits it."""
        end = socket.socket(fileno=descriptor)
        end.set_inheritable(False)
        return cls(end)

    def say(self, message: dict[str, Any]) -> None:
        """Raises OSError if nobody listens."""
        self._end.sendall(json.dumps(message).encode() + b"\n")

    def hear(self) -> dict[str, Any] | None:
        """The next message; None at the end of the line. Raises OSError or ValueError."""
        line = self._lines.readline(_LONGEST)
        if not line:
            return None
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("no message")
        return message

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._end.close()

    def fileno(self) -> int:
        """For select."""
        return self._end.fileno()


def answer(earlier: Earlier | None) -> dict[str, Any]:
    """What the job answers to an identity."""
    if earlier is None:
        return {"unchanged_since": ""}
    return {
        "unchanged_since": earlier.run_id,
        "refuted": asdict(earlier.refuted) if earlier.refuted else None,
        "reached": asdict(earlier.reached) if earlier.reached else None,
    }


def ask(control: Control, identity: str) -> Earlier | None:
    """An earlier success of this identity, as the job knows it."""
    try:
        control.say({"identity": identity})
        told = control.hear()
        return _earlier(told) if told else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _earlier(told: dict[str, Any]) -> Earlier | None:
    if not told["unchanged_since"]:
        return None
    counts = [Count(**told[name]) if told[name] else None for name in ("refuted", "reached")]
    return Earlier(told["unchanged_since"], *counts)
