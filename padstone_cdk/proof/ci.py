"""The stack that a snapshot changes as a whole."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk import wiring
from padstone_cdk.pins import Pins
from padstone_cdk.proof import settings
from padstone_cdk.proof.batch import JOB_TOOLS, ProofJobs, Size, Tools
from padstone_cdk.proof.canary import Canary
from padstone_cdk.proof.common import Bucket, Common, GitHub, Runs
from padstone_cdk.proof.dashboard import Dashboard
from padstone_cdk.proof.dispatch import Dispatch
from padstone_cdk.proof.functions import Code, ProofFunction
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
        self.common = self._common()
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
        self._watch()
        self._publish_all(self._dashboard())

    def _common(self) -> Common:
        return Common(
            code=Code(
                bucket=self.text(wiring.SHARED_BUCKET),
                package=self.pins.package("lambda"),
                snapshot_id=self.pins.snapshot_id,
            ),
            github=GitHub(
                repository=self.text(settings.GITHUB_REPOSITORY),
                branch=self.text(settings.GITHUB_BRANCH),
                api=self.text(settings.GITHUB_API),
                token=self.text(settings.GITHUB_TOKEN_SECRET),
            ),
            runs=Runs(self.text(settings.RUNS_TABLE)),
            results=Bucket.of(self, settings.RESULTS_BUCKET, "RESULTS_BUCKET"),
        )

    def _webhook(self) -> Webhook:
        return Webhook(
            self,
            "Webhook",
            code=self.common.code,
            secret=self.text(settings.WEBHOOK_SECRET),
            switches=self.switches,
        )

    def _jobs(self) -> ProofJobs:
        return ProofJobs(
            self,
            "Jobs",
            tools=self._tools(),
            results=self.common.results,
            size=Size(
                max_vcpus=self.setting(settings.MAX_VCPUS),
                vcpus=self.setting(settings.JOB_VCPUS),
                memory=self.setting(settings.JOB_MEMORY),
                seconds=self.setting(settings.JOB_TIMEOUT),
            ),
        )

    def _tools(self) -> Tools:
        digest = self.pins.image("proof")
        image = [self.text(wiring.IMAGE_REPOSITORY_URI), "@", digest]
        return Tools(
            image=cdk.Fn.join("", image),
            digest=digest,
            repository=self.text(wiring.IMAGE_REPOSITORY_ARN),
            bucket=self.text(wiring.SHARED_BUCKET),
            packages={tool: self.pins.package(tool) for tool in JOB_TOOLS},
        )

    def _preparation(self) -> Preparation:
        return Preparation(
            self,
            "Preparation",
            results=self.common.results,
            token=self.common.github.token,
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
            common=self.common,
            telling=self.telling,
            events=self.webhook.events,
            preparation=self.preparation,
            jobs=self.jobs,
        )

    def _launch(self) -> Launch:
        return Launch(
            self,
            "Launch",
            common=self.common,
            telling=self.telling,
            preparation=self.preparation,
            jobs=self.jobs,
        )

    def _verdicts(self) -> Verdicts:
        return Verdicts(self, "Verdicts", common=self.common, telling=self.telling, jobs=self.jobs)

    def _statuses(self) -> Statuses:
        return Statuses(
            self,
            "Statuses",
            common=self.common,
            telling=self.telling,
            switches=self.switches,
        )

    def _reports(self) -> Reports:
        return Reports(
            self,
            "ReportWriter",
            common=self.common,
            telling=self.telling,
            to=Bucket.of(self, settings.REPORT_BUCKET, "REPORT_BUCKET"),
        )

    def _sweep(self) -> Sweep:
        return Sweep(
            self,
            "Sweep",
            common=self.common,
            telling=self.telling,
            events=self.webhook.events,
            preparation=self.preparation,
            jobs=self.jobs,
            switches=self.switches,
        )

    def _canary(self) -> Canary:
        return Canary(self, "Canary", common=self.common, webhook=self.webhook)

    @property
    def functions(self) -> list[ProofFunction]:
        """All of them, in the order in which an event meets them."""
        return [
            self.webhook.function,
            self.dispatch.function,
            self.launch.function,
            self.verdicts.function,
            self.statuses.function,
            self.reports.function,
            self.sweep.function,
            self.canary.function,
        ]

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
                **self._undelivered(),
                "Watch": watch.undelivered,
            }
        )
        watch.waiting({name.title(): queue.queue for name, queue in self._queues().items()})
        watch.silence(self.verdicts.function, self.sweep.function)
        watch.jobs(self.jobs.queue.ref)
        watch.preparation(self.preparation.project.ref)

    def _undelivered(self) -> dict[str, sqs.Queue]:
        called = {
            "Launch": self.launch.function,
            "Verdicts": self.verdicts.function,
            "Sweep": self.sweep.function,
            "Canary": self.canary.function,
        }
        return {name: one.undelivered for name, one in called.items() if one.undelivered}

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
