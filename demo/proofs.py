"""The chapters in which proofs are run: a push, a fix, older tools, and the first run again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import sources
from demo.commands import Commands
from demo.show import Show
from demo.witness import Run, Witness, differing

REPOSITORY = "example/padmath"
EXAMPLE = sources.CHECKOUT / "examples" / "padmath"
BUG = "cbmc/proofs/ring_push"
PARTS = {"webhook", "dispatch", "preparation", "launch", "prepare", "prove", "verdict", "status"}
_FOLLOWED = (0, 1)
"""What a run that is followed to its end may end with: all holds, or something does not."""


@dataclass(frozen=True)
class Proofs:
    """Beta serves the example project; its owner pushes, fixes and looks back."""

    witness: Witness
    commands: Commands
    show: Show

    def play(self, *, old: str, new: str) -> list[dict[str, Any]]:
        """Play the chapters between two snapshots with different CBMCs; return all runs."""
        project = self.connect()
        self.commands.padstone("deploy", "beta", "--snapshot", new, "--reason", "CBMC 6.6.0")
        first = self.push(project)
        second = self.fix(project, first)
        third = self.look_back(old, second)
        self.again(first, third)
        return [run.document() for run in self.witness.runs("beta")]

    def connect(self) -> Path:
        """The example project is at GitHub, and its webhook knows beta."""
        self.show.chapter(
            "6  A push to the example project, proved with CBMC 6.6.0",
            "Seven proofs in two layouts. ring_push has a bug; both alloc_copy use what malloc "
            "returns without a look at it, and since CBMC 6 malloc may fail. Four should hold.",
        )
        project = self.witness.cloud.repository(REPOSITORY)
        project.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / "README.md", project)
        sources.commit(project, "The beginning", branch="main")
        self.witness.connect("beta", REPOSITORY)
        return project

    def push(self, project: Path) -> Run:
        """A push turns statuses pending, then green and red."""
        left_out = shutil.ignore_patterns("cases")
        shutil.copytree(EXAMPLE, project, ignore=left_out, dirs_exist_ok=True)
        sources.commit(project, "Arithmetic with proofs")
        run = self.pushed()
        first = self.witness.first_states(run.sha)
        self.show.fact(
            "the push turned every status pending first",
            checked=f"the first state of each of {len(first)} statuses at GitHub",
            holds=set(first.values()) == {"pending"} and len(first) == len(run.verdicts) + 1,
        )
        self.table("With CBMC 6.6.0", {"first run": run})
        red = sorted(proof for proof, verdict in run.verdicts.items() if verdict == "failure")
        self.show.fact(
            "GitHub shows each proof as the run's table has it, and three in red",
            checked=", ".join(red),
            holds=run.statuses_agree and BUG in red and len(red) == 3,
        )
        self.follow(run)
        return run

    def follow(self, run: Run) -> None:
        """One ID leads from the delivery to the statuses."""
        lines = self.commands.padstone("proof", "logs", "beta", run.run_id)["lines"]
        parts = {line["part"] for line in lines}
        self.show.fact(
            "the delivery's ID leads through all parts",
            checked=f"{len(lines)} lines of {', '.join(sorted(parts))}",
            holds=parts >= PARTS,
        )

    def fix(self, project: Path, before: Run) -> Run:
        """The bug is fixed; what held and did not change is not proved again."""
        self.show.chapter(
            "7  The bug is fixed and pushed; only what changed is proved again",
            "A proof that held, with the same goto binary, flags and tools, is not proved again.",
        )
        makefile = project / BUG / "Makefile"
        makefile.write_text(makefile.read_text().replace("DEFINES =", "DEFINES = -DPAD_FIXED"))
        sources.commit(project, "Wrap the index of the ring")
        run = self.pushed()
        self.table("After the fix", {"before": before, "after": run})
        held = {proof for proof, verdict in before.verdicts.items() if verdict == "success"}
        self.show.fact(
            "the fixed proof holds",
            checked=BUG,
            holds=run.verdicts[BUG] == "success" and BUG not in run.unchanged,
        )
        self.show.fact(
            "what held before was not proved again",
            checked=f"unchanged since {before.run_id}: {len(run.unchanged)} proofs",
            holds=run.unchanged == dict.fromkeys(held, before.run_id),
        )
        return run

    def look_back(self, old: str, before: Run) -> Run:
        """With the tools of an earlier snapshot the same commit has other verdicts."""
        self.show.chapter(
            "8  Beta rolls back to CBMC 5.12; the same commit has other verdicts",
            "The tools are part of the snapshot. For CBMC 5.12 malloc never fails.",
        )
        self.commands.padstone("rollback", "beta", "--to", old, "--reason", "CBMC 5.12 again")
        self.commands.padstone("proof", "run", "beta", before.sha, codes=_FOLLOWED)
        run = self.witness.runs("beta")[-1]
        self.table("One commit, two CBMCs", {"6.6.0": before, "5.12": run})
        turned = {p for p, verdict in run.verdicts.items() if verdict != before.verdicts[p]}
        self.show.fact(
            "only the proofs that use malloc have another verdict than with 6.6.0",
            checked=", ".join(sorted(turned)),
            holds=run.snapshot == old and all("alloc_copy" in p for p in turned) and bool(turned),
        )
        return run

    def again(self, first: Run, last: Run) -> None:
        """The first run is replayed with its own tools, while beta stays as it is."""
        self.show.chapter(
            "9  The first run is replayed with its own tools; beta stays as it is",
            "Beta runs CBMC 5.12 now; the replay takes CBMC 6.6.0 from the first run's snapshot.",
        )
        before = self.witness.everything_of("beta")
        self.commands.padstone("proof", "replay", "beta", first.run_id, "--compare")
        run = self.witness.runs("beta")[-1]
        self.table("The first run again", {"then": first, "replayed": run})
        self.show.fact(
            "the replay has the verdicts of the first run, one by one",
            checked=f"{len(run.verdicts)} proofs, tools of {run.snapshot}, not of {last.snapshot}",
            holds=run.verdicts == first.verdicts and run.snapshot == first.snapshot,
        )
        changed = differing(_deployed(before), _deployed(self.witness.everything_of("beta")))
        self.show.fact(
            "beta stays as it is",
            checked=f"templates, parameters, functions: {', '.join(changed) or 'no difference'}",
            holds=not changed,
        )

    def pushed(self) -> Run:
        """Push the branch, and follow its run to the end."""
        sha = self.witness.cloud.hub.push(REPOSITORY)
        self.show.deed(f"git push: {sha[:8]} of {REPOSITORY}")
        run_id = self.witness.run_of("beta", sha)
        self.commands.padstone("proof", "status", "beta", run_id, "--follow", codes=_FOLLOWED)
        return self.witness.settled("beta", run_id)

    def table(self, title: str, runs: Mapping[str, Run]) -> None:
        """Show the verdicts of runs side by side."""
        names = sorted({proof for run in runs.values() for proof in run.verdicts})
        self.show.table(
            title,
            ("proof", *runs),
            [
                *((name, *(run.said_of(name) for run in runs.values())) for name in names),
                ("from start to end", *(f"{run.seconds} s" for run in runs.values())),
            ],
        )


def _deployed(everything: Mapping[str, Any]) -> dict[str, Any]:
    """Return all but the job definitions: a replay registers its own beside the account's."""
    return {name: value for name, value in everything.items() if name != "images"}
