"""What every command shares: its options, its answer as text or JSON, its exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snapshot_tool.cli.boundary import printable
from snapshot_tool.cli.shell import Shell

if TYPE_CHECKING:
    from rich.console import RenderableType

    from snapshot_tool.model.canonical import Json

DONE, FAILED, BAD_INPUT, BUSY, UNVERIFIED, DIFFERENT = 0, 1, 2, 3, 4, 5
EXITS = {
    DONE: "done, or nothing to do",
    FAILED: "started and failed",
    BAD_INPUT: "bad input",
    BUSY: "busy or conflicting",
    UNVERIFIED: "does not verify",
    DIFFERENT: "differences found, where asked",
}
NOT_ALL_HOLD = "not every proof holds, or started and failed"
"""What 1 means where a run of proofs is followed."""
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""How help looks and is asked for."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command found out: one JSON document, and the same for people.

    `text` is called only if people are to read it, so that rich is imported only then.
    """

    document: Json
    text: Callable[[], Iterable[RenderableType]]
    exit_code: int = DONE


def verb(
    name: str,
    *,
    example: str,
    exits: Iterable[int] = (DONE, FAILED, BAD_INPUT),
    failed: str = "",
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function `(shell, **arguments) -> Answer`.

    `example` is a whole command line; `exits` are the codes that the command may end with, and
    `failed` says what 1 means if it can mean more than elsewhere.
    """
    meanings = {code: EXITS[code] for code in exits}
    if failed:
        meanings[FAILED] = failed

    def make(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def run(as_json: bool, config: Path | None, quiet: bool, **arguments: Any) -> int:
            world = click.get_current_context().obj
            shell = Shell(world=world, as_json=as_json, quiet=quiet, stated=config)
            return show(shell, function(shell, **arguments))

        command = click.command(name, epilog=epilog(example, meanings), context_settings=SETTINGS)(
            run
        )
        command.params.extend(shared_options())
        return command

    return make


def show(shell: Shell, answer: Answer) -> int:
    """Print an answer as the caller wants it, and return its exit code."""
    if shell.as_json:
        import json

        click.echo(json.dumps(answer.document, indent=2, sort_keys=False))
    else:
        _print(list(answer.text()))
    return answer.exit_code


def _print(parts: Sequence[RenderableType]) -> None:
    if all(isinstance(part, str) for part in parts):
        for part in parts:
            click.echo(printable(str(part)))
        return
    from snapshot_tool.cli.render import print_all

    print_all(parts)


def epilog(example: str, exits: Mapping[int, str]) -> str:
    """Return the foot of a help page: an example and the exit codes."""
    codes = "\n".join(f"  {code}  {meaning}" for code, meaning in exits.items())
    return f"\b\nExample:\n  {example}\n\n\b\nExit codes:\n{codes}"


def shared_options() -> list[click.Parameter]:
    """Return the options that every command has, in the order of its help."""
    return [
        click.Option(
            ["--json", "as_json"], is_flag=True, help="Print one JSON document on stdout."
        ),
        click.Option(
            ["--config"],
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="The padstone.toml to use; else $PADSTONE_CONFIG, ./padstone.toml or "
            "~/.config/padstone/padstone.toml.",
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help="Show no progress."),
    ]
