"""Help: every command has an example, its exit codes, and the shared options."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from snapshot_tool.cli.lazy import LazyGroup
from snapshot_tool.cli.main import command
from tests.cli.conftest import PROGRAMS, CommandLine


def leaves(group: LazyGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, LazyGroup):
            yield from leaves(found, (*path, name))
        else:
            yield (*path, name)


VERBS = list(leaves(command))


def test_all_verbs_are_there() -> None:
    """As many as there are files of them, and none forgotten by its group."""
    assert len(VERBS) == 30


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_help_has_example_exit_codes_and_shared_options(
    padstone: CommandLine, words: tuple[str, ...]
) -> None:
    """And the example is a command line of this very command."""
    result = padstone(*words, "--help")
    assert result.code == 0
    assert f"padstone {' '.join(words)}" in result.out.partition("Example:")[2]
    for part in ("Exit codes:", "0  done", "2  bad input", "--json", "--config", "--quiet"):
        assert part in result.out


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_the_first_line_of_help_fits_the_list_of_commands(
    padstone: CommandLine, words: tuple[str, ...]
) -> None:
    """Nothing is cut off with dots."""
    result = padstone(*words[:-1], "--help")
    assert "..." not in result.out.partition("Commands:")[2].partition("Exit codes")[0]


@pytest.mark.parametrize(
    "words", [("proof", "run"), ("proof", "replay"), ("proof", "status"), ("local", "prove")]
)
def test_where_a_run_is_followed_one_also_means_that_not_every_proof_holds(
    padstone: CommandLine, words: tuple[str, ...]
) -> None:
    """Scripts have to tell that from nothing else; people should not take it for a breakdown."""
    assert "1  not every proof holds" in padstone(*words, "--help").out


@pytest.mark.parametrize("program", ["tools_deploy", "padstone_deploy"])
def test_the_seed_commands_have_help_too(padstone: CommandLine, program: str) -> None:
    """With the flags of the first README."""
    result = padstone("--help", program=program)
    assert (result.code, program in PROGRAMS) == (0, True)
    for flag in ("--build-profile", "--generate-snapshot", "--deploy-snapshot", "--snapshot-id"):
        assert flag in result.out


def test_the_version_is_that_of_the_package(padstone: CommandLine) -> None:
    """padstone --version."""
    assert padstone("--version").out == "padstone 0.1.0\n"
