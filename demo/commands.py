"""The commands of the story: each in a process of its own, shown as it is run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import sources
from demo.show import Show


class StoryError(Exception):
    """A step of the story did not end as it should."""


@dataclass(frozen=True)
class Commands:
    """Runs commands with the environment of somebody who works on the accounts."""

    folder: Path
    show: Show
    environment: Mapping[str, str]

    def padstone(self, *words: str, codes: Container[int] = (0,)) -> Any:
        """Run a command of padstone, its progress on the terminal; return its JSON answer."""
        return json.loads(self.run(["padstone", *words, "--json"], codes=codes))

    def create(self, reason: str, *words: str) -> str:
        """Create a proof snapshot and return its ID."""
        snapshot = self.padstone("snapshot", "create", "proof", "--reason", reason, *words)
        return str(snapshot["id"])

    def pins(self, snapshot: str) -> dict[str, Any]:
        """Return a snapshot's packages by tool."""
        shown = self.padstone("snapshot", "show", snapshot)
        return {package["tool"]: package for package in shown["packages"]}

    def run(self, words: Sequence[str], *, codes: Container[int] = (0,)) -> str:
        """Run a command that ends with one of the codes; return its standard output."""
        through_cdk = words[0] == "cdk"
        if through_cdk:  # else it writes to the cdk.out of this checkout
            words = [*words, "--output", str(self.folder / "cdk.out")]
        self.show.command([word for word in words if word != "--json"])
        done = self._start(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if through_cdk else None
        )
        if done.returncode not in codes:
            raise StoryError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def refused(self, *words: str) -> str:
        """Run a command of padstone that must not verify; return what it says."""
        self.show.command(["padstone", *words])
        done = self._start(["padstone", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 4:
            raise StoryError(f"exit code {done.returncode} instead of 4\n{done.stderr}")
        return done.stderr.strip()

    def _start(self, words: Sequence[str], **outputs: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env=dict(self.environment),
            cwd=sources.CHECKOUT,
            text=True,
            check=False,
            **outputs,
        )
