"""A function of the pinned package `lambda`, with a role and logs of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.logs import log_group
from padstone_cdk.nag import accept
from padstone_cdk.pins import Package
from padstone_cdk.proof.needs import Need, joined, to_know
from padstone_cdk.proof.policies import accept_patterns, allow, role
from padstone_cdk.proof.queues import WorkQueue

RUNTIME = lambda_.Runtime.PYTHON_3_14


@dataclass(frozen=True, kw_only=True)
class Code:
    """Where the code of all functions is, and the snapshot that it belongs to."""

    bucket: str
    package: Package
    snapshot_id: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a function gets; without `disk_mib` Lambda's own 512 MiB."""

    seconds: int = 30
    memory_mib: int = 256
    disk_mib: int | None = None


_DEFAULT = Limits()


class ProofFunction(Construct):
    """The function `proof_ci.NAME.handler`; `consume` makes it take a queue's messages."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        name: str,
        description: str,
        needs: Sequence[Need],
        limits: Limits = _DEFAULT,
        undelivered: sqs.Queue | None = None,
    ) -> None:
        """`undelivered` takes events that the function was called with, and failed three times."""
        super().__init__(scope, construct_id)
        self.name = name
        self.undelivered = undelivered
        self.logs = log_group(self, "Logs")
        need = joined([*needs, to_know(SNAPSHOT_ID=code.snapshot_id), *self._own()])
        self.function = self._function(description, self._code(code), need, limits)

    def _function(
        self, description: str, code: lambda_.Code, need: Need, limits: Limits
    ) -> lambda_.Function:
        function = lambda_.Function(
            self,
            "Function",
            description=description,
            code=code,
            handler=f"proof_ci.{self.name}.handler",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=limits.memory_mib,
            ephemeral_storage_size=cdk.Size.mebibytes(limits.disk_mib) if limits.disk_mib else None,
            timeout=cdk.Duration.seconds(limits.seconds),
            dead_letter_queue=self.undelivered,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self.logs,
            role=self._role(need).without_policy_updates(),
            environment=need.environment,
        )
        # The role is whole as soon as it is there: its policies are part of it.
        resource = function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        resource.add_deletion_override("DependsOn")
        return function

    def _code(self, code: Code) -> lambda_.Code:
        bucket = s3.Bucket.from_bucket_name(self, "Shared", code.bucket)
        return lambda_.Code.from_bucket(
            bucket, code.package.key, object_version=code.package.version_id
        )

    def _own(self) -> Iterator[Need]:
        yield Need(
            statements=(
                allow([self.logs.log_group_arn], "logs:CreateLogStream", "logs:PutLogEvents"),
                allow(["*"], "xray:PutTraceSegments", "xray:PutTelemetryRecords"),
            )
        )
        if self.undelivered is not None:
            yield Need(statements=(allow([self.undelivered.queue_arn], "sqs:SendMessage"),))

    def _role(self, need: Need) -> iam.Role:
        made = role(self, "Role", "lambda.amazonaws.com", need.statements)
        accept(made, "X-Ray and lists of jobs have no resources to name", "IAM5[Resource::*]")
        accept_patterns(made, *need.findings)
        return made

    def consume(self, work: WorkQueue, *, batch: int, at_once: int | None = None) -> None:
        """Take messages from a queue; those that it does not name as failed are gone."""
        sources.SqsEventSource(
            work.queue,
            batch_size=batch,
            max_concurrency=at_once,
            report_batch_item_failures=True,
        ).bind(self.function)
