"""The stack that a snapshot changes as a whole."""

import aws_cdk as cdk
from constructs import Construct

from padstone_cdk import wiring
from padstone_cdk.pins import Pins
from padstone_cdk.proof import settings
from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.switches import Switches
from padstone_cdk.stack import PadstoneStack

_JOB_TOOLS = ("batch", "cbmc", "viewer")


class CiStack(PadstoneStack):
    """From GitHub's event to a verdict at GitHub, and what watches over it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone proof account: from an event of GitHub to the proofs' verdicts",
            account_owned=["CiOperational", "GitHubUpdating"],
        )
        for required in (settings.PROJECT_NAME, settings.NOTIFICATION_ADDRESS):
            self.setting(required)
        self.switches = Switches(
            self,
            "Switches",
            operational=self.text(settings.CI_OPERATIONAL),
            updating=self.text(settings.GITHUB_UPDATING),
        )
        self.jobs = self._jobs()
        self.publish("JobQueueArn", self.jobs.queue.ref, "Queue of proofs")

    def _jobs(self) -> ProofJobs:
        image = [self.text(wiring.IMAGE_REPOSITORY_URI), "@", self.pins.image("proof")]
        return ProofJobs(
            self,
            "Jobs",
            image=cdk.Fn.join("", image),
            repository=self.text(wiring.IMAGE_REPOSITORY_ARN),
            packages={tool: self.pins.package(tool) for tool in _JOB_TOOLS},
            shared_bucket=self.text(wiring.SHARED_BUCKET),
            results_bucket=self.text(settings.RESULTS_BUCKET),
            max_vcpus=self.setting(settings.MAX_VCPUS),
            vcpus=self.setting(settings.JOB_VCPUS),
            memory=self.setting(settings.JOB_MEMORY),
            timeout=self.setting(settings.JOB_TIMEOUT),
        )
