"""Many things at once, in an order: on a clock that is an argument."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from snapshot_tool.account.schedule import Halt, Life, Results, Schedule
from tests.fakes.clock import FakeClock


def _life(clock: FakeClock, log: list[str], name: str, seconds: float) -> Callable[[], Life[str]]:
    def life() -> Life[str]:
        log.append(f"{name} starts")
        if seconds < 0:
            raise ValueError(name)
        yield seconds
        log.append(f"{name} ends")
        return name.upper()

    return life


def _run(
    times: Mapping[str, float],
    after: Mapping[str, Collection[str]],
    *,
    halt: Halt | None = None,
    clock: FakeClock | None = None,
) -> tuple[Results[str], list[str], float]:
    clock, log = clock or FakeClock(), list[str]()
    started = clock.monotonic()
    lives = {name: _life(clock, log, name, seconds) for name, seconds in times.items()}
    results = Schedule[str](lives, after, clock=clock, workers=2, halt=halt).run()
    return results, log, clock.monotonic() - started


def test_what_does_not_depend_runs_side_by_side() -> None:
    """However few threads there are: waiting occupies none."""
    results, _, seconds = _run(dict.fromkeys("abcdefgh", 10.0), {})
    assert len(results.done) == 8
    assert seconds < 10.1


def test_what_depends_waits_for_all_that_it_needs() -> None:
    """And starts when the last of them has ended."""
    _, log, seconds = _run({"a": 1.0, "b": 5.0, "c": 1.0}, {"c": ["a", "b"]})
    assert log.index("b ends") < log.index("c starts")
    assert seconds < 6.1


def test_results_are_returned_by_name() -> None:
    """As the lives return them."""
    results, _, _ = _run({"a": 1.0, "b": 1.0}, {"b": ["a"]})
    assert results.done == {"a": "A", "b": "B"}


def test_needs_outside_the_schedule_are_taken_for_met() -> None:
    """A stack with nothing to do is not in it."""
    results, _, _ = _run({"b": 1.0}, {"b": ["a"]})
    assert set(results.done) == {"b"}


def test_an_error_halts_what_can_be_halted() -> None:
    """Nothing new starts; what waits is resumed at once, to see for itself."""
    results, log, seconds = _run(
        {"bad": -1.0, "long": 600.0, "later": 1.0}, {"later": ["long"]}, halt=Halt()
    )
    assert set(results.failed) == {"bad"}
    assert "later starts" not in log
    assert set(results.done) == {"long"}
    assert seconds < 600.0


def test_without_a_halt_everything_is_tried() -> None:
    """Taking back one stack does not depend on having taken back another."""
    results, _, _ = _run({"bad": -1.0, "next": 1.0}, {"next": ["bad"]})
    assert set(results.failed) == {"bad"}
    assert set(results.done) == {"next"}


def test_a_halt_from_outside_is_noticed_within_a_second() -> None:
    """It may be set by another thread while everybody sleeps."""
    clock, halt = FakeClock(), Halt()
    sleep = clock.sleep

    def slept(seconds: float) -> None:
        sleep(seconds)
        halt.set()

    clock.sleep = slept  # type: ignore[method-assign]  # somebody else's thread
    _, _, seconds = _run({"long": 600.0}, {}, halt=Halt(outer=halt), clock=clock)
    assert seconds < 1.1


def test_an_inner_halt_leaves_the_outer_one_alone() -> None:
    """One deployment's failure is not the next one's."""
    outer = Halt()
    Halt(outer=outer).set()
    assert not outer
