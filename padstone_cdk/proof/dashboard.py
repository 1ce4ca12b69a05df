"""The numbers of an account on one page."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from padstone_cdk.proof.functions import ProofFunction
from padstone_cdk.proof.queues import WorkQueue

_HOUR = cdk.Duration.hours(1)
_WIDTH = 12


class Dashboard(Construct):
    """`name` is the stack's, so that every environment has its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        title: str,
        functions: Sequence[ProofFunction],
        queues: dict[str, WorkQueue],
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = f"{cdk.Aws.STACK_NAME}-{cdk.Aws.REGION}"
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self.name)
        dashboard.add_widgets(
            cloudwatch.TextWidget(markdown=f"# Proofs of {title}", width=2 * _WIDTH, height=2)
        )
        dashboard.add_widgets(
            _graph(
                "Invocations",
                [f.function.metric_invocations(period=_HOUR, label=f.name) for f in functions],
            ),
            _graph(
                "Errors",
                [f.function.metric_errors(period=_HOUR, label=f.name) for f in functions],
            ),
        )
        dashboard.add_widgets(
            _graph("Messages that wait", [_waiting(n, q) for n, q in queues.items()]),
            _graph(
                "Duration",
                [f.function.metric_duration(period=_HOUR, label=f.name) for f in functions],
            ),
        )


def _waiting(name: str, queue: WorkQueue) -> cloudwatch.IMetric:
    return queue.queue.metric_approximate_number_of_messages_visible(period=_HOUR, label=name)


def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=_WIDTH)
