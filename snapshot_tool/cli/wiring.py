"""The composition root: an orchestrator over AWS. Nothing imports this but a run that needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from snapshot_tool.aws.session import Aws, Session
from snapshot_tool.cli.clock import SystemClock
from snapshot_tool.cli.work import Tell, Work
from snapshot_tool.model.config import AccountConfig, Config
from snapshot_tool.orchestrator import Orchestrator


def orchestrator(config: Config, tell: Tell) -> Work:
    """Return the orchestrator of these accounts, each reached through its AWS profile."""
    return Orchestrator(
        config=config,
        open_doors=open_doors,
        clock=SystemClock(),
        tell=tell,
        scratch=scratch,
        environ=os.environ,
    )


def open_doors(account: AccountConfig) -> Aws:
    """Reach an account through its profile, in its region or else in the profile's own."""
    return Aws(Session(profile=account.profile, region=account.region or None))


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder of our own, gone afterwards."""
    with TemporaryDirectory(prefix="padstone-") as folder:
        yield Path(folder)


def shared_bucket(profile: str) -> str:
    """Return the name of the shared bucket of a tools account; nothing if it is not deployed."""
    from snapshot_tool.tools import BUCKET

    stacks = Aws(Session(profile=profile)).stacks.describe_all()
    return next((state.outputs[BUCKET] for state in stacks if BUCKET in state.outputs), "")
