"""Where everything is measured: one local cloud, a tools account, as many fresh accounts as wanted.

Every tool runs in a process of its own, as a user would start it, against the same cloud.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench import stacks, tools
from bench.run import NotMeasuredError, Ran, run
from local_cloud import LocalCloud, testing

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build" / "bench"
STAGE = "proof"
_QUIET = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CI": "true",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "ignore",
}
"""Nothing that is measured asks a server outside for its news."""


@dataclass(frozen=True)
class Account:
    """An AWS account that nothing was deployed to yet; its name is that of its profile, too."""

    name: str
    id: str


@dataclass
class Lab:
    """The cloud, its accounts, and every command that was run on them."""

    cloud: LocalCloud
    folder: Path
    rounds: int
    say: Callable[[str], None]
    ran: list[Ran] = field(default_factory=list)
    _accounts: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, folder: Path, rounds: int, say: Callable[[str], None]) -> Iterator[Lab]:
        """Start a cloud with a tools account, and end it afterwards."""
        with LocalCloud.start(folder / "cloud") as cloud:
            lab = cls(cloud=cloud, folder=folder, rounds=rounds, say=say)
            lab.prepare()
            yield lab

    def prepare(self) -> None:
        """Make the tools account."""
        self.account("tools")
        cloudformation = self.client("tools", "cloudformation")
        cloudformation.create_stack(
            StackName=tools.STACK,
            TemplateBody=tools.template(),
            Tags=[{"Key": "padstone:stage", "Value": "tools"}],
        )
        self.outputs = testing.outputs(testing.stack_settled(cloudformation, tools.STACK))

    # --- accounts --------------------------------------------------------------------------------

    def account(self, name: str) -> Account:
        """Open an account for a profile, and name it in padstone.toml."""
        self._accounts[name] = self.cloud.add_account(name)
        lines = ['region = "us-west-2"', "[tools]", 'profile = "tools"']
        for other in self._accounts:
            if other != "tools":
                lines += [f"[accounts.{other}]", f'profile = "{other}"']
        (self.folder / "padstone.toml").write_text("\n".join(lines) + "\n")
        return Account(name, self._accounts[name])

    def fresh(self, kind: str) -> Account:
        """Return an account that was never used, registered with the tools account."""
        account = self.account(f"{kind}-{len(self._accounts)}")
        item = {
            "name": account.name,
            "account_id": account.id,
            "added_at": "2020-02-03T20:15:25+00:00",
            "added_by": "bench",
        }
        self.client("tools", "dynamodb").put_item(
            TableName=self.outputs["AccountsTableName"],
            Item={key: {"S": value} for key, value in item.items()},
        )
        return account

    def client(self, profile: str, service: str) -> Any:
        """Return a boto3 client of one account."""
        return testing.client(self.cloud, profile, service)

    @property
    def bucket(self) -> str:
        """The shared bucket."""
        return self.outputs["SharedBucketName"]

    # --- what is deployed ------------------------------------------------------------------------

    @cached_property
    def assembly(self) -> Path:
        """The ready-made cloud assembly of the six stacks."""
        return stacks.write_assembly(self.folder / "cdk.out")

    @cached_property
    def snapshot(self) -> str:
        """The six stacks, frozen."""
        return self.freeze()

    def freeze(self, *options: str) -> str:
        """Freeze the six stacks and return the snapshot's ID."""
        create = ("snapshot", "create", STAGE, "--assembly", str(self.assembly), "--json")
        return str(json.loads(self.padstone(*create, *options).output)["id"])

    # --- commands --------------------------------------------------------------------------------

    def padstone(
        self, *arguments: str, code: int | None = 0, also: Mapping[str, str] | None = None
    ) -> Ran:
        """Run a command of Padstone."""
        return self.tool(["padstone", *arguments], code=code, also=also)

    def cdk(self, account: Account, *arguments: str, code: int | None = 0) -> Ran:
        """Run a command of the CDK CLI with an account's profile."""
        words = ["cdk", *arguments, "--no-notices"]
        return self.tool(words, profile=account.name, code=code)

    def tool(
        self,
        command: Sequence[str],
        *,
        profile: str | None = None,
        code: int | None = 0,
        also: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Ran:
        """Run any command against the cloud, and remember what it took."""
        environment = {**self.environment(profile), **(also or {})}
        ran = run(command, environment=environment, folder=folder or self.folder, code=code)
        self.ran.append(ran)
        return ran

    def environment(self, profile: str | None = None) -> dict[str, str]:
        """Return the environment of a command: this cloud, and nothing of the operator's."""
        path = [str(Path(sys.executable).parent), str(CHECKOUT / "node_modules" / ".bin")]
        inherited = testing.clean_environment(self.cloud, profile)
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **inherited,
            **_QUIET,
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "HOME": str(self.folder),
            "PATH": os.pathsep.join([*path, os.environ.get("PATH", os.defpath)]),
            "PADSTONE_CONFIG": str(self.folder / "padstone.toml"),
        }

    def first_call(self, ran: Ran, service: str) -> float:
        """Return the seconds from a command's start to its first call of a service."""
        for call in self.cloud.calls():
            if call.operation.startswith(f"{service}:") and call.seconds >= ran.epoch:
                return call.seconds - ran.epoch
        last = "\n    ".join(ran.errors.splitlines()[-8:])
        raise NotMeasuredError(f"`{' '.join(ran.command)}` never called {service}:\n    {last}")

    def calls(self, act: Callable[[], object]) -> list[str]:
        """Return the calls that reach the cloud while something is done."""
        self.cloud.clear_calls()
        act()
        return [call.operation for call in self.cloud.calls()]


def interleaved(
    lab: Lab, subjects: Mapping[str, Callable[[], Ran]], *, rounds: int = 0
) -> dict[str, list[Ran]]:
    """Run all subjects in turn, round after round: A B A B."""
    found: dict[str, list[Ran]] = {name: [] for name in subjects}
    for number in range(rounds or lab.rounds):
        for name, subject in subjects.items():
            ran = subject()
            found[name].append(ran)
            lab.say(f"  round {number + 1}: {name} {ran.seconds:.2f} s")
    return found


def seconds(runs: Sequence[Ran]) -> list[float]:
    """Return the wall times."""
    return [one.seconds for one in runs]


def needs(program: str) -> str:
    """Return the path of a program of this checkout; NotMeasuredError if it is not installed."""
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(CHECKOUT / "node_modules" / ".bin")]
    )
    if found := shutil.which(program, path=path):
        return found
    raise NotMeasuredError(f"{program} is not installed; run make setup")
