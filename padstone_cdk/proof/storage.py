"""What outlives every snapshot of a proof account."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from padstone_cdk.nag import accept
from padstone_cdk.pins import Pins
from padstone_cdk.stack import PadstoneStack

# A first creation that fails leaves nothing behind, so that it can simply be tried again.
_KEPT = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
_LOG_DAYS = 365
_SUPERSEDED_DAYS = 90


class StorageStack(PadstoneStack):
    """Results, reports, the record of runs and the two secrets; all retained."""

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone proof account: results, reports, secrets and the record of runs",
        )
        logs = self._log_bucket()
        self._results(logs)
        self._reports(logs)
        self._runs()
        self._secrets()

    def _log_bucket(self) -> s3.Bucket:
        bucket = self._bucket(
            "AccessLogs", lifecycle_rules=[_expiring(_LOG_DAYS)], enforce_ssl=True
        )
        accept(bucket, "A bucket of access logs that logged itself would never come to rest", "S1")
        return bucket

    def _results(self, logs: s3.Bucket) -> None:
        bucket = self._bucket(
            "Results",
            enforce_ssl=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="results/",
            lifecycle_rules=[_superseded()],
        )
        _tells_events(bucket)
        self.publish("ResultsBucketName", bucket.bucket_name, "Bucket of what runs came to")

    def _reports(self, logs: s3.Bucket) -> None:
        bucket = self._bucket(
            "Reports",
            server_access_logs_bucket=logs,
            server_access_logs_prefix="reports/",
            lifecycle_rules=[_superseded()],
        )
        accept(
            bucket,
            "A bucket has one policy, and this one's names the distribution: the stack ci holds it,"
            " TLS only like every other; until then nobody but the account reaches the bucket",
            "S10",
        )
        self.publish("ReportBucketName", bucket.bucket_name, "Bucket behind the report site")

    def _bucket(self, construct_id: str, **properties: Any) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=_KEPT,
            **properties,
        )

    def _runs(self) -> None:
        table = dynamodb.Table(
            self,
            "Runs",
            partition_key=dynamodb.Attribute(name="run_id", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="record", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            removal_policy=_KEPT,
        )
        self.publish("RunsTableName", table.table_name, "Table of runs and their proofs")

    def _secrets(self) -> None:
        self._secret("WebhookSecret", "Signs what GitHub posts; enter it at GitHub's webhook")
        self._secret(
            "GitHubTokenSecret",
            "Token that may write commit statuses; a placeholder until an operator puts it in",
        )

    def _secret(self, name: str, description: str) -> None:
        # Never change how it is generated: CloudFormation would put a new value over the old one.
        secret = secretsmanager.Secret(
            self,
            name,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
            removal_policy=_KEPT,
        )
        accept(
            secret,
            "GitHub holds the other half and has no way to be told a new one; while an operator"
            " rotates, the webhook accepts two",
            "SMG4",
        )
        self.publish(f"{name}Arn", secret.secret_arn, description)


def _expiring(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        expiration=cdk.Duration.days(days),
        noncurrent_version_expiration=cdk.Duration.days(1),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
    )


def _superseded() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        noncurrent_version_expiration=cdk.Duration.days(_SUPERSEDED_DAYS),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
    )


def _tells_events(bucket: s3.Bucket) -> None:
    """Let EventBridge hear of objects; the bucket's own method takes a custom resource for that."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    told = s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=told
    )
