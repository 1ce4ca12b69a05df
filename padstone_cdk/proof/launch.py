"""From a fetched source to the jobs of its proofs."""

from constructs import Construct

from padstone_cdk.proof import ended
from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.common import Common
from padstone_cdk.proof.functions import Limits, ProofFunction
from padstone_cdk.proof.needs import Need, joined
from padstone_cdk.proof.preparation import Preparation
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.telling import Telling


class Launch(Construct):
    """`function` submits jobs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        common: Common,
        telling: Telling,
        preparation: Preparation,
        jobs: ProofJobs,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Launch",
            code=common.code,
            name="launch",
            description="Submits the jobs of a run, one after another has ended",
            limits=Limits(seconds=120, memory_mib=512),
            needs=[to_launch(common, telling, preparation, jobs)],
            undelivered=dead_letters(self, "Undelivered"),
        )
        ended.call(
            self,
            "Fetched",
            "Sources that were fetched, or not",
            pattern=ended.builds(preparation.project),
            function=self.function,
        )
        ended.call(
            self,
            "Prepared",
            "Jobs that have prepared a source, or not",
            pattern=ended.jobs(jobs.queue.ref, ended.PREPARE_JOBS),
            function=self.function,
        )


def to_launch(common: Common, telling: Telling, preparation: Preparation, jobs: ProofJobs) -> Need:
    """Submit the jobs of a run, one after another has ended, or end it and tell."""
    return joined(
        [
            common.github.to_name(),
            common.runs.to_record(),
            telling.to_tell(),
            jobs.to_submit(),
            jobs.to_stop(),
            jobs.to_know_attempts(),
            preparation.to_follow(),
            common.results.to_read("outputs/*/proofs.json"),
            common.results.to_write("runs/*/plan.json"),
        ]
    )
