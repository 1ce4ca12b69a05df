"""Many things at once, in an order, without waiting for one while another could go on.

The life of each thing is a generator: it makes its calls, yields the seconds after which it wants
to go on, and returns its result. All waiting is done in one place, so that time can be an argument:
calls run side by side in threads, and the clock sleeps only while no call is under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from snapshot_tool.ports import Clock

T = TypeVar("T")
Life: TypeAlias = Generator[float, None, T]

_LONGEST_NAP = 1.0  # seconds until a halt from another thread is noticed
_SHORTEST_NAP = 0.001  # a clock need not be finer than that


@dataclass
class Halt:
    """Once set, nothing new is started and what runs is to come to an end.

    One that has an `outer` is set as soon as that is, and leaves it alone when it is set itself.
    """

    outer: Halt | None = None
    event: threading.Event = field(default_factory=threading.Event)

    def set(self) -> None:
        """Bring everything to an end; may be called from any thread."""
        self.event.set()

    def __bool__(self) -> bool:
        return self.event.is_set() or bool(self.outer)


@dataclass
class Interrupts:
    """Counts the interrupts from the keyboard.

    The first asks to stop, and stopping takes its time; who really wants to leave everything as it
    is at this moment has to insist.
    """

    seen: int = 0
    patience: int = 2

    def count(self) -> None:
        """Note one; raise KeyboardInterrupt if patience is over."""
        self.seen += 1
        if self.seen > self.patience:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class _End(Generic[T]):
    """What a life returned."""

    value: T


@dataclass(frozen=True)
class Results(Generic[T]):
    """What became of the things: results, errors; those in neither were never started."""

    done: Mapping[str, T]
    failed: Mapping[str, Exception]


class Schedule(Generic[T]):
    """Runs lives in dependency order, each as soon as those it comes `after` have succeeded.

    With a `halt`, the first error ends all; without one, everything is tried, whatever fails.
    """

    def __init__(
        self,
        lives: Mapping[str, Callable[[], Life[T]]],
        after: Mapping[str, Collection[str]],
        *,
        clock: Clock,
        workers: int,
        halt: Halt | None = None,
        interrupts: Interrupts | None = None,
    ) -> None:
        self._waiting = dict(lives)
        self._after = {name: set(after.get(name, ())) & set(lives) for name in lives}
        self._clock = clock
        self._workers = workers
        self._halt = halt
        self._due: dict[str, float] = {}
        self._lives: dict[str, Life[T]] = {}
        self._calls: dict[Future[float | _End[T]], str] = {}
        self._done: dict[str, T] = {}
        self._failed: dict[str, Exception] = {}
        self._hurried: set[str] = set()
        self._interrupts = interrupts or Interrupts()

    def run(self) -> Results[T]:
        """Run everything. An interrupt from the keyboard halts it, if there is a `halt`."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="padstone") as pool:
            while self._waiting or self._lives:
                try:
                    self._begin()
                    self._resume(pool)
                    if not self._lives:
                        break
                    self._pause()
                except KeyboardInterrupt:
                    self._interrupt()
        return Results(self._done, self._failed)

    def _begin(self) -> None:
        """Start all whose turn it is."""
        if self._halt:
            self._waiting.clear()
        over = self._done.keys() if self._halt is not None else self._done.keys() | self._failed
        for name in [one for one in self._waiting if self._after[one] <= over]:
            self._lives[name] = self._waiting.pop(name)()
            self._due[name] = self._clock.monotonic()

    def _resume(self, pool: ThreadPoolExecutor) -> None:
        """Let all go on that have waited long enough, or that are to come to an end."""
        now = self._clock.monotonic()
        hurry = self._due.keys() - self._hurried if self._halt else set()
        self._hurried |= hurry
        for name in [one for one, due in self._due.items() if due <= now or one in hurry]:
            del self._due[name]
            self._calls[pool.submit(_step, self._lives[name])] = name

    def _pause(self) -> None:
        """Wait for the next answer or the next moment, whichever comes first."""
        now = self._clock.monotonic()
        nap = min([_LONGEST_NAP, *(due - now for due in self._due.values())])
        if self._calls:
            finished, _ = wait(self._calls, timeout=max(nap, 0.0), return_when=FIRST_COMPLETED)
            for call in finished:
                self._collect(self._calls.pop(call), call)
        else:
            self._clock.sleep(max(nap, _SHORTEST_NAP))

    def _collect(self, name: str, call: Future[float | _End[T]]) -> None:
        try:
            answer = call.result()
        except Exception as error:
            self._failed[name] = error
            del self._lives[name]
            if self._halt is not None:
                self._halt.set()
            return
        if isinstance(answer, _End):
            self._done[name] = answer.value
            del self._lives[name]
        else:
            self._due[name] = self._clock.monotonic() + answer

    def _interrupt(self) -> None:
        self._interrupts.count()
        if self._halt is not None:
            self._halt.set()


def _step(life: Life[T]) -> float | _End[T]:
    """Resume a life: the seconds that it wants to wait, or its end."""
    try:
        return next(life)
    except StopIteration as end:
        return _End(end.value)
