"""The early end of a run: once, told to everybody, with nothing left running.

First the end is recorded, then the rest is done. Whatever a crash leaves undone `settle` does,
which the sweep repeats until the run is settled.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proof_ci.model.jobs import prepare_name, prove_prefix
from proof_ci.model.run import End, RunRecord, State
from proof_ci.ports import Builds, Jobs, Runs
from proof_ci.telling import AGAIN, Telling


@dataclass(frozen=True)
class Endings:
    """What it takes to end a run early."""

    telling: Telling
    builds: Builds
    jobs: Jobs
    clock: Callable[[], float] = time.time

    @property
    def runs(self) -> Runs:
        """The record of runs."""
        return self.telling.runs

    def end(
        self,
        record: RunRecord,
        verdict: End,
        reason: str,
        *,
        superseded_by: str = "",
        problems: Sequence[str] = (),
    ) -> bool:
        """End the run unless it has ended; whether this call did.

        Its build and jobs are stopped, and what was pending gets a final status: of a superseded
        run "Cancelled: superseded by" and the commit of the run `superseded_by`; of a cancelled one
        "Cancelled: " and the reason, or "Cancelled by request" if there is none. What a crash
        leaves undone the sweep does.
        """
        run_id = record.run.run_id
        ended = self.runs.end(
            run_id, verdict, reason, superseded_by=superseded_by, problems=problems
        )
        if ended:
            self.telling.log.info("ended", correlation_id=run_id, verdict=verdict, reason=reason)
        self.settle(run_id)
        return ended

    def settle(self, run_id: str) -> None:
        """Do what an ended run still asks for, if anything; repeating it does no harm.

        While somebody may still be starting the run or submitting its jobs it stays unsettled, for
        what they submit and tell comes after this.
        """
        record = self.runs.get(run_id)
        if record is None or record.state is not State.ENDED or record.settled:
            return
        lapsed = 0 < record.busy_until <= self.clock()
        self.telling.end(record, AGAIN if lapsed else "")
        self._stop(record)
        if lapsed or not record.busy_until:
            self.runs.settled(run_id)

    def retell(self, record: RunRecord) -> None:
        """Tell an ended run's end again, over what was told since."""
        self.telling.end(record, AGAIN)

    def _stop(self, record: RunRecord) -> None:
        """Stop what was recorded, and what was submitted and is not recorded yet."""
        if record.total and not record.remaining:
            return
        run_id, reason = record.run.run_id, f"the run has ended: {record.verdict}"
        if record.build_id and not record.prepare_job:
            self.builds.stop(record.build_id)
        if not record.build_id:
            return
        known = {record.prepare_job, *(job.job_id for job in record.jobs)} - {""}
        unknown = {
            *self.jobs.named(prepare_name(run_id)).values(),
            *self.jobs.named(prove_prefix(run_id)).values(),
        }
        for job_id in sorted(known | unknown):
            self.jobs.stop(job_id, reason)
