"""What went by unseen: every five minutes somebody looks for it."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.proof import launch, verdicts
from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.functions import Code, ProofFunction
from padstone_cdk.proof.policies import (
    RECORDING,
    allow,
    named_by_runs,
    of_runs,
)
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.schedules import scheduled
from padstone_cdk.proof.switches import Switches, reading
from padstone_cdk.proof.telling import Telling

_PERIOD = cdk.Duration.minutes(5)


class Sweep(Construct):
    """`function` ends lost runs and finds lost deliveries; `undelivered` holds lost calls of it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        events: sqs.Queue,
        jobs: ProofJobs,
        project: codebuild.CfnProject,
        telling: Telling,
        switches: Switches,
        token: str,
        results_bucket: str,
        runs_table: str,
        environment: Mapping[str, str],
    ) -> None:
        """`environment` is what jobs are submitted by, and whom it serves."""
        super().__init__(scope, construct_id)
        self.undelivered = dead_letters(self, "Undelivered")
        self.function = ProofFunction(
            self,
            "Sweep",
            code=code,
            name="sweep",
            description="Ends runs that are lost, and starts those whose delivery was lost",
            seconds=240,  # done before the next one starts
            memory_mib=512,
            environment={
                **environment,
                **telling.environment,
                "RESULTS_BUCKET": results_bucket,
                "RUNS_TABLE": runs_table,
                "PREPARE_PROJECT": project.ref,
                "EVENTS_QUEUE_URL": events.queue_url,
                "GITHUB_TOKEN_SECRET_ARN": token,
                "CI_OPERATIONAL_PARAMETER": switches.operational.ref,
            },
            statements=[
                of_runs(runs_table, *RECORDING),
                telling.statement,
                *launch.launching(jobs, project, results_bucket),
                *verdicts.judging(results_bucket),
                allow(["*"], "batch:DescribeJobs"),
                allow([events.queue_arn], "sqs:SendMessage"),
                allow([token], "secretsmanager:GetSecretValue"),
                reading(switches.operational),
            ],
            undelivered=self.undelivered,
        )
        named_by_runs(self.function.role, *launch.FINDINGS, *verdicts.FINDINGS)
        scheduled(
            self,
            "Often",
            "Looks for runs and deliveries that were lost",
            expression=f"rate({_PERIOD.to_minutes()} minutes)",
            function=self.function,
            undelivered=self.undelivered,
            attempts=0,  # the next one comes soon
            late=_PERIOD,
        )
