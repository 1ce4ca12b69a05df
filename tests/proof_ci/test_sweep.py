"""The sweep finds what was lost, ends what stays lost, and no bad run holds up the others."""

from dataclasses import replace

import pytest

from proof_ci.model.events import Pull, from_message
from proof_ci.model.messages import SUMMARY
from proof_ci.model.run import End, State
from proof_ci.model.verdicts import Verdict
from proof_ci.ports import UnavailableError
from proof_ci.sweep import MOST_JOBS, MOST_SECONDS, SweepError

from .aws_world import BUILD, RUN, World
from .fakes import DELIVERY, REPOSITORY, SHA

DAY = 24 * 3600
OTHER = DELIVERY.replace("7", "8")


@pytest.fixture
def world() -> World:
    world = World()
    world.hub.heads.clear()
    return world


def test_the_events_that_were_lost_are_made_good(world: World) -> None:
    """Build, preparing job, proofs: CodeBuild and Batch are asked."""
    world.start()
    world.build_ends()
    world.sweep.sweep()
    assert world.record().state is State.PREPARING
    world.list_proofs({"a": None, "b": None})
    world.job_ends(world.record().prepare_job)
    world.sweep.sweep()
    assert world.record().state is State.PROVING
    world.proof_ends("a")
    world.sweep.sweep()
    assert world.states() == {"a": "success", "b": "pending", SUMMARY: "pending"}
    world.proof_ends("b", Verdict.FAILURE)
    world.sweep.sweep()
    assert (world.record().verdict, world.record().settled) == (End.FAILURE, True)


def test_a_result_that_was_not_told_is_told(world: World) -> None:
    """While the rest of the run goes on."""
    world.to_proving()
    _untold(world)
    world.sweep.sweep()
    assert world.states() == {"a": "success", "b": "pending", SUMMARY: "pending"}


def test_a_result_that_was_not_told_is_told_at_the_runs_end(world: World) -> None:
    """It is true, whatever ended the run."""
    world.to_proving()
    _untold(world)
    world.endings.end(world.record(), End.CANCELLED, "")
    assert world.states() == {"a": "success", "b": "error", SUMMARY: "error"}


def _untold(world: World) -> None:
    """A proof's result is kept, and the function ends there; its event never comes again."""
    world.statuses.broken = True
    with pytest.raises(UnavailableError):
        world.verdicts.handle(world.proof_ends("a")[1])
    world.statuses.broken = False


def test_what_still_runs_is_left_alone(world: World) -> None:
    """The sweep changes nothing of a run that is on its way."""
    world.to_proving()
    before = (world.record(), len(world.statuses.messages), len(world.jobs.submitted))
    world.sweep.sweep()
    assert (world.record(), len(world.statuses.messages), len(world.jobs.submitted)) == before


@pytest.mark.parametrize(
    ("state", "life", "said"),
    [
        (State.WAITING, 7 * DAY, "Nobody approved it"),
        (State.STARTING, 900, "lost: it was never started"),
        (State.FETCHING, 3 * 3600, "lost: nothing is known of the build"),
        (State.PREPARING, 26 * 3600, "lost: nothing is known of the job"),
        (State.PROVING, 26 * 3600 + 7200, "lost: nothing is known of some"),
    ],
)
def test_a_run_past_its_deadline_ends_as_lost(
    world: World, state: State, life: int, said: str
) -> None:
    """Not before; and nothing stays pending."""
    match state:
        case State.WAITING:
            world.runs.open(RUN, waiting=True)
        case State.STARTING:
            world.runs.open(RUN)
        case State.FETCHING:
            world.start()
        case State.PREPARING:
            world.to_preparing()
        case _:
            world.to_proving()
    world.clock.now += life - 1
    world.sweep.sweep()
    assert world.record().state is state
    world.clock.now += 1
    world.sweep.sweep()
    assert (world.record().verdict, world.record().settled) == (End.ERROR, True)
    assert said in world.record().reason
    assert set(world.states().values()) == {"error"}


def test_what_really_happened_goes_before_the_deadline(world: World) -> None:
    """A late answer is better than none."""
    world.to_proving({"a": None})
    world.proof_ends("a")
    world.clock.now += 30 * DAY
    world.sweep.sweep()
    assert world.record().verdict is End.SUCCESS


