"""padstone local demo."""

from __future__ import annotations

from importlib import import_module

from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.errors import NotFoundError


@verb("demo", example="padstone local demo")
def command(shell: Shell) -> Answer:
    """Play a snapshot's whole life on a local cloud of its own."""
    try:
        story = import_module("demo.story")
    except ModuleNotFoundError as error:
        raise NotFoundError(
            "the demo is part of the checkout, not of the installed package",
            where="demo",
            fix="run it inside the checkout: make demo",
        ) from error
    code = int(story.main([]) or 0)
    return Answer(document={"exit_code": code}, text=list, exit_code=code)
