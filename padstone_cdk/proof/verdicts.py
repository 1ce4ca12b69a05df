"""From a job's end, or its early verdict, to the verdict that counts; and to a status at GitHub."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.proof import ended
from padstone_cdk.proof.functions import Code, ProofFunction, consuming
from padstone_cdk.proof.policies import (
    RECORDING,
    allow,
    found,
    named_by_runs,
    objects,
    of_runs,
)
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.switches import Switches, reading
from padstone_cdk.proof.telling import Telling

_EARLY = "outputs/*/verdict.json"
FINDINGS = tuple(map(found, (_EARLY, "runs/*/plan.json", "runs/*/result.json", "cache/*.json")))


class Verdicts(Construct):
    """`judge` keeps verdicts and asks for statuses; `undelivered` holds events it never took."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        queue_arn: str,
        telling: Telling,
        results_bucket: str,
        runs_table: str,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = dead_letters(self, "Undelivered")
        self.judge = ProofFunction(
            self,
            "Judge",
            code=code,
            name="verdict",
            description="Keeps the verdict of a proof's job, then asks for its status and report",
            environment={
                **environment,
                **telling.environment,
                "RESULTS_BUCKET": results_bucket,
                "RUNS_TABLE": runs_table,
            },
            statements=[
                of_runs(runs_table, *RECORDING),
                telling.statement,
                *judging(results_bucket),
            ],
            undelivered=self.undelivered,
        )
        named_by_runs(self.judge.role, *FINDINGS)
        of_jobs = ended.jobs(queue_arn, ended.PROOF_JOBS)
        self._on("Ended", "Jobs of this account's proofs that have ended", of_jobs)
        early = ended.objects(results_bucket, _EARLY)
        self._on("Early", "Verdicts of proofs whose jobs go on to their reports", early)

    def _on(self, construct_id: str, description: str, pattern: ended.Pattern) -> None:
        ended.call(
            self,
            construct_id,
            description,
            pattern=pattern,
            function=self.judge,
            undelivered=self.undelivered,
        )


def judging(results_bucket: str) -> list[iam.PolicyStatement]:
    """Return what it takes to keep verdicts."""
    read, written = (_EARLY, "runs/*/plan.json"), ("runs/*/result.json", "cache/*.json")
    return [
        allow([objects(results_bucket, pattern) for pattern in read], "s3:GetObject"),
        allow([objects(results_bucket, pattern) for pattern in written], "s3:PutObject"),
    ]


class Statuses(Construct):
    """The only function that writes to GitHub; a commit's statuses one after another."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        telling: Telling,
        token: str,
        switches: Switches,
        repository: str,
        github_api: str,
    ) -> None:
        super().__init__(scope, construct_id)
        queue = telling.statuses.queue
        self.function = ProofFunction(
            self,
            "Write",
            code=code,
            name="status",
            description="Writes commit statuses to GitHub, as patiently as it asks for",
            environment={
                "STATUS_QUEUE_URL": queue.queue_url,
                "GITHUB_TOKEN_SECRET_ARN": token,
                "GITHUB_UPDATING_PARAMETER": switches.updating.ref,
                "GITHUB_REPOSITORY": repository,
                "GITHUB_API_URL": github_api,
            },
            statements=[
                consuming(queue),
                allow([token], "secretsmanager:GetSecretValue"),
                reading(switches.updating),
            ],
        )
        self.function.consume(queue, batch=1, at_once=2)
