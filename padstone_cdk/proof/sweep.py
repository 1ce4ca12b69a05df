"""What went by unseen: every five minutes somebody looks for it."""

import aws_cdk as cdk
from constructs import Construct

from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.common import Common
from padstone_cdk.proof.functions import Limits, ProofFunction
from padstone_cdk.proof.launch import to_launch
from padstone_cdk.proof.preparation import Preparation
from padstone_cdk.proof.queues import WorkQueue, dead_letters
from padstone_cdk.proof.schedules import scheduled
from padstone_cdk.proof.switches import Switches
from padstone_cdk.proof.telling import Telling
from padstone_cdk.proof.verdicts import to_judge

_PERIOD = cdk.Duration.minutes(5)


class Sweep(Construct):
    """`function` ends lost runs and finds lost deliveries."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        common: Common,
        telling: Telling,
        events: WorkQueue,
        preparation: Preparation,
        jobs: ProofJobs,
        switches: Switches,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Sweep",
            code=common.code,
            name="sweep",
            description="Ends runs that are lost, and starts those whose delivery was lost",
            limits=Limits(seconds=240, memory_mib=512),  # done before the next one starts
            needs=[
                to_launch(common, telling, preparation, jobs),
                to_judge(common, telling, jobs),
                events.to_send(),
                common.github.to_judge(),
                switches.to_obey_operational(),
            ],
            undelivered=dead_letters(self, "Undelivered"),
        )
        scheduled(
            self,
            "Often",
            "Looks for runs and deliveries that were lost",
            expression=f"rate({_PERIOD.to_minutes()} minutes)",
            function=self.function,
            attempts=0,  # the next one comes soon
            late=_PERIOD,
        )
