"""What the demo prints: chapters, commands, facts that were checked, and tables at the end."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_MARKS = {True: Text("✓", style="green"), False: Text("✗", style="red")}


@dataclass(frozen=True)
class Fact:
    """Something that the story claims, and how it was checked."""

    claim: str
    checked: str
    holds: bool


@dataclass
class Show:
    """The teller: writes to the terminal as the story goes, and remembers what was checked."""

    console: Console = field(default_factory=lambda: Console(file=sys.stderr, highlight=False))
    facts: list[Fact] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self.started

    def chapter(self, title: str, about: str = "") -> None:
        """Begin a chapter; `about` says what there is to be seen."""
        self.console.print(f"\n[bold]{title}[/bold]  [dim]{self.seconds:.0f} s[/dim]")
        if about:
            self.console.print(Padding(Text(about, style="italic"), (0, 2)))

    def deed(self, what: str) -> None:
        """Show what somebody does without a command of padstone."""
        self.console.print(Text(f"  {what}", style="cyan"))

    def command(self, words: Sequence[str]) -> None:
        """Show a command as it is run, whole, so that it can be run again."""
        for line in wrapped(words, self.console.width - 4):
            self.console.print(Text(f"  {line}", style="cyan"), soft_wrap=True)

    def fact(self, claim: str, *, checked: str, holds: bool) -> None:
        """Show and remember something that was checked."""
        self.facts.append(Fact(claim, checked, holds))
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(" ", _MARKS[holds], Text.assemble(claim, " ", (f"({checked})", "dim")))
        self.console.print(line)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show a table."""
        table = Table(*columns, title=title, title_justify="left", title_style="bold")
        for row in rows:
            table.add_row(*map(Text, row))
        self.console.print()
        self.console.print(table)

    def facts_table(self) -> None:
        """Show all that was checked."""
        rows = [(_MARKS[fact.holds].plain, fact.claim, fact.checked) for fact in self.facts]
        self.table("Verified", ("", "fact", "how"), rows)


def wrapped(words: Sequence[str], width: int) -> list[str]:
    """Return a command as a shell takes it, broken between words where it is wider than that."""
    lines = ["$"]
    for word in map(shlex.quote, words):
        if len(lines[-1]) + len(word) + len("  \\") > width and lines[-1].strip() not in ("$", ""):
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}"
    return lines
