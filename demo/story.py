"""A snapshot's whole life, played on a local cloud of its own.

Every step is a command of `padstone` (or `cdk`) in a process of its own, as a user would run it;
the facts are read from the accounts through boto3. IAM is enforced, and nobody is root.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo import sources
from demo.show import Show
from demo.witness import Witness, differing
from local_cloud import LocalCloud, testing

ACCOUNTS = ("tools", "beta", "prod")
TOOLS = ("batch", "cbmc", "lambda", "viewer")
PROJECTS = sources.CHECKOUT / "examples" / "projects"


class StoryError(Exception):
    """A step of the story did not end as it should."""


@dataclass
class Story:
    """One performance: the cloud it is played on, and what tells it."""

    witness: Witness
    planted: Mapping[str, Path]
    folder: Path
    show: Show
    environment: Mapping[str, str]

    # --- the chapters ----------------------------------------------------------------------------

    def play(self) -> dict[str, Any]:
        """Play everything; return what `--json` writes."""
        self.bootstrap()
        first = self.build_and_freeze()
        second, third, before = self.move_on(first)
        self.go_back(first, third, before)
        self.promote(first)
        self.the_other_door(first)
        self.tamper(second)
        return self.finish()

    def bootstrap(self) -> None:
        """The tools account: from the templates right here, then from its own snapshot."""
        self.show.chapter("1  The tools account, from local templates, then from its own snapshot")
        self.padstone("deploy", "tools", "--from-source")
        snapshot = self.padstone("snapshot", "create", "tools", "--reason", "the first one")["id"]
        self.show.chapter("2  Its pipelines build lambda, batch, viewer, cbmc and the image")
        self.padstone("deploy", "tools", "--snapshot", snapshot, "--build", "--deadline", "600")
        listed = self.padstone("package", "list")["packages"]
        built = {package["tool"] for package in listed if package["latest"]}
        self.show.fact(
            "every tool has a package in the shared bucket",
            checked=", ".join(sorted(built)),
            holds=built == set(TOOLS),
        )

    def build_and_freeze(self) -> str:
        """The first proof snapshot, and beta deployed from it."""
        self.show.chapter("3  A proof snapshot; account beta is deployed from it")
        for account in ("beta", "prod"):
            self.padstone("account", "add", account)
        first = self.create("the first")
        self.show.fact(
            "the pinned cbmc package runs, out of the bucket",
            checked=f"cbmc --version: {self.witness.cbmc_version(self.pins(first)['cbmc'])}",
            holds=True,
        )
        self.padstone("deploy", "beta", "--snapshot", first, "--reason", "first deployment")
        return first

    def move_on(self, first: str) -> tuple[str, str, Mapping[str, Any]]:
        """One tool is rebuilt; a second snapshot has it, a third takes the older one again."""
        self.show.chapter("4  One tool is rebuilt; two more snapshots; beta moves forward")
        before = self.witness.everything_of("beta")
        source = self.planted["batch"]
        with (source / "proof_ci" / "__init__.py").open("a", encoding="utf-8") as file:
            file.write("\n# A change, and so another package.\n")
        commit = sources.commit(source, "Change something")
        self.padstone("package", "build", "batch")
        second = self.create(f"batch at {commit[:8]}")
        old = self.pins(first)["batch"]
        overrides = self.folder / "overrides.json"
        overrides.write_text(json.dumps({"batch": old["file"]}))
        third = self.create("batch as before", "--package-overrides", str(overrides))
        self.show.fact(
            "the second snapshot has the new package, the third the old one",
            checked="pins compared by digest",
            holds=self.pins(second)["batch"]["sha256"] != old["sha256"]
            and self.pins(third)["batch"]["sha256"] == old["sha256"],
        )
        self.through_cdk(second)
        self.padstone("deploy", "beta", "--snapshot", third, "--reason", "moving on")
        return second, third, before

    def through_cdk(self, snapshot: str) -> None:
        """Beta moves forward through the other door: the stock CDK CLI."""
        argv = self.padstone("deploy", "beta", "--snapshot", snapshot, "--print-cdk")["argv"]
        self.run(argv)
        plan = self.padstone("plan", "beta", "--snapshot", snapshot)
        self.show.fact(
            "after cdk deploy -c snapshot_id, padstone finds nothing to do",
            checked="padstone plan",
            holds=plan["empty"],
        )

    def go_back(self, first: str, third: str, before: Mapping[str, Any]) -> None:
        """Beta returns to the first snapshot, and is exactly what it was."""
        self.show.chapter("5  Beta rolls back to the first snapshot")
        self.padstone("rollback", "beta", "--to", first, "--reason", f"{third} does not please us")
        found = differing(before, self.witness.everything_of("beta"))
        self.show.fact(
            "beta is exactly what it was: templates, parameters, packages, images",
            checked=f"read from it before and after: {', '.join(found) or 'no difference'}",
            holds=not found,
        )

    def promote(self, first: str) -> None:
        """Prod is given what beta runs."""
        self.show.chapter("   Prod is promoted to what beta runs")
        self.padstone("promote", "beta", "prod", "--reason", "beta is well")
        same = self.witness.templates_of("beta") == self.witness.templates_of("prod")
        self.show.fact(
            f"prod runs {first}, the bytes that beta runs",
            checked="templates compared to the byte",
            holds=same,
        )

    def the_other_door(self, first: str) -> None:
        """The stock CDK CLI consumes the same snapshot and finds nothing to do."""
        self.show.chapter("   The stock CDK CLI, on the same snapshot")
        argv = self.padstone("deploy", "beta", "--snapshot", first, "--print-cdk")["argv"]
        text = self.run(argv)
        self.show.fact(
            "after padstone, cdk deploy -c snapshot_id finds nothing to do",
            checked="cdk says (no changes) for both stacks",
            holds=text.count("(no changes)") == 2,
        )

    def tamper(self, second: str) -> None:
        """A frozen template is changed in the bucket; that is noticed before anything happens."""
        self.show.chapter("6  A frozen template is tampered with")
        self.witness.overwrite(self.padstone("snapshot", "show", second)["templates"][0]["key"])
        before = len(self.witness.writes())
        said = self.refused("deploy", "beta", "--snapshot", second)
        self.show.fact(
            "the deployment is refused with exit code 4",
            checked=said.splitlines()[0],
            holds=True,
        )
        self.show.fact(
            "nothing was deployed",
            checked="no changing call reached CloudFormation",
            holds=len(self.witness.writes()) == before,
        )

    def finish(self) -> dict[str, Any]:
        """The tables at the end."""
        accounts = self.padstone("status")["accounts"]
        snapshots = self.padstone("snapshot", "list")["snapshots"]
        self.show.table(
            "Accounts, as they really are",
            ("account", "id", "runs", "verified"),
            [
                (
                    one["account"]["name"],
                    one["account"]["id"],
                    one["snapshot"] or "-",
                    "yes" if one["verified"] else "NO",
                )
                for one in accounts
            ],
        )
        self.show.table(
            "Snapshots",
            ("id", "stage", "packages", "why"),
            [
                (
                    one["id"],
                    one["stage"],
                    " ".join(pin["file"] for pin in one["packages"]),
                    one["provenance"]["reason"],
                )
                for one in snapshots
            ],
        )
        self.show.fact(
            "every account runs what was frozen",
            checked="padstone status",
            holds=all(one["verified"] for one in accounts),
        )
        self.show.table(
            "Verified",
            ("", "fact", "how"),
            [("✓" if f.holds else "✗", f.claim, f.checked) for f in self.show.facts],
        )
        return {
            "accounts": accounts,
            "snapshots": snapshots,
            "verified": [asdict(fact) for fact in self.show.facts],
            "seconds": round(self.show.seconds, 1),
        }

    def pins(self, snapshot: str) -> dict[str, Any]:
        """Return a snapshot's packages by tool."""
        shown = self.padstone("snapshot", "show", snapshot)
        return {package["tool"]: package for package in shown["packages"]}

    # --- commands --------------------------------------------------------------------------------

    def padstone(self, *words: str) -> Any:
        """Run a command of padstone, its progress on the terminal; return its JSON answer."""
        return json.loads(self.run(["padstone", *words, "--json"]))

    def create(self, reason: str, *words: str) -> str:
        """Create a proof snapshot and return its ID."""
        snapshot = self.padstone("snapshot", "create", "proof", "--reason", reason, *words)
        return str(snapshot["id"])

    def run(self, words: Sequence[str]) -> str:
        """Run a command that has to succeed; return what it wrote to its standard output."""
        through_cdk = words[0] == "cdk"
        if through_cdk:  # else it writes to the cdk.out of this checkout
            words = [*words, "--output", str(self.folder / "cdk.out")]
        self.show.command([word for word in words if word != "--json"])
        both = subprocess.STDOUT if through_cdk else None
        done = subprocess.run(
            words,
            env=dict(self.environment),
            cwd=sources.CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=both,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StoryError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def refused(self, *words: str) -> str:
        """Run a command of padstone that must not verify; return what it says."""
        self.show.command(["padstone", *words])
        done = subprocess.run(
            ["padstone", *words],
            env=dict(self.environment),
            cwd=sources.CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 4:
            raise StoryError(f"exit code {done.returncode} instead of 4\n{done.stderr}")
        return done.stderr.strip()


def configure(cloud: LocalCloud, folder: Path) -> dict[str, str]:
    """Open the accounts and write a padstone.toml; return the environment of the commands."""
    for account in ACCOUNTS:
        cloud.add_account(account)
    lines = ['region = "us-west-2"']
    for account in ACCOUNTS:
        table = account if account == "tools" else f"accounts.{account}"
        lines += [
            f"[{table}]",
            f'profile = "{account}"',
            f'parameters = "{PROJECTS / account}.json"',
        ]
    config = folder / "padstone.toml"
    config.write_text("\n".join(lines) + "\n")
    return {**surroundings(cloud), "PADSTONE_CONFIG": str(config)}


def surroundings(cloud: LocalCloud) -> dict[str, str]:
    """Return the environment of a command that works on a cloud with the tools of this checkout."""
    programs = [Path(sys.executable).parent, sources.CHECKOUT / "node_modules" / ".bin"]
    inherited = testing.clean_environment(cloud)
    path = os.pathsep.join([*map(str, programs), inherited.get("PATH", os.defpath)])
    return {**inherited, "PATH": path}


def perform(show: Show) -> dict[str, Any] | None:
    """Play the story on a cloud that is gone afterwards; None if a step did not succeed."""
    with tempfile.TemporaryDirectory(prefix="padstone-demo-") as name:
        folder = Path(name)
        with LocalCloud.start(folder / "cloud", auth=True) as cloud:
            environment = configure(cloud, folder)
            planted = sources.plant_from(PROJECTS / "tools.json", cloud.repository)
            story = Story(Witness(cloud, folder), planted, folder, show, environment)
            try:
                return story.play()
            except StoryError as error:
                print(f"demo: {error}", file=sys.stderr)
                return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the story; exit code 0 if everything that it claims was found to be so."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("build/demo.json"), metavar="FILE")
    chosen = parser.parse_args(arguments)
    show = Show()
    result = perform(show)
    if result is None:
        return 1
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=2) + "\n")
    show.console.print(f"\n{show.seconds:.0f} seconds; the same as JSON: {chosen.json}")
    return 0 if all(fact.holds for fact in show.facts) else 1
