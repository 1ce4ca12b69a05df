"""Holding an account's lock for as long as a deployment takes, however long that is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from snapshot_tool.account import Halt
from snapshot_tool.errors import LockedError, PadstoneError
from snapshot_tool.ledger import Lock
from snapshot_tool.ports import Clock

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
