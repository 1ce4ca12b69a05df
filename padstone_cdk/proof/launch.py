"""From a fetched source to the jobs of its proofs."""

from collections.abc import Mapping

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.proof import ended
from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.functions import Code, ProofFunction
from padstone_cdk.proof.policies import (
    JOBS,
    RECORDING,
    allow,
    arn,
    found,
    named_by_runs,
    objects,
    of_runs,
    stopping_jobs,
)
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.telling import Telling

_REPLAYS = "job-definition/padstone-replay-*"
FINDINGS = (
    JOBS,
    found("outputs/*/proofs.json"),
    found("runs/*/plan.json"),
    f"arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>:{_REPLAYS}",
)


class Launch(Construct):
    """`function` submits jobs; `undelivered` holds events it never took."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        jobs: ProofJobs,
        project: codebuild.CfnProject,
        telling: Telling,
        results_bucket: str,
        runs_table: str,
        environment: Mapping[str, str],
    ) -> None:
        """`environment` is what jobs are submitted by."""
        super().__init__(scope, construct_id)
        self.undelivered = dead_letters(self, "Undelivered")
        self.function = ProofFunction(
            self,
            "Launch",
            code=code,
            name="launch",
            description="Submits the jobs of a run, one after another has ended",
            seconds=120,
            memory_mib=512,
            environment={
                **environment,
                **telling.environment,
                "RESULTS_BUCKET": results_bucket,
                "PREPARE_PROJECT": project.ref,
                "RUNS_TABLE": runs_table,
            },
            statements=[
                of_runs(runs_table, *RECORDING),
                telling.statement,
                *launching(jobs, project, results_bucket),
            ],
            undelivered=self.undelivered,
        )
        named_by_runs(self.function.role, *FINDINGS)
        self._on("Fetched", "Sources that were fetched, or not", ended.builds(project))
        self._on(
            "Prepared",
            "Jobs that have prepared a source, or not",
            ended.jobs(jobs.queue.ref, ended.PREPARE_JOBS),
        )

    def _on(self, construct_id: str, description: str, pattern: ended.Pattern) -> None:
        ended.call(
            self,
            construct_id,
            description,
            pattern=pattern,
            function=self.function,
            undelivered=self.undelivered,
        )


def launching(
    jobs: ProofJobs, project: codebuild.CfnProject, results_bucket: str
) -> list[iam.PolicyStatement]:
    """Return what it takes to submit the jobs of a run: the account's, or those of a replay."""
    return [
        allow([jobs.queue.ref, jobs.definition.ref, arn("batch", _REPLAYS)], "batch:SubmitJob"),
        allow(["*"], "batch:ListJobs"),
        stopping_jobs(),
        allow([project.attr_arn], "codebuild:BatchGetBuilds", "codebuild:StopBuild"),
        allow([objects(results_bucket, "outputs/*/proofs.json")], "s3:GetObject"),
        allow([objects(results_bucket, "runs/*/plan.json")], "s3:PutObject"),
    ]
