"""The one place where errors become text and exit codes."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping

import click

from snapshot_tool.cli.signals import Signals, Terminated, Unfollowed
from snapshot_tool.errors import BadInputError, FailedError, PadstoneError

INTERRUPTED = 130
TERMINATED = 143
TRACEBACK = "PADSTONE_TRACEBACK"


def bounded(
    run: Callable[[], int],
    *,
    program: str,
    as_json: bool,
    environ: Mapping[str, str],
    signals: Signals,
) -> int:
    """Run a command and return its exit code; whatever it raises is told in a few lines.

    With `as_json`, stdout gets `{"error": {...}}` in place of the answer. A command that failed
    after a signal ends with the signal's exit code.
    """
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing was left undone.
        _hang_up()
        return 0
    except BaseException as error:
        if environ.get(TRACEBACK):
            import traceback

            traceback.print_exc()
        return _told(error, program, as_json, signals.code)
    return code


def _hang_up() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains of it at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # stdout is no file
        sys.stdout = io.StringIO()


def _told(error: BaseException, program: str, as_json: bool, stopped: int) -> int:
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    kind, told, code = _explain(error, program)
    return _tell(program, kind, told, as_json, stopped or code)


def _explain(error: BaseException, program: str) -> tuple[str, PadstoneError, int]:
    match error:
        case Unfollowed():
            return "interrupted", PadstoneError(error.what, fix=error.fix), INTERRUPTED
        case Terminated():
            return "terminated", _interrupted(error), TERMINATED
        case KeyboardInterrupt():
            return "interrupted", _interrupted(error), INTERRUPTED
        case click.ClickException():
            return "BadInputError", _usage(error, program), error.exit_code
        case PadstoneError():
            return type(error).__name__, error, error.exit_code
        case Exception():
            return "unexpected", _unexpected(error), FailedError.exit_code
    raise error


def _tell(program: str, kind: str, error: PadstoneError, as_json: bool, code: int) -> int:
    head = f"{program}: {error.where}: {error.what}" if error.where else f"{program}: {error.what}"
    lines = [head, *(f"  {line}" for line in error.fix.splitlines())]
    click.echo("\n".join(map(printable, lines)), err=True)
    if as_json:
        click.echo(json.dumps({"error": document(error, kind, code)}, indent=2))
    return code


def document(error: PadstoneError, kind: str, code: int) -> dict[str, str | int]:
    """Return an error as JSON: its class, where, what, the next step, the exit code."""
    return {
        "type": kind,
        "where": error.where,
        "what": error.what,
        "fix": error.fix,
        "exit_code": code,
    }


def printable(text: str) -> str:
    """Replace what a terminal would obey; text from an account or a file is shown, not run."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _usage(error: click.ClickException, program: str) -> PadstoneError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else program
    return BadInputError(
        error.format_message().rstrip("."),
        where=path.removeprefix(f"{program} ") if path != program else "",
        fix=f"{path} --help tells what it takes",
    )


def _interrupted(error: BaseException) -> PadstoneError:
    notes = "; ".join(getattr(error, "__notes__", ()))
    return PadstoneError(
        f"stopped on request{f'; {notes}' if notes else ''}",
        fix="no lock is left behind; the same command may be run again",
    )


def _unexpected(error: Exception) -> PadstoneError:
    return FailedError(
        f"this should not happen: {type(error).__name__}: {error}",
        fix=f"run it again with {TRACEBACK}=1 for the traceback, and report that",
    )
