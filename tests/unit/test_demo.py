"""What the demo shows of the commands that it runs."""

from __future__ import annotations

import subprocess

import pytest
from rich.console import Console

from demo.show import Show

LONG = ["cdk", "deploy", *(part for n in range(30) for part in ("--parameters", f"ci:Name{n}=a b"))]


@pytest.mark.parametrize(
    "words", [["padstone", "status"], LONG, ["echo", "[bold]$HOME;x", "y" * 99]]
)
def test_a_command_that_is_shown_can_be_run_again(words: list[str]) -> None:
    """However long it is and whatever is in it: a shell reads the same words."""
    console = Console(width=60)
    with console.capture() as shown:
        Show(console=console).command(words)
    lines = shown.get().splitlines()
    assert all(len(line) <= 60 for line in lines if "yyy" not in line)
    text = shown.get().strip().removeprefix("$ ")
    script = f"for word in {text}; do printf '%s\\0' \"$word\"; done"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\0")[:-1] == words


def test_what_was_checked_is_shown_whole_and_within_the_width() -> None:
    """Its second line stands below its first, and brackets are text; the table agrees."""
    console = Console(width=60)
    show = Show(console=console)
    checked = ", ".join(f"cbmc/proofs/number_[{n}]" for n in range(6))
    with console.capture() as shown:
        show.fact("each proof has the status that CBMC gives it", checked=checked, holds=True)
    lines = shown.get().splitlines()
    assert lines[0].startswith("  ✓ each proof")
    assert all(line.startswith("    ") and len(line) <= 60 for line in lines[1:])
    assert " ".join(" ".join(lines).split()).endswith(f"gives it ({checked})")

    with console.capture() as table:
        show.facts_table()
    assert all(f"number_[{n}]" in table.get() for n in range(6))
