"""Doing the same to many things at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
WORKERS = 8


def side_by_side(act: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Return `act(item)` for all items; the first failure, in their order, is raised.

    All that was begun has ended when this returns or raises.
    """
    if len(items) <= 1:
        return [act(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(WORKERS, len(items))) as pool:
        return list(pool.map(act, items))


def both(one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """Return what two calls, made side by side, return; if both fail, `one`'s error is raised.

    Both have ended when this returns or raises.
    """
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(other)
        return one(), second.result()
