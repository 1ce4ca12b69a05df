"""What a command works with: its configuration, its orchestrator, its progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from snapshot_tool.cli.world import World

if TYPE_CHECKING:
    from snapshot_tool.cli.work import Work
    from snapshot_tool.model.config import Config


@dataclass(frozen=True)
class Shell:
    """One run of one command. `stated` is the configuration file named on the command line."""

    world: World
    as_json: bool = False
    quiet: bool = False
    stated: Path | None = None

    @cached_property
    def config(self) -> Config:
        """The configuration; BadInputError if there is none or it is wrong."""
        from snapshot_tool.cli.config_file import read_config

        return read_config(self.world, self.stated)

    @contextmanager
    def work(self, config: Config | None = None) -> Iterator[Work]:
        """Give the orchestrator, its progress shown on stderr for as long as the block lasts."""
        from snapshot_tool.cli.progress import display

        with display(self.world.monotonic, quiet=self.quiet) as tell:
            yield self.world.orchestrate(config or self.config, tell)
