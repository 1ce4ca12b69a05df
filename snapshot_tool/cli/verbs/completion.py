"""padstone completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import BAD_INPUT, DONE, Answer, verb


@verb("completion", example='eval "$(padstone completion bash)"', exits=(DONE, BAD_INPUT))
@click.argument("shell_name", metavar="SHELL", type=click.Choice(["bash", "fish", "zsh"]))
def command(shell: Shell, shell_name: str) -> Answer:
    """Print the script that completes in SHELL.

    It completes commands, options, the names of accounts, stages and tools.
    """
    program = click.get_current_context().find_root().command
    maker = get_completion_class(shell_name)
    script = maker(program, {}, "padstone", "_PADSTONE_COMPLETE").source() if maker else ""
    return Answer(document={"script": script}, text=lambda: [script])
