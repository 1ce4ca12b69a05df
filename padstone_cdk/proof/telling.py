"""Whom the functions of a run tell: statuses at GitHub, and reports."""

from dataclasses import dataclass

from constructs import Construct

from padstone_cdk.proof.needs import Need, joined, to_know
from padstone_cdk.proof.queues import WorkQueue

_OUTAGE = 480  # at 180 seconds each: GitHub may be away for a day, and nothing stays pending


@dataclass(frozen=True, kw_only=True)
class Telling:
    """The two queues of what is to be told, and where reports will be read."""

    statuses: WorkQueue
    reports: WorkQueue
    report_url: str

    @classmethod
    def made(cls, scope: Construct, *, report_url: str) -> "Telling":
        """Make the queues: in order, so that no status is overtaken by an older one."""
        return cls(
            statuses=WorkQueue(
                scope,
                "Statuses",
                known_as="STATUS_QUEUE_URL",
                hidden_seconds=180,
                attempts=_OUTAGE,
                in_order=True,
            ),
            reports=WorkQueue(
                scope,
                "Reports",
                known_as="REPORTS_QUEUE_URL",
                hidden_seconds=1800,
                attempts=3,
                in_order=True,
            ),
            report_url=report_url,
        )

    def to_tell(self) -> Need:
        """Ask for statuses, which lead to reports, and for the reports."""
        return joined(
            [
                self.statuses.to_send(),
                self.reports.to_send(),
                to_know(REPORT_URL=self.report_url),
            ]
        )
