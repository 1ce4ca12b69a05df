"""Holding an account's lock for as long as a deployment takes, however long that is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from snapshot_tool.account import Halt
from snapshot_tool.errors import LockedError, PadstoneError
from snapshot_tool.ledger import Lock, this_process
from snapshot_tool.model.plan import Target
from snapshot_tool.model.records import LockHolder
from snapshot_tool.ports import Clock
from snapshot_tool.tools import ToolsAccount


class Holder(Protocol):
    """Who wants the lock of which account."""

    @property
    def target(self) -> Target:
        """The account."""

    @property
    def caller(self) -> str:
        """The ARN of who wants to change it."""


SECONDS = 60.0
"""How long a lock outlives the last sign of life of its holder."""


def acquire(lock: Lock, key: str, reason: str, *, clock: Clock, patience: float) -> None:
    """Take a lock, waiting up to `patience` seconds for whoever has it; then LockedError."""
    deadline = clock.monotonic() + patience
    while True:
        try:
            lock.acquire(key, reason, SECONDS)
        except LockedError:
            if clock.monotonic() >= deadline:
                raise
            clock.sleep(0.5)
        else:
            return


@contextmanager
def locked(
    tools: ToolsAccount, holder: Holder, reason: str, *, patience: float = 0.0
) -> Iterator[Halt]:
    """Hold an account's lock; wait up to `patience` seconds for it.

    Yields what halts the deployment if the lock is lost. Before the tools account has its tables
    there is nothing to lock with, and nobody else.
    """
    halt = Halt()
    if not tools.deployed:
        yield halt
        return
    lock = _lock(tools, holder)
    acquire(lock, _key(holder.target), reason, clock=tools.clock, patience=patience)
    try:
        with kept_alive(lock, halt):
            yield halt
    except BaseException as error:
        _tell(lock.release(), error)
        raise
    lock.release()


def _tell(left: LockHolder | None, error: BaseException) -> None:
    """Add to an error that the lock could not be given back, say for want of credentials."""
    if left is None:
        return
    text = f"the lock of {left.key} could not be released; it expires at {left.expires_at:%H:%M:%S}"
    if isinstance(error, PadstoneError):
        error.fix = f"{error.fix}\n{text} UTC".lstrip()
    else:
        error.add_note(f"{text} UTC")


def refuse_held(tools: ToolsAccount, holder: Holder) -> None:
    """Raise LockedError, which says who it is, if somebody holds an account's lock."""
    if tools.deployed:
        _lock(tools, holder).refuse_held(_key(holder.target))


def _lock(tools: ToolsAccount, holder: Holder) -> Lock:
    owner = this_process(holder.caller)
    return Lock(tools.doors.tables, tools.locks_table, tools.clock, owner)


@contextmanager
def kept_alive(lock: Lock, halt: Halt) -> Iterator[None]:
    """Prolong a lock while the block runs; halt the deployment if the lock is lost."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(lock, halt, over), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(lock: Lock, halt: Halt, over: threading.Event) -> None:
    while not over.wait(SECONDS / 6):
        try:
            lock.heartbeat()
        except LockedError:
            halt.set()
            return
        except PadstoneError:
            continue  # the next beat comes before the lock expires


def _key(target: Target) -> str:
    return f"{target.account_id}/{target.region}/{target.environment or '-'}"
