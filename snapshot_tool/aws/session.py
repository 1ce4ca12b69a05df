"""One profile's way into AWS: clients made when first used, and kept.

botocore is used without boto3, and its loader of service models is shared by all sessions: reading
the models is most of what a first call costs.
"""

from __future__ import annotations

import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

import botocore.session
from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader

from snapshot_tool import ports
from snapshot_tool.aws.errors import translated
from snapshot_tool.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_batch import BatchClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_SERVICES = (
    *("batch", "cloudformation", "codepipeline", "dynamodb", "ecr", "logs", "s3"),
    *("secretsmanager", "sqs", "ssm", "sts"),
    *("sso", "sso-oidc", "signin"),  # by which botocore gets the credentials of some profiles
)


class _Models(Loader):
    """Service models. Knows which are wanted: botocore looks through all of AWS for each."""

    def list_available_services(self, type_name: str) -> list[str]:
        return list(_SERVICES)


_LOADER = _Models()
_MAKING = threading.Lock()  # botocore's sessions are not safe while they make clients

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 6},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=32,
    tcp_keepalive=True,
    user_agent_extra="padstone",
)


class Session:
    """A profile and a region; safe to use from several threads.

    Credentials are found, and refreshed while they last, by botocore's own rules; so are endpoints
    (AWS_ENDPOINT_URL and the configuration file work unchanged).
    """

    def __init__(self, profile: str | None = None, region: str | None = None) -> None:
        """Raise BadInputError if there is no such profile or no region."""
        self.profile = profile or ""
        self._session = botocore.session.Session(profile=profile)
        self._session.register_component("data_loader", _LOADER)
        self._clients: dict[str, Any] = {}
        with translated(f"profile {profile or 'default'}"):
            self._session.get_scoped_config()  # the region may come from elsewhere: ask for it
            found = region or self._session.get_config_variable("region")
        if not found:
            raise BadInputError(
                "no region is known",
                where=f"profile {profile or 'default'}",
                fix="give the profile a region, or set AWS_DEFAULT_REGION",
            )
        self.region = str(found)

    @overload
    def client(self, service: Literal["batch"]) -> BatchClient: ...
    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["codepipeline"]) -> CodePipelineClient: ...
    @overload
    def client(self, service: Literal["dynamodb"]) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["ecr"]) -> ECRClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> Any: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["secretsmanager"]) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    @overload
    def client(self, service: Literal["ssm"]) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    def client(self, service: str) -> Any:
        """Return the client of a service, made at its first use."""
        found = self._clients.get(service)
        return found if found is not None else self._make(service)

    def _make(self, service: str) -> Any:
        with _MAKING, translated(f"profile {self.profile or 'default'}"):
            if self._session.get_credentials() is None:
                raise NoCredentialsError  # a call would say so, too, but not whose are missing
            if service not in self._clients:
                self._clients[service] = self._session.create_client(
                    service,
                    region_name=self.region,
                    config=_CONFIG,
                )
        return self._clients[service]


class Aws:
    """All that one profile reaches in one account and region: the `Doors` of `ports`.

    Each controller is imported when it is first asked for, so a command pays only for its own.
    """

    def __init__(self, session: Session, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = session
        self._sleep = sleep

    @property
    def region(self) -> str:
        """The region, such as us-west-2."""
        return self._session.region

    @cached_property
    def stacks(self) -> ports.Stacks:
        """CloudFormation."""
        from snapshot_tool.aws.stacks import AwsStacks

        return AwsStacks(self._session.client("cloudformation"), sleep=self._sleep)

    @cached_property
    def identity(self) -> ports.Identity:
        """Whose credentials these are."""
        from snapshot_tool.aws.identity import AwsIdentity

        return AwsIdentity(self._session.client("sts"))

    @cached_property
    def tables(self) -> ports.Tables:
        """DynamoDB."""
        from snapshot_tool.aws.tables import AwsTables

        return AwsTables(self._session.client("dynamodb"))

    @cached_property
    def parameters(self) -> ports.ParameterStore:
        """The SSM parameter store."""
        from snapshot_tool.aws.parameters import AwsParameters

        return AwsParameters(self._session.client("ssm"))

    @cached_property
    def secrets(self) -> ports.Secrets:
        """Secrets Manager."""
        from snapshot_tool.aws.secrets import AwsSecrets

        return AwsSecrets(lambda: self._session.client("secretsmanager"))

    @cached_property
    def images(self) -> ports.Images:
        """ECR."""
        from snapshot_tool.aws.images import AwsImages

        return AwsImages(self._session.client("ecr"))

    @cached_property
    def pipelines(self) -> ports.Pipelines:
        """CodePipeline."""
        from snapshot_tool.aws.pipelines import AwsPipelines

        return AwsPipelines(self._session.client("codepipeline"))

    @cached_property
    def queues(self) -> ports.MessageQueue:
        """SQS."""
        from snapshot_tool.aws.queues import AwsQueues

        return AwsQueues(self._session.client("sqs"))

    @cached_property
    def logs(self) -> ports.Logs:
        """CloudWatch Logs."""
        from snapshot_tool.aws.logs import AwsLogs

        return AwsLogs(self._session.client("logs"))

    @cached_property
    def jobs(self) -> ports.Jobs:
        """Batch."""
        from snapshot_tool.aws.jobs import AwsJobs

        return AwsJobs(self._session.client("batch"))

    def objects(self, bucket: str, *, owner: str = "") -> ports.Objects:
        """One bucket of S3; calls fail if it does not belong to the account `owner`."""
        from snapshot_tool.aws.objects import AwsObjects

        return AwsObjects(self._session.client("s3"), bucket, owner=owner, sleep=self._sleep)
