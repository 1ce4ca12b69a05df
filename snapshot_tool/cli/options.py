"""Arguments and options that several verbs take, with their checks and completions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from snapshot_tool.errors import PadstoneError
from snapshot_tool.model.names import AccountId, SnapshotId, StageName, ToolName

STAGES = ("proof", "tools")
TOOLS = ("batch", "cbmc", "lambda", "viewer")
F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class Named(click.ParamType[Any]):
    """Text that one of the checked classes of model.names takes; `words` complete it."""

    def __init__(self, kind: Callable[[str], Any], name: str, words: Iterable[str] = ()) -> None:
        self.name = name
        self._kind = kind
        self._words = tuple(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a value."""
        try:
            return self._kind(value)
        except PadstoneError as error:
            self.fail(error.what, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the words that begin so."""
        return [CompletionItem(word) for word in self._words if word.startswith(incomplete)]


class Account(click.ParamType[str]):
    """An account's name in padstone.toml."""

    name = "account"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the names of padstone.toml; none if it cannot be read."""
        from snapshot_tool.cli.config_file import read_config

        try:
            names = read_config(ctx.find_root().obj, ctx.params.get("config")).names
        except PadstoneError:
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Duration(click.ParamType[float]):
    """A time such as 90s, 30m or 1h; a bare number is seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if not match or not float(match[1]):
            self.fail(f"{value!r} is not a time like 90s, 30m or 1h", param, ctx)
        return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def settings(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Turn several KEY=VALUE into a mapping; all that are none or stated twice are refused."""
    parts = [text.partition("=") for text in given]
    wrong = [f"{''.join(part)!r} is not KEY=VALUE" for part in parts if not (part[0] and part[1])]
    stated = Counter(key for key, equals, _ in parts if key and equals)
    wrong += [f"{key} is stated twice" for key, times in stated.items() if times > 1]
    if wrong:
        raise click.BadParameter("; ".join(wrong), ctx, param)
    return {key: value for key, _, value in parts}


def refuse_together(**flags: object) -> None:
    """Refuse two or more flags that make no sense together; names in Python's spelling."""
    stated = [f"--{name.replace('_', '-')}" for name, value in flags.items() if value]
    if len(stated) > 1:
        raise click.UsageError(f"{' and '.join(stated)} make no sense together")


def several(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Make one decorator of several, the first shown first in the help."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


snapshot_argument = click.argument("snapshot", metavar="ID", type=Named(SnapshotId, "id"))
stage_argument = click.argument("stage", metavar="STAGE", type=Named(StageName, "stage", STAGES))
stage_option = click.option(
    "--stage", type=Named(StageName, "stage", STAGES), help="Only this stage's (tools, proof)."
)
account_argument = click.argument("account", type=Account())
tool_type = Named(ToolName, "tool", TOOLS)
account_id_option = click.option(
    "--account-id",
    type=Named(AccountId, "account-id"),
    help="Its 12 digits; else those of the profile's credentials.",
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many."
)
snapshot_option = click.option(
    "--snapshot", metavar="ID", type=Named(SnapshotId, "id"), help="The snapshot to deploy."
)
app_option = click.option(
    "--app",
    "app_dir",
    type=FOLDER,
    metavar="DIR",
    help="The folder with the cdk.json of the local CDK app; else the current one.",
)
overrides_option = click.option(
    "--package-overrides",
    "overrides_file",
    metavar="FILE",
    type=FILE,
    help='Packages in place of the newest builds, as JSON: {"cbmc": "cbmc-...tar.gz"}.',
)
reason_option = click.option("--reason", default="", help="Why; it is kept with the record.")
explain_option = click.option(
    "--explain", is_flag=True, help="List every parameter with its value and where it comes from."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
exit_code_option = click.option(
    "--exit-code", is_flag=True, help="Exit with 5 if there are differences."
)
deadline_option = click.option(
    "--deadline",
    metavar="TIME",
    type=Duration(),
    help="Longest time to wait for builds, such as 90s, 30m or 1h.",
)
parameters_options = several(
    click.option(
        "--parameters",
        "parameters_file",
        metavar="FILE",
        type=FILE,
        help="The project's parameters (JSON object); else the account's in padstone.toml.",
    ),
    click.option(
        "--set",
        "settings",
        metavar="KEY=VALUE",
        multiple=True,
        callback=settings,
        help="One parameter, before all other sources; may be repeated.",
    ),
)
