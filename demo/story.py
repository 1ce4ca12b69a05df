"""A snapshot's whole life, and proofs with its tools, played on a local cloud of its own.

Every step is a command of `padstone` (or `cdk`) in a process of its own, as a user would run it;
the facts are read from the accounts through boto3. IAM is enforced, and nobody is root.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo import children, packages, sources
from demo.commands import Commands, StoryError
from demo.proofs import Proofs
from demo.show import Show
from demo.witness import Witness, differing
from local_cloud import LocalCloud, testing

ACCOUNTS = ("tools", "beta", "prod")
TOOLS = ("batch", "cbmc", "lambda", "viewer")
OLD_CBMC, NEW_CBMC = "5.12", "6.6.0"
PROJECTS = sources.CHECKOUT / "examples" / "projects"


@dataclass
class Story:
    """One performance: the cloud it is played on, and what tells it."""

    witness: Witness
    planted: Mapping[str, Path]
    commands: Commands
    show: Show

    # --- the chapters ----------------------------------------------------------------------------

    def play(self) -> dict[str, Any]:
        """Play everything; return what `--json` writes."""
        self.bootstrap()
        first = self.build_and_freeze()
        second, third, before = self.move_on(first)
        self.go_back(first, third, before)
        self.promote(first)
        self.the_other_door(first)
        runs = Proofs(self.witness, self.commands, self.show).play(old=first, new=second)
        self.tamper(third)
        return {**self.finish(), "runs": runs}

    def bootstrap(self) -> None:
        """The tools account: from the templates right here, then from its own snapshot."""
        self.show.chapter("1  The tools account, from local templates, then from its own snapshot")
        self.commands.padstone("deploy", "tools", "--from-source")
        snapshot = self.commands.padstone(
            "snapshot", "create", "tools", "--reason", "the first one"
        )["id"]
        self.show.chapter("2  Its pipelines build lambda, batch, viewer, cbmc and the image")
        self.commands.padstone(
            "deploy", "tools", "--snapshot", snapshot, "--build", "--deadline", "600"
        )
        listed = self.commands.padstone("package", "list")["packages"]
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
            self.commands.padstone("account", "add", account)
        first = self.commands.create("the first")
        cbmc = self.commands.pins(first)["cbmc"]
        self.show.fact(
            "the pinned cbmc package runs, out of the bucket",
            checked=f"cbmc --version: {self.witness.cbmc_version(cbmc)}",
            holds=True,
        )
        self.commands.padstone(
            "deploy", "beta", "--snapshot", first, "--reason", "first deployment"
        )
        return first

    def move_on(self, first: str) -> tuple[str, str, Mapping[str, Any]]:
        """A newer CBMC; a second snapshot has it, a third takes the older one again."""
        self.show.chapter("4  CBMC 6.6.0 is built; two more snapshots; beta moves forward")
        before = self.witness.everything_of("beta")
        self.upgrade(NEW_CBMC)
        second = self.commands.create(f"CBMC {NEW_CBMC}")
        old = self.commands.pins(first)["cbmc"]
        overrides = self.commands.folder / "overrides.json"
        overrides.write_text(json.dumps({"cbmc": old["file"]}))
        third = self.commands.create("CBMC as before", "--package-overrides", str(overrides))
        self.show.fact(
            "the second snapshot has the new package, the third the old one",
            checked="pins compared by digest",
            holds=self.commands.pins(second)["cbmc"]["sha256"] != old["sha256"]
            and self.commands.pins(third)["cbmc"]["sha256"] == old["sha256"],
        )
        self.through_cdk(second)
        self.commands.padstone("deploy", "beta", "--snapshot", third, "--reason", "moving on")
        return second, third, before

    def upgrade(self, version: str) -> None:
        """Another CBMC is asked for, and built."""
        packages.pin(self.planted["cbmc"], version)
        sources.commit(self.planted["cbmc"], f"Pack CBMC {version}")
        self.commands.padstone("package", "build", "cbmc")

    def through_cdk(self, snapshot: str) -> None:
        """Beta moves forward through the other door: the stock CDK CLI."""
        argv = self.commands.padstone("deploy", "beta", "--snapshot", snapshot, "--print-cdk")[
            "argv"
        ]
        self.commands.run(argv)
        plan = self.commands.padstone("plan", "beta", "--snapshot", snapshot)
        self.show.fact(
            "after cdk deploy -c snapshot_id, padstone finds nothing to do",
            checked="padstone plan",
            holds=plan["empty"],
        )

    def go_back(self, first: str, third: str, before: Mapping[str, Any]) -> None:
        """Beta returns to the first snapshot, and is exactly what it was."""
        self.show.chapter("5  Beta rolls back to the first snapshot")
        self.commands.padstone(
            "rollback", "beta", "--to", first, "--reason", f"{third} does not please us"
        )
        found = differing(before, self.witness.everything_of("beta"))
        self.show.fact(
            "beta is exactly what it was: templates, parameters, packages, images",
            checked=f"read from it before and after: {', '.join(found) or 'no difference'}",
            holds=not found,
        )

    def promote(self, first: str) -> None:
        """Prod is given what beta runs."""
        self.show.chapter("   Prod is promoted to what beta runs")
        self.commands.padstone("promote", "beta", "prod", "--reason", "beta is well")
        same = self.witness.templates_of("beta") == self.witness.templates_of("prod")
        self.show.fact(
            f"prod runs {first}, the bytes that beta runs",
            checked="templates compared to the byte",
            holds=same,
        )

    def the_other_door(self, first: str) -> None:
        """The stock CDK CLI consumes the same snapshot and finds nothing to do."""
        self.show.chapter("   The stock CDK CLI, on the same snapshot")
        argv = self.commands.padstone("deploy", "beta", "--snapshot", first, "--print-cdk")["argv"]
        text = self.commands.run(argv)
        self.show.fact(
            "after padstone, cdk deploy -c snapshot_id finds nothing to do",
            checked="cdk says (no changes) for both stacks",
            holds=text.count("(no changes)") == 2,
        )

    def tamper(self, snapshot: str) -> None:
        """A frozen template is changed in the bucket; that is noticed before anything happens."""
        self.show.chapter("10  A frozen template is tampered with")
        self.witness.overwrite(
            self.commands.padstone("snapshot", "show", snapshot)["templates"][0]["key"]
        )
        before = len(self.witness.writes())
        said = self.commands.refused("deploy", "beta", "--snapshot", snapshot)
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
        accounts = self.commands.padstone("status")["accounts"]
        snapshots = self.commands.padstone("snapshot", "list")["snapshots"]
        self.show.table(
            "Accounts, as they really are", _ACCOUNT_COLUMNS, map(_account_row, accounts)
        )
        self.show.table("Snapshots", _SNAPSHOT_COLUMNS, map(_snapshot_row, snapshots))
        self.show.fact(
            "every account runs what was frozen",
            checked="padstone status",
            holds=all(one["verified"] for one in accounts),
        )
        self.show.facts_table()
        return {
            "accounts": accounts,
            "snapshots": snapshots,
            "verified": [asdict(fact) for fact in self.show.facts],
            "seconds": round(self.show.seconds, 1),
        }


_ACCOUNT_COLUMNS = ("account", "id", "runs", "verified")
_SNAPSHOT_COLUMNS = ("id", "stage", "packages", "why")


def _account_row(status: Mapping[str, Any]) -> tuple[str, ...]:
    account, verified = status["account"], "yes" if status["verified"] else "NO"
    return account["name"], account["id"], status["snapshot"] or "-", verified


def _snapshot_row(snapshot: Mapping[str, Any]) -> tuple[str, ...]:
    packages = " ".join(pin["file"] for pin in snapshot["packages"])
    return snapshot["id"], snapshot["stage"], packages, snapshot["provenance"]["reason"]


def configure(cloud: LocalCloud, folder: Path) -> dict[str, str]:
    """Open the accounts and write a padstone.toml; return the environment of the commands."""
    for account in ACCOUNTS:
        cloud.add_account(account)
    lines = ['region = "us-west-2"']
    for account in ACCOUNTS:
        table = account if account == "tools" else f"accounts.{account}"
        parameters = _parameters(cloud, folder, account)
        lines += [f"[{table}]", f'profile = "{account}"', f'parameters = "{parameters}"']
    config = folder / "padstone.toml"
    config.write_text("\n".join(lines) + "\n")
    return {**surroundings(cloud), "PADSTONE_CONFIG": str(config)}


def _parameters(cloud: LocalCloud, folder: Path, account: str) -> Path:
    """Return an example's parameters file; that of a proof account names the local GitHub, too."""
    example = PROJECTS / f"{account}.json"
    if account == "tools":
        return example
    own = folder / example.name
    local = {"GitHubApiUrl": cloud.github, "ReportVisibility": "public"}
    own.write_text(json.dumps({**json.loads(example.read_text()), **local}, indent=4) + "\n")
    return own


