"""`padstone`: the tree of commands."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import click

from snapshot_tool.cli.boundary import bounded
from snapshot_tool.cli.lazy import LazyGroup
from snapshot_tool.cli.signals import Signals
from snapshot_tool.cli.verb import SETTINGS
from snapshot_tool.cli.world import World

_VERBS = "snapshot_tool.cli.verbs"
_OBJECTS = 200_000
"""Objects made until garbage is looked for. A short command makes fewer, nearly all of them by
loading; looking through those all the same takes a quarter of its time."""


def _group(name: str, help_text: str, verbs: Sequence[str]) -> LazyGroup:
    paths = {verb: f"{_VERBS}.{name}_{verb}" for verb in verbs}
    return LazyGroup(name, help=help_text, lazy=paths)


class _Root(LazyGroup):
    """The top: verbs of their own and groups of verbs."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a group, or import a verb."""
        return _GROUPS.get(cmd_name) or super().get_command(ctx, cmd_name)


_GROUPS = {
    "snapshot": _group(
        "snapshot",
        "Freeze a stage; list, compare, verify snapshots.",
        ["create", "list", "show", "diff", "verify"],
    ),
    "proof": _group(
        "proof",
        "Run proofs, replay, watch and cancel them.",
        ["run", "replay", "status", "logs", "report", "cancel"],
    ),
    "package": _group("package", "The tool packages that snapshots pin.", ["list", "build", "add"]),
    "account": _group(
        "account",
        "The proof accounts that may read the snapshots.",
        ["list", "add", "remove", "policy"],
    ),
    "local": _group(
        "local",
        "An embedded AWS on this machine, to try all of this.",
        ["up", "down", "env", "prove", "demo"],
    ),
}
_ORDER = (
    *("snapshot", "plan", "deploy", "rollback", "promote", "status", "history"),
    *("proof", "package", "account", "local", "completion"),
)

command = _Root(
    "padstone",
    lazy={name: f"{_VERBS}.{name}" for name in _ORDER},
    context_settings=SETTINGS,
    help="Freeze, deploy, roll back and promote the AWS accounts that run CBMC proofs in CI.",
    epilog="\b\nExit codes:\n  0 done or nothing to do   1 failed   2 bad input   3 busy or"
    " conflicting\n  4 does not verify   5 differences found, where asked   130 interrupted",
)
command = click.version_option(package_name="padstone", message="padstone %(version)s")(command)


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run one command line and return its exit code (0 to 5, see errors.py; 130 for Ctrl-C)."""
    return run(command, "padstone", arguments, world)


def run(
    program: click.Command, name: str, arguments: Sequence[str] | None, world: World | None
) -> int:
    """Run any of the commands inside the error boundary."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    surrounding = world or World.real()
    signals = Signals()
    if world is None:
        signals.listen()
        gc.set_threshold(_OBJECTS)
    code = bounded(
        lambda: _invoke(program, name, given, surrounding),
        program=name,
        as_json="--json" in given,
        environ=surrounding.environ,
        signals=signals,
    )
    if world is None:
        gc.freeze()  # the process ends: nothing of it is worth looking through once more
    return code


def _invoke(program: click.Command, name: str, arguments: list[str], world: World) -> int:
    """Do what click's own `main` does, but let every error and interruption through."""
    variable = f"_{name.upper()}_COMPLETE"
    if instruction := world.environ.get(variable):
        from click.shell_completion import shell_complete

        return shell_complete(program, {"obj": world}, name, variable, instruction)
    with program.make_context(name, arguments, obj=world) as context:
        return int(program.invoke(context) or 0)


if __name__ == "__main__":
    sys.exit(main())
