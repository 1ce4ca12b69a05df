"""What outlives every deployment: the shared bucket, the ledger, the pipelines' artifacts."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_codeconnections as codeconnections
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3

from padstone_cdk import wiring
from padstone_cdk.nag import accept
from padstone_cdk.pins import Pins
from padstone_cdk.stack import PadstoneStack

# Kept when the stack is deleted or the resource replaced, but not when its creation failed.
KEPT = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class StorageStack(PadstoneStack):
    """Retained data, and the connection to GitHub, which somebody has to confirm once by hand."""

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone tools account: shared bucket, ledger, pipeline artifacts",
        )
        self._buckets()
        self._tables()
        self._connection()
        # padstone-tools-storage-NAME: /padstone-NAME
        words = cdk.Fn.split("-tools-storage", cdk.Aws.STACK_NAME)
        self.publish(
            wiring.PARAMETER_PREFIX.name,
            cdk.Fn.join("", ["/", cdk.Fn.join("", words)]),
            wiring.PARAMETER_PREFIX.description,
        )

    def _buckets(self) -> None:
        logs = self._bucket("AccessLogBucket", days=400)
        accept(logs, "Logging the access to the access logs would never end", "S1")
        shared = self._bucket("SharedBucket", logs=logs, versioned=True, tls=False)
        accept(shared, "Its policy, TLS only like the others', is the stack access", "S10")
        artifacts = self._bucket("ArtifactBucket", logs=logs, days=30)
        self.publish(
            wiring.SHARED_BUCKET.name, shared.bucket_name, wiring.SHARED_BUCKET.description
        )
        self.publish(
            wiring.ARTIFACT_BUCKET.name, artifacts.bucket_name, wiring.ARTIFACT_BUCKET.description
        )

    def _bucket(
        self,
        name: str,
        *,
        logs: s3.IBucket | None = None,
        versioned: bool = False,
        tls: bool = True,
        days: int | None = None,
    ) -> s3.Bucket:
        rule = s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
            expiration=cdk.Duration.days(days) if days else None,
        )
        return s3.Bucket(
            self,
            name,
            versioned=versioned,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=tls,
            server_access_logs_bucket=logs,
            server_access_logs_prefix=f"{name}/" if logs else None,
            lifecycle_rules=[rule],
            removal_policy=KEPT,
        )

    def _tables(self) -> None:
        releases = self._table("Releases", "release_id")
        for attribute in ("created_at", "deployed_at"):
            releases.add_global_secondary_index(
                index_name=f"stage-{attribute}",
                partition_key=_text("stage"),
                sort_key=_number(attribute),
            )
        self._table("Deployments", "account", "deployment_id")
        self._table("Accounts", "name")
        self._table("Locks", "account", expires="expires_at")

    def _table(self, name: str, *keys: str, expires: str | None = None) -> dynamodb.Table:
        attributes: Sequence[dynamodb.Attribute] = [_text(key) for key in keys]
        table = dynamodb.Table(
            self,
            name,
            partition_key=attributes[0],
            sort_key=attributes[1] if len(attributes) > 1 else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=expires,
            removal_policy=KEPT,
        )
        self.publish(f"{name}TableName", table.table_name, f"Table of the ledger: {name}")
        return table

    def _connection(self) -> None:
        # A connection's name has to be unique in its account, and has at most 32 characters.
        stack = cdk.Fn.select(2, cdk.Fn.split("/", cdk.Aws.STACK_ID))
        connection = codeconnections.CfnConnection(
            self,
            "Connection",
            connection_name=cdk.Fn.join(
                "-", ["padstone", cdk.Fn.select(0, cdk.Fn.split("-", stack))]
            ),
            provider_type="GitHub",
        )
        connection.apply_removal_policy(KEPT)
        self.publish(
            wiring.CONNECTION.name,
            connection.attr_connection_arn,
            wiring.CONNECTION.description,
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _number(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.NUMBER)
