"""The end of a run: once, told to everybody, and with nothing left running."""

from dataclasses import dataclass, field

from .log import Log
from .ports import Builds, Jobs, Queue, Runs
from .run import End, RunRecord


@dataclass(frozen=True)
class Endings:
    """What it takes to end a run early."""

    runs: Runs
    builds: Builds
    jobs: Jobs
    statuses: Queue
    reports: Queue
    report_url: str
    log: Log = field(default_factory=Log)

    def end(self, record: RunRecord, verdict: End, reason: str, *, superseded_by: str = "") -> bool:
        """End the run unless it has ended; whether this call did.

        Its build and jobs are stopped, and what was pending gets a final status: of a superseded
        run "Cancelled: superseded by" and the commit of the run `superseded_by`; of a cancelled one
        "Cancelled: " and the reason, or "Cancelled by request" if there is none. What a crash
        leaves undone the sweep does.
        """
        return self.runs.end(record.run.run_id, verdict, reason, superseded_by=superseded_by)
