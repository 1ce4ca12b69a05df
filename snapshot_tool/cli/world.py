"""What surrounds a run of the command line: a value, so that tests bring their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snapshot_tool.cli.work import Tell, Work
    from snapshot_tool.model.config import Config


def _orchestrate(config: Config, tell: Tell) -> Work:
    from snapshot_tool.cli.wiring import orchestrator

    return orchestrator(config, tell)


def _enter(variables: Mapping[str, str]) -> None:
    """Be one of a local cloud: this process prints an answer and ends, so nobody else notices."""
    from snapshot_tool.cli.local import IN_THE_WAY

    for name in IN_THE_WAY:
        os.environ.pop(name, None)
    os.environ.update(variables)


@dataclass(frozen=True, kw_only=True)
class World:
    """The environment variables, the folders, the time, and who does the work.

    `enter` makes variables those of this process, for a local cloud that it just found.
    """

    environ: Mapping[str, str]
    folder: Path
    home: Path
    monotonic: Callable[[], float] = time.monotonic
    orchestrate: Callable[[Config, Tell], Work] = _orchestrate
    enter: Callable[[Mapping[str, str]], None] = _enter

    @classmethod
    def real(cls) -> World:
        """Return the one that this process lives in."""
        return cls(environ=os.environ, folder=Path.cwd(), home=Path.home())
