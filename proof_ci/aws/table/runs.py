"""The port `Runs` on a table. What changes together is one transaction."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from proof_ci.aws.clients import client as aws_client
from proof_ci.model.events import MalformedEventError
from proof_ci.model.run import End, Proving, Recorded, Run, RunRecord, State
from proof_ci.model.verdicts import ProofResult
from proof_ci.ports import Claim, Lease, UnavailableError

from . import life, results
from .door import TRIES, Door
from .items import to_record, to_result
from .places import ACTIVE, PROOF, Place, listed, of_commit, of_ref
from .writes import Write

LATEST = 20


class RunsTable:
    """Runs and their results. `snapshot_id` is that of the account's own tools."""

    def __init__(
        self,
        table: str,
        *,
        snapshot_id: str = "",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        client: Callable[[], Any] = lambda: aws_client("dynamodb"),
    ) -> None:
        self._door = Door(table, client, sleep)
        self._snapshot_id = snapshot_id
        self._clock = clock

    # --- a run's beginning ------------------------------------------------------------------------

    def open(self, run: Run, *, waiting: bool = False) -> Claim:
        """Record the run and its place in all lists, or take over a start that lapsed."""
        opened = life.opened(run, self._snapshot_id, self._now(), waiting=waiting)
        return self._claimed(run.run_id, opened)

    def approve(self, run_id: str) -> Claim:
        """Begin to start a run that waits, or take over a start that lapsed."""
        return self._claimed(run_id, life.approved(run_id, self._now()))

    def _claimed(self, run_id: str, writes: Sequence[Write]) -> Claim:
        for each in (writes, life.taken_over(run_id, self._now())):
            if not self._door.write(each):
                return Claim.OURS
        record = self.get(run_id)
        starts = record is not None and record.state is State.STARTING
        return Claim.ANOTHERS if starts else Claim.DONE

    def claim(self, comment: int, run_id: str) -> bool:
        """By an item of its own."""
        return not self._door.write(life.claimed(comment, run_id))

    # --- reading ----------------------------------------------------------------------------------

    def get(self, run_id: str) -> RunRecord | None:
        """The run's item, read after all writes that have been answered."""
        item = self._door.one(Place(run_id))
        return None if item is None else to_record(item)

    def of_ref(self, repository: str, ref: str) -> tuple[RunRecord, ...]:
        """By the list of the ref."""
        return self._latest(of_ref(repository, ref))

    def of_commit(self, sha: str) -> tuple[RunRecord, ...]:
        """By the list of the commit."""
        return self._latest(of_commit(sha))

    def _latest(self, key: str) -> tuple[RunRecord, ...]:
        found = self._door.last(key, LATEST)
        return self._runs([listed(str(item["record"])) for item in found])

    def active(self) -> tuple[RunRecord, ...]:
        """By the list of active runs."""
        found = [record for record in self._listed() if record.state is not State.ENDED]
        return tuple(sorted(found, key=lambda record: (record.deadline, record.run.run_id)))

    def unsettled(self) -> tuple[RunRecord, ...]:
        """What is still in the list of active runs, and has ended."""
        return tuple(record for record in self._listed() if record.state is State.ENDED)

    def _listed(self) -> tuple[RunRecord, ...]:
        return self._runs([str(item["record"]) for item in self._door.all(ACTIVE)])

    def _runs(self, run_ids: Sequence[str]) -> tuple[RunRecord, ...]:
        found: dict[str, RunRecord] = {}
        for item in self._door.many([Place(run_id) for run_id in run_ids]):
            with suppress(MalformedEventError):  # it hides no other
                found[str(item["run_id"])] = to_record(item)
        return tuple(found[run_id] for run_id in run_ids if run_id in found)

    # --- a run's way ------------------------------------------------------------------------------

    def fetching(self, run_id: str, build_id: str) -> bool:
        """From starting."""
        step = life.fetching(run_id, build_id, self._now())
        return self._stepped(run_id, step, state=State.FETCHING, build_id=build_id)

    def lease(self, run_id: str, state: State, pending: Sequence[str] = ()) -> Lease:
        """An attribute of the run's item that lapses; the next step removes it."""
        before = self._door.swap(life.leased(run_id, state, pending, self._now()))
        if before is None:
            return Lease.HELD
        return Lease.AGAIN if "leased_until" in before else Lease.FIRST

    def preparing(self, run_id: str, job_id: str) -> bool:
        """From fetching."""
        step = life.preparing(run_id, job_id, self._now())
        return self._stepped(run_id, step, state=State.PREPARING, prepare_job=job_id)

    def logged(self, run_id: str, job_id: str, log_stream: str) -> None:
        """By an attribute of the run's item."""
        self._door.write(life.logged(run_id, job_id, log_stream))

    def proving(self, run_id: str, proving: Proving) -> bool:
        """From preparing."""
        step = life.proving(run_id, proving, self._now())
        return self._stepped(run_id, step, state=State.PROVING, jobs=proving.jobs)

    def _stepped(self, run_id: str, step: Sequence[Write], **facts: object) -> bool:
        """Whether a step was taken, now or earlier with the same facts."""
        if not self._door.write(step):
            return True
        record = self.get(run_id)
        return record is not None and facts.items() <= vars(record).items()

    # --- results ----------------------------------------------------------------------------------

    def record(self, result: ProofResult) -> Recorded:
        """One transaction of the result and the run, which has not ended, and counts down."""
        for trial in range(TRIES):
            run = self.get(result.run_id)
            if run is None or run.state is State.ENDED:
                return Recorded.ENDED
            failed = self._door.write(results.recorded(result, run.state, self._now()))
            if not failed:
                return Recorded.NEW
            if 0 in failed:
                return Recorded.SAME
            self._door.pause(trial)
        raise UnavailableError("a run changes too fast")

    def results(self, run: Run) -> tuple[ProofResult, ...]:
        """By the run's key; DynamoDB has them in order."""
        return tuple(to_result(run, item) for item in self._door.all(run.run_id, PROOF))

    def untold(self, run: Run) -> tuple[ProofResult, ...]:
        """Those without the mark."""
        found = self._door.all(run.run_id, PROOF)
        return tuple(to_result(run, item) for item in found if not item.get("told"))

    def told(self, result: ProofResult) -> bool:
        """A mark, unless another result stands there now."""
        return not self._door.write(results.told(result))

    # --- a run's end ------------------------------------------------------------------------------

    def end(
        self,
        run_id: str,
        verdict: End,
        reason: str,
        *,
        superseded_by: str = "",
        problems: Sequence[str] = (),
    ) -> bool:
        """From any state but ended. The run stays listed as active until it is settled."""
        told: dict[str, Any] = {"superseded_by": superseded_by, "problems": problems}
        return not self._door.write(life.ended(run_id, verdict, reason, self._now(), **told))

    def settled(self, run_id: str) -> None:
        """Take an ended run off the list of active runs."""
        self._door.write(life.settled(run_id))

    def _now(self) -> int:
        return int(self._clock())
