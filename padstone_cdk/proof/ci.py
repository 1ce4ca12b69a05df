"""The stack that a snapshot changes as a whole."""

import aws_cdk as cdk

from padstone_cdk import wiring
from padstone_cdk.pins import Pins
from padstone_cdk.proof import settings
from padstone_cdk.proof.batch import ProofJobs, pins_text
from padstone_cdk.proof.canary import Canary
from padstone_cdk.proof.dashboard import Dashboard
from padstone_cdk.proof.dispatch import Dispatch
from padstone_cdk.proof.functions import Code
from padstone_cdk.proof.preparation import Preparation
from padstone_cdk.proof.report import ReportSite
from padstone_cdk.proof.switches import Switches
from padstone_cdk.proof.verdicts import Statuses, Verdicts
from padstone_cdk.proof.watch import Watch
from padstone_cdk.proof.webhook import Webhook
from padstone_cdk.stack import PadstoneStack

_JOB_TOOLS = ("batch", "cbmc", "viewer")


class CiStack(PadstoneStack):
    """From GitHub's event to a verdict at GitHub, and what watches over it.

    Its attributes are the components, in the order in which an event meets them.
    """

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone proof account: from an event of GitHub to the proofs' verdicts",
            account_owned=[settings.CI_OPERATIONAL.name, settings.GITHUB_UPDATING.name],
        )
        self.code = Code(
            bucket=self.text(wiring.SHARED_BUCKET),
            package=pins.package("lambda"),
            snapshot_id=pins.snapshot_id,
        )
        self.switches = Switches(
            self,
            "Switches",
            operational=self.text(settings.CI_OPERATIONAL),
            updating=self.text(settings.GITHUB_UPDATING),
        )
        self.webhook = self._webhook()
        self.jobs = self._jobs()
        self.preparation = self._preparation()
        self.dispatch = self._dispatch()
        self.verdicts = self._verdicts()
        self.statuses = self._statuses()
        self.reports = ReportSite(self, "Reports", bucket=self.text(settings.REPORT_BUCKET))
        self.canary = self._canary()
        self.functions = [
            self.webhook.function,
            self.dispatch.function,
            self.verdicts.judge,
            self.statuses.function,
            self.canary.function,
        ]
        self._watch()
        self._publish_all(self._dashboard())

    def _webhook(self) -> Webhook:
        return Webhook(
            self,
            "Webhook",
            code=self.code,
            secret=self.text(settings.WEBHOOK_SECRET),
            switches=self.switches,
        )

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

    def _handed_on(self) -> dict[str, str]:
        """What dispatch gives to the preparation beside the run."""
        return {
            "RESULTS_BUCKET": self.text(settings.RESULTS_BUCKET),
            "JOB_QUEUE": self.jobs.queue.ref,
            "JOB_DEFINITION": self.jobs.definition.ref,
            "SHARED_BUCKET": self.text(wiring.SHARED_BUCKET),
            "PACKAGE_PINS": pins_text({tool: self.pins.package(tool) for tool in _JOB_TOOLS}),
            "SNAPSHOT_ID": self.pins.snapshot_id,
        }

    def _preparation(self) -> Preparation:
        return Preparation(
            self,
            "Preparation",
            environment=self._handed_on(),
            results_bucket=self.text(settings.RESULTS_BUCKET),
            jobs=self.jobs,
        )

    def _dispatch(self) -> Dispatch:
        return Dispatch(
            self,
            "Dispatch",
            code=self.code,
            events=self.webhook.events.queue,
            runs_table=self.text(settings.RUNS_TABLE),
            project=self.preparation.project,
            environment={
                **self._handed_on(),
                "GITHUB_REPOSITORY": self.text(settings.GITHUB_REPOSITORY),
                "GITHUB_BRANCH": self.text(settings.GITHUB_BRANCH),
            },
        )

    def _verdicts(self) -> Verdicts:
        return Verdicts(
            self,
            "Verdicts",
            code=self.code,
            queue_arn=self.jobs.queue.ref,
            results_bucket=self.text(settings.RESULTS_BUCKET),
            runs_table=self.text(settings.RUNS_TABLE),
            repository=self.text(settings.GITHUB_REPOSITORY),
        )

    def _statuses(self) -> Statuses:
        return Statuses(
            self,
            "Statuses",
            code=self.code,
            queue=self.verdicts.statuses,
            token=self.text(settings.GITHUB_TOKEN_SECRET),
            switches=self.switches,
            repository=self.text(settings.GITHUB_REPOSITORY),
            github_api=self.text(settings.GITHUB_API),
        )

    def _canary(self) -> Canary:
        return Canary(
            self,
            "Canary",
            code=self.code,
            webhook_secret=self.text(settings.WEBHOOK_SECRET),
            token=self.text(settings.GITHUB_TOKEN_SECRET),
            url=self.webhook.url,
            repository=self.text(settings.GITHUB_REPOSITORY),
            branch=self.text(settings.GITHUB_BRANCH),
            github_api=self.text(settings.GITHUB_API),
        )

    def _watch(self) -> None:
        watch = Watch(
            self,
            "Watch",
            people=self.text(settings.NOTIFICATION_ADDRESS),
            tickets=self.text(settings.SIM_ADDRESS),
        )
        watch.functions(self.functions)
        watch.dead_letters(
            {
                "Events": self.webhook.events.dead,
                "Statuses": self.verdicts.statuses.dead,
                "Verdicts": self.verdicts.undelivered,
                "Canary": self.canary.undelivered,
            }
        )
        watch.silence(self.verdicts.judge)
        watch.jobs(self.jobs.queue.ref)
        watch.preparation(self.preparation.project.ref)

    def _dashboard(self) -> Dashboard:
        return Dashboard(
            self,
            "Dashboard",
            title=self.text(settings.PROJECT_NAME),
            functions=self.functions,
            queues={"events": self.webhook.events, "statuses": self.verdicts.statuses},
        )

    def _publish_all(self, dashboard: Dashboard) -> None:
        self.publish("WebhookUrl", self.webhook.url, "What GitHub's webhook posts to")
        self.publish("ReportSiteUrl", self.reports.url, "Where reports are read")
        self.publish("JobQueueArn", self.jobs.queue.ref, "Queue of proofs")
        self.publish("JobDefinitionArn", self.jobs.definition.ref, "What a proof is run by")
        self.publish("PreparationProject", self.preparation.project.ref, "Starts runs by hand")
        self.publish("DashboardName", dashboard.name, "Dashboard of this account's proofs")