def surroundings(cloud: LocalCloud) -> dict[str, str]:
    """Return the environment of a command that works on a cloud with the tools of this checkout."""
    programs = [Path(sys.executable).parent, sources.CHECKOUT / "node_modules" / ".bin"]
    inherited = testing.clean_environment(cloud)
    path = os.pathsep.join([*map(str, programs), inherited.get("PATH", os.defpath)])
    return {**inherited, **cloud.git_environment(), "PATH": path}


def perform(show: Show) -> dict[str, Any] | None:
    """Play the story on a cloud that is gone afterwards; None if a step did not succeed."""
    with tempfile.TemporaryDirectory(prefix="padstone-demo-") as name:
        folder = Path(name)
        with LocalCloud.start(folder / "cloud", auth=True) as cloud:
            environment = configure(cloud, folder)
            planted = sources.plant_from(PROJECTS / "tools.json", cloud.repository)
            packages.pin(planted["cbmc"], OLD_CBMC)
            sources.commit(planted["cbmc"], f"Pack CBMC {OLD_CBMC}")
            commands = Commands(folder, show, environment)
            story = Story(Witness(cloud, folder), planted, commands, show)
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
    children.unwind_when_asked_to_end()
    show = Show()
    result = perform(show)
    if result is None:
        return 1
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=2) + "\n")
    show.console.print(f"\n{show.seconds:.0f} seconds; the same as JSON: {chosen.json}")
    return 0 if all(fact.holds for fact in show.facts) else 1
