"""The function that comes every five minutes: what was lost on the way is found, or ends in words.

It asks CodeBuild and Batch what became of a run's work, and plays their answers as if the events
had come. A run that is past its deadline after that is ended as lost. Heads at GitHub that have no
run are put into the events queue.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache as cached
from time import time
from typing import Any

from proof_ci import aws
from proof_ci.config import Name, Settings
from proof_ci.ending import Endings
from proof_ci.github import connector
from proof_ci.launch import Launch, launch_of
from proof_ci.log import Log
from proof_ci.model.events import to_message
from proof_ci.model.lost import Heads, lost_events
from proof_ci.model.run import End, RunRecord, State
from proof_ci.model.trust import Project
from proof_ci.ports import BusyError, GitHub, Queue, Runs, Switches
from proof_ci.verdict import Verdicts, verdicts_of

MOST_SECONDS = 150
"""What is not begun by then is left to the next sweep."""
MOST_JOBS = 300
"""Ended jobs of one array that one sweep plays."""
MOST_PULLS = 100
_RECENT = 7 * 24 * 3600

_LOST = {
    State.WAITING: "Nobody approved it within 7 days",
    State.STARTING: "lost: it was never started",
    State.FETCHING: "lost: nothing is known of the build that fetches its source",
    State.PREPARING: "lost: nothing is known of the job that prepares its source",
    State.PROVING: "lost: nothing is known of some of its jobs",
}


class SweepError(Exception):
    """Some of the sweep failed; the log says what."""


@dataclass(frozen=True)
class LostHeads:
    """Puts heads without a run into the events queue. `connect` makes a GitHub."""

    runs: Runs
    events: Queue
    switches: Switches
    operational_parameter: str
    connect: Callable[[], GitHub]
    project: Project

    def find(self, now: int) -> int:
        """How many there were; none while the account is switched off or GitHub wants a rest."""
        if not self.switches.is_on(self.operational_parameter):
            return 0
        github, repository = self.connect(), self.project.repository
        if github.pause():
            return 0
        pulls = sorted(github.open_pulls(repository), key=lambda pull: -pull.updated_at)
        recent = tuple(p for p in pulls if p.updated_at > now - _RECENT)[:MOST_PULLS]
        heads = Heads(github.head(repository, self.project.branch), recent)
        refs = [self.project.ref, *(pull.ref for pull in recent)]
        known = [record for ref in refs for record in self.runs.of_ref(repository, ref)]
        found = lost_events(self.project, heads, known, now)
        for event in found:
            self.events.send(to_message(event), group=repository, identity=event.delivery)
        return len(found)


@dataclass(frozen=True)
class Sweep:
    """What the function needs."""

    launch: Launch
    verdicts: Verdicts
    heads: LostHeads
    clock: Callable[[], float] = time
    log: Log = field(default_factory=Log)

    @property
    def endings(self) -> Endings:
        """What ends runs early."""
        return self.launch.endings

    @property
    def runs(self) -> Runs:
        """The record of runs."""
        return self.launch.runs

    def sweep(self) -> None:
        """Repair all that can be repaired; raise at the end if something failed."""
        until = self.clock() + MOST_SECONDS
        failed = self._each(self.runs.unsettled(), self._settle, until)
        failed += self._each(self._in_turn(self.runs.active()), self._repair, until)
        failed += self._each([None], self._find_heads, until)
        if failed:
            raise SweepError(f"{failed} failed; see the log")

    def _in_turn(self, records: Sequence[RunRecord]) -> list[RunRecord]:
        """All in an order that begins elsewhere each time, so that none is always the last."""
        start = int(self.clock()) // 300 % max(1, len(records))
        late = [record for record in records if record.deadline <= self.clock()]
        rest = [record for record in (*records[start:], *records[:start]) if record not in late]
        return [*late, *rest]

    def _each(self, things: Iterable[Any], do: Callable[[Any], None], until: float) -> int:
        failed = 0
        for thing in things:
            if self.clock() >= until:
                self.log.info("the rest is left to the next sweep")
                break
            run_id = thing.run.run_id if isinstance(thing, RunRecord) else None
            try:
                do(thing)
            except BusyError:
                self.log.info("somebody else is at it", correlation_id=run_id)
            except Exception as error:
                self.log.failure("not repaired", error, correlation_id=run_id)
                failed += 1
        return failed

    def _settle(self, record: RunRecord) -> None:
        self.endings.settle(record.run.run_id)

    def _repair(self, record: RunRecord) -> None:
        """Ask what became of the run's work; past its deadline the run ends whatever the answer."""
        try:
            self._ask(record)
        finally:
            now = self.runs.get(record.run.run_id)
            if now is not None and now.state is not State.ENDED and now.deadline <= self.clock():
                self.endings.end(now, End.ERROR, _LOST[now.state])

    def _ask(self, record: RunRecord) -> None:
        match record.state:
            case State.FETCHING:
                build = self.endings.builds.ended(record.build_id)
                if build is not None:
                    self.launch.built(replace(build, run_id=record.run.run_id))
            case State.PREPARING:
                for job in self.endings.jobs.ended([record.prepare_job]):
                    self.launch.prepared(job)
            case State.PROVING:
                self._prove(record)
            case _:
                pass

    def _prove(self, record: RunRecord) -> None:
        jobs, results = self.endings.jobs, self.runs.results(record.run)
        final = {result.job_id for result in results if not result.provisional}
        for job in record.jobs:
            ended = jobs.ended_children(job.job_id) if job.size > 1 else (job.job_id,)
            left = [job_id for job_id in ended if job_id not in final]
            for each in jobs.ended(left[:MOST_JOBS]):
                self.verdicts.ended(each)
        self.verdicts.tell_left(record)
        self.verdicts.finish(record.run.run_id)

    def _find_heads(self, _: None) -> None:
        found = self.heads.find(int(self.clock()))
        if found:
            self.log.info("heads without a run", found=found)


@cached
def _sweep() -> Sweep:
    settings = Settings(os.environ)
    return sweep_of(settings, Log().bind(function="sweep", snapshot_id=settings[Name.SNAPSHOT_ID]))


def sweep_of(settings: Settings, log: Log) -> Sweep:
    """The function in an environment."""
    launch = launch_of(settings, log)
    return Sweep(
        launch=launch, verdicts=verdicts_of(settings, log), heads=_heads(settings, launch), log=log
    )


def _heads(settings: Settings, launch: Launch) -> LostHeads:
    secrets, connect = aws.SecretsManager(), connector(settings.github_url())
    token = settings[Name.GITHUB_TOKEN_SECRET_ARN]
    return LostHeads(
        runs=launch.runs,
        events=aws.SqsQueue(settings[Name.EVENTS_QUEUE_URL]),
        switches=aws.ParameterSwitches(),
        operational_parameter=settings[Name.CI_OPERATIONAL_PARAMETER],
        connect=lambda: connect(secrets.value(token)),
        project=Project(settings[Name.GITHUB_REPOSITORY], settings[Name.GITHUB_BRANCH]),
    )


def handler(event: dict[str, Any], context: object) -> None:
    """Lambda's way in; it raises if some of the sweep failed, and the function's alarm tells."""
    _sweep().sweep()
