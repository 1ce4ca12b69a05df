"""padstone account policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import Account
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.model.config import TOOLS
from snapshot_tool.policies import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from snapshot_tool.policies import Grant


@verb("policy", example="padstone account policy proof-deployer beta")
@click.argument("role", type=click.Choice([str(role) for role in Role]))
@click.argument("account", type=Account(), default=TOOLS)
def command(shell: Shell, role: str, account: str) -> Answer:
    """Print the IAM policies of those who act as ROLE upon ACCOUNT.

    Nothing is changed: attach what is printed to your users or roles, in the account that is named
    with it.
    """
    from snapshot_tool.cli import documents

    with shell.work() as work:
        found = work.policies(Role(role), account)
    return Answer(
        document={"policies": [documents.grant(one) for one in found]},
        text=lambda: _text(found),
    )


def _text(found: Sequence[Grant]) -> Iterable[str]:
    for one in found:
        yield f"# {one.name}, in account {one.account} ({one.account_id})"
        yield json.dumps(one.policy, indent=2)
