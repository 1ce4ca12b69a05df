"""The stack that a snapshot changes as a whole."""

import aws_cdk as cdk
from constructs import Construct

from padstone_cdk import wiring
from padstone_cdk.pins import Pins
from padstone_cdk.proof import settings
from padstone_cdk.proof.batch import JOB_TOOLS, ProofJobs
from padstone_cdk.proof.canary import Canary
from padstone_cdk.proof.dashboard import Dashboard
from padstone_cdk.proof.dispatch import Dispatch
from padstone_cdk.proof.functions import Code
from padstone_cdk.proof.launch import Launch
from padstone_cdk.proof.preparation import Preparation
from padstone_cdk.proof.queues import WorkQueue
from padstone_cdk.proof.report import Reports, ReportSite
from padstone_cdk.proof.sweep import Sweep
from padstone_cdk.proof.switches import Switches
from padstone_cdk.proof.telling import Telling
from padstone_cdk.proof.verdicts import Statuses, Verdicts
from padstone_cdk.proof.watch import Watch
from padstone_cdk.proof.webhook import Webhook
from padstone_cdk.stack import PadstoneStack


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
        self.site = self._site()
        self.telling = Telling.made(Construct(self, "Telling"), report_url=self.site.url)
        self.dispatch = self._dispatch()
        self.launch = self._launch()
        self.verdicts = self._verdicts()
        self.statuses = self._statuses()
        self.reports = self._reports()
        self.sweep = self._sweep()
        self.canary = self._canary()
        self.functions = [
            self.webhook.function,
            self.dispatch.function,
            self.launch.function,
            self.verdicts.judge,
            self.statuses.function,
            self.reports.function,
            self.sweep.function,
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
            digest=self.pins.image("proof"),
            repository=self.text(wiring.IMAGE_REPOSITORY_ARN),
            packages={tool: self.pins.package(tool) for tool in JOB_TOOLS},
            shared_bucket=self.text(wiring.SHARED_BUCKET),
            results_bucket=self.text(settings.RESULTS_BUCKET),
            max_vcpus=self.setting(settings.MAX_VCPUS),
            vcpus=self.setting(settings.JOB_VCPUS),
            memory=self.setting(settings.JOB_MEMORY),
            timeout=self.setting(settings.JOB_TIMEOUT),
        )

    def _served(self) -> dict[str, str]:
        """Whom the functions that ask GitHub serve."""
        return {
            "GITHUB_REPOSITORY": self.text(settings.GITHUB_REPOSITORY),
            "GITHUB_BRANCH": self.text(settings.GITHUB_BRANCH),
            "GITHUB_API_URL": self.text(settings.GITHUB_API),
        }

    def _submitting(self) -> dict[str, str]:
        """What jobs are submitted by."""
        return {
            "GITHUB_REPOSITORY": self.text(settings.GITHUB_REPOSITORY),
            "JOB_QUEUE": self.jobs.queue.ref,
            "JOB_DEFINITION": self.jobs.definition.ref,
            "JOB_SECONDS": self.setting(settings.JOB_TIMEOUT).value_as_string,
            "JOB_MEMORY_MIB": self.setting(settings.JOB_MEMORY).value_as_string,
        }

    def _kept(self) -> dict[str, str]:
        """Where results and the record of runs are."""
        return {
            "results_bucket": self.text(settings.RESULTS_BUCKET),
            "runs_table": self.text(settings.RUNS_TABLE),
        }

    def _preparation(self) -> Preparation:
        return Preparation(
            self,
            "Preparation",
            environment={"RESULTS_BUCKET": self.text(settings.RESULTS_BUCKET)},
            results_bucket=self.text(settings.RESULTS_BUCKET),
            token=self.text(settings.GITHUB_TOKEN_SECRET),
            access=self.text(settings.REPOSITORY_ACCESS),
        )

    def _site(self) -> ReportSite:
        return ReportSite(
            self,
            "Reports",
            bucket=self.text(settings.REPORT_BUCKET),
            visibility=self.text(settings.REPORT_VISIBILITY),
        )

    def _dispatch(self) -> Dispatch:
        return Dispatch(
            self,
            "Dispatch",
            code=self.code,
            events=self.webhook.events.queue,
            telling=self.telling,
            runs_table=self.text(settings.RUNS_TABLE),
            token=self.text(settings.GITHUB_TOKEN_SECRET),
            project=self.preparation.project,
            environment={
                **self._served(),
                "RESULTS_BUCKET": self.text(settings.RESULTS_BUCKET),
                "JOB_QUEUE": self.jobs.queue.ref,
            },
        )

    def _launch(self) -> Launch:
        return Launch(
            self,
            "Launch",
            code=self.code,
            jobs=self.jobs,
            project=self.preparation.project,
            telling=self.telling,
            environment=self._submitting(),
            **self._kept(),
        )

    def _verdicts(self) -> Verdicts:
        return Verdicts(
            self,
            "Verdicts",
            code=self.code,
            queue_arn=self.jobs.queue.ref,
            telling=self.telling,
            environment={"GITHUB_REPOSITORY": self.text(settings.GITHUB_REPOSITORY)},
            **self._kept(),
        )

    def _statuses(self) -> Statuses:
        return Statuses(
            self,
            "Statuses",
            code=self.code,
            telling=self.telling,
            token=self.text(settings.GITHUB_TOKEN_SECRET),
            switches=self.switches,
            repository=self.text(settings.GITHUB_REPOSITORY),
            github_api=self.text(settings.GITHUB_API),
        )

    def _reports(self) -> Reports:
        return Reports(
            self,
            "ReportWriter",
            code=self.code,
            telling=self.telling,
            report_bucket=self.text(settings.REPORT_BUCKET),
            environment={"GITHUB_REPOSITORY": self.text(settings.GITHUB_REPOSITORY)},
            **self._kept(),
        )

    def _sweep(self) -> Sweep:
        return Sweep(
            self,
            "Sweep",
            code=self.code,
            events=self.webhook.events.queue,
            jobs=self.jobs,
            project=self.preparation.project,
            telling=self.telling,
            switches=self.switches,
            token=self.text(settings.GITHUB_TOKEN_SECRET),
            environment={**self._served(), **self._submitting()},
            **self._kept(),
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
                **{name.title(): queue.dead for name, queue in self._queues().items()},
                "Launch": self.launch.undelivered,
                "Verdicts": self.verdicts.undelivered,
                "Sweep": self.sweep.undelivered,
                "Canary": self.canary.undelivered,
            }
        )
        watch.waiting({name.title(): queue.queue for name, queue in self._queues().items()})
        watch.silence(self.verdicts.judge)
        watch.jobs(self.jobs.queue.ref)
        watch.preparation(self.preparation.project.ref)

    def _dashboard(self) -> Dashboard:
        return Dashboard(
            self,
            "Dashboard",
            title=self.text(settings.PROJECT_NAME),
            functions=self.functions,
            queues=self._queues(),
        )

    def _queues(self) -> dict[str, WorkQueue]:
        return {
            "events": self.webhook.events,
            "statuses": self.telling.statuses,
            "reports": self.telling.reports,
        }

    def _publish_all(self, dashboard: Dashboard) -> None:
        self.publish("WebhookUrl", self.webhook.url, "What GitHub's webhook posts to")
        self.publish("ReportSiteUrl", self.site.url, "Where reports are read")
        self.publish("JobQueueArn", self.jobs.queue.ref, "Queue of proofs")
        self.publish("JobDefinitionArn", self.jobs.definition.ref, "What a proof is run by")
        self.publish("PreparationProject", self.preparation.project.ref, "Fetches sources")
        self.publish("DashboardName", dashboard.name, "Dashboard of this account's proofs")
        events = self.webhook.events.queue.queue_url
        self.publish("EventsQueueUrl", events, "Takes requests for runs, and their cancellations")
        self.publish("JobLogGroup", self.jobs.logs.log_group_name, "What jobs say")
        self.publish("PreparationLogGroup", self.preparation.logs.log_group_name, "What builds say")
        groups = [f"{one.name}={one.logs.log_group_name}" for one in self.functions]
        said = "What functions say: NAME=GROUP, separated by commas"
        self.publish("FunctionLogGroups", ",".join(groups), said)