def test_a_published_success_of_a_lost_job_is_no_green_run(world: World) -> None:
    """The proof's verdict stands; the run says that it was lost."""
    world.to_proving()
    published, _ = world.proof_ends("a")
    world.jobs.ends.clear()
    world.verdicts.handle(published)
    world.clock.now += 30 * DAY
    world.sweep.sweep()
    assert world.states() == {"a": "success", "b": "error", SUMMARY: "error"}


def test_one_bad_run_does_not_hold_up_the_others(world: World) -> None:
    """It is logged, and the sweep fails in the end, so that an alarm tells."""
    world.to_proving({"a": None})
    world.proof_ends("a")
    other = replace(RUN, run_id=OTHER)
    world.start(other, "prepare:bad")
    world.builds.ends["prepare:bad"] = replace(
        world.builds.ends[BUILD], build_id="prepare:bad", run_id=OTHER, status="FAILED"
    )
    del world.results.objects[f"runs/{DELIVERY}/plan.json"]
    with pytest.raises(SweepError):
        world.sweep.sweep()
    assert world.record(OTHER).verdict is End.ERROR
    assert world.record().state is State.PROVING
    world.clock.now += 30 * DAY
    with pytest.raises(SweepError):
        world.sweep.sweep()
    assert world.record().verdict is End.ERROR, "its deadline holds whatever else fails"


def test_a_sweep_has_its_time(world: World) -> None:
    """What is not begun is left to the next, which begins elsewhere."""
    for number in range(3):
        run = replace(RUN, run_id=f"0000000{number}{DELIVERY[8:]}")
        world.runs.open(run)
        world.clock.now += 901
    slow = _SlowClock(world, MOST_SECONDS + 1)
    with_time = replace(world.sweep, clock=slow)
    with_time.sweep()
    assert len(world.runs.active()) in (1, 2)
    world.sweep.sweep()
    assert world.runs.active() == ()


class _SlowClock:
    """Each run takes longer than a sweep has."""

    def __init__(self, world: World, seconds: float) -> None:
        self._world = world
        self._seconds = seconds

    def __call__(self) -> float:
        ended = sum(1 for r in self._world.runs.records.values() if r.state is State.ENDED)
        return self._world.clock.now + ended * self._seconds


def test_a_large_array_is_played_part_by_part(world: World) -> None:
    """A sweep's work is bounded."""
    world.to_proving({f"p{n:04d}": None for n in range(MOST_JOBS + 10)})
    for proof in world.children():
        world.proof_ends(proof)
    world.sweep.sweep()
    assert world.record().remaining == 10
    world.sweep.sweep()
    assert world.record().verdict is End.SUCCESS


def pull(number: int, sha: str, updated_at: int) -> Pull:
    return Pull(number, sha, REPOSITORY, "somebody", False, True, updated_at)


def test_heads_without_a_run_are_put_into_the_queue(world: World) -> None:
    """The branch's and those of open pull requests; twice found is one delivery."""
    now = int(world.clock())
    world.hub.heads["main"] = SHA
    world.hub.pulls = {7: pull(7, "a" * 40, now - 600), 8: pull(8, "b" * 40, now - 30 * DAY)}
    world.sweep.sweep()
    world.sweep.sweep()
    events = [from_message(message) for message in world.events.messages]
    assert len(events) == len({event.delivery for event in events}) == 2
    assert {event.KIND for event in events} == {"push", "pull_request"}
    known = World(hub=world.hub)
    known.start()
    known.hub.pulls = {}
    known.sweep.sweep()
    assert known.events.messages == []


def test_heads_are_not_looked_for_while_switched_off_or_while_github_wants_a_rest(
    world: World,
) -> None:
    """The switch holds for whatever would start runs."""
    world.hub.heads["main"] = SHA
    world.switches.values["operational"] = False
    world.sweep.sweep()
    assert (world.hub.asked, world.events.messages) == ([], [])
    world.switches.values["operational"] = True
    world.hub.low_for = 60
    world.sweep.sweep()
    assert world.events.messages == []


def test_a_github_that_does_not_answer_does_not_stop_the_repairs(world: World) -> None:
    """The runs come first."""
    world.start()
    world.build_ends()
    world.hub.broken = True
    with pytest.raises(SweepError):
        world.sweep.sweep()
    assert world.record().state is State.PREPARING
