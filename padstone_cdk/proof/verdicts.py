"""From an ended job to a status at GitHub: one function judges, one writes."""

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof.functions import Code, ProofFunction, consuming
from padstone_cdk.proof.policies import allow, arn, objects
from padstone_cdk.proof.queues import WorkQueue, dead_letters
from padstone_cdk.proof.switches import Switches, reading


class Verdicts(Construct):
    """`judge` keeps verdicts and asks for statuses; `undelivered` holds events it never took."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        queue_arn: str,
        results_bucket: str,
        runs_table: str,
        repository: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.statuses = WorkQueue(self, "Statuses", hidden_seconds=180, attempts=10)
        self.judge = ProofFunction(
            self,
            "Judge",
            code=code,
            name="verdict",
            description="Keeps the verdict of a proof's ended job, then asks for its status",
            environment={
                "RESULTS_BUCKET": results_bucket,
                "RUNS_TABLE": runs_table,
                "STATUS_QUEUE_URL": self.statuses.queue.queue_url,
                "GITHUB_REPOSITORY": repository,
            },
            statements=[
                allow([objects(results_bucket, "runs/*/result.json")], "s3:PutObject"),
                allow([arn("dynamodb", f"table/{runs_table}")], "dynamodb:PutItem"),
                allow([self.statuses.queue.queue_arn], "sqs:SendMessage"),
            ],
        )
        accept(
            self.judge.role,
            "A run is known when its jobs end, not when the role is made",
            "IAM5[Resource::arn:<AWS::Partition>:s3:::<ResultsBucketName>/runs/*/result.json]",
        )
        self.undelivered = dead_letters(self, "Undelivered")
        self._on_ended_jobs(queue_arn)

    def _on_ended_jobs(self, queue_arn: str) -> None:
        events.Rule(
            self,
            "Ended",
            description="Jobs of this account's proofs that have ended",
            event_pattern=events.EventPattern(
                source=["aws.batch"],
                detail_type=["Batch Job State Change"],
                detail={"jobQueue": [queue_arn], "status": ["SUCCEEDED", "FAILED"]},
            ),
            targets=[
                targets.LambdaFunction(
                    self.judge.function, dead_letter_queue=self.undelivered, retry_attempts=185
                )
            ],
        )


class Statuses(Construct):
    """The only function that writes to GitHub, one status after another."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        queue: WorkQueue,
        token: str,
        switches: Switches,
        repository: str,
        github_api: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Write",
            code=code,
            name="status",
            description="Writes commit statuses to GitHub, as patiently as it asks for",
            at_once=1,
            environment={
                "STATUS_QUEUE_URL": queue.queue.queue_url,
                "GITHUB_TOKEN_SECRET_ARN": token,
                "GITHUB_UPDATING_PARAMETER": switches.updating.ref,
                "GITHUB_REPOSITORY": repository,
                "GITHUB_API_URL": github_api,
            },
            statements=[
                consuming(queue.queue),
                allow([token], "secretsmanager:GetSecretValue"),
                reading(switches.updating),
            ],
        )
        self.function.consume(queue.queue, batch=1)
