"""Whom the functions of a run tell: statuses at GitHub, and reports."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.proof.policies import allow
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
                scope, "Statuses", hidden_seconds=180, attempts=_OUTAGE, in_order=True
            ),
            reports=WorkQueue(scope, "Reports", hidden_seconds=1800, attempts=3, in_order=True),
            report_url=report_url,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a function that tells reads."""
        return {
            "STATUS_QUEUE_URL": self.statuses.queue.queue_url,
            "REPORTS_QUEUE_URL": self.reports.queue.queue_url,
            "REPORT_URL": self.report_url,
        }

    @property
    def statement(self) -> iam.PolicyStatement:
        """What the role of a function that tells needs."""
        queues = (self.statuses, self.reports)
        return allow([one.queue.queue_arn for one in queues], "sqs:SendMessage")
