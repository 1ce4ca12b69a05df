"""The ports on AWS. boto3 is imported when a port is first used, and each client is made once."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from .ports import Claim, UnavailableError
from .run import Run
from .verdicts import ProofResult

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import EnvironmentVariableTypeDef

Clock = Callable[[], float]
SECRET_LIFE = 60.0
CLAIM_LIFE = 60
RUN_LIFE = 400 * 24 * 3600
LONGEST_DELAY = 43_200  # SQS's


@cache
def _client(service: Literal["secretsmanager", "ssm", "sqs", "dynamodb", "codebuild", "s3"]) -> Any:
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return boto3.client(service, config=patience)


@contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise UnavailableError(f"{error.operation_name}: {_code(error)}") from error
    except BotoCoreError as error:
        raise UnavailableError(type(error).__name__) from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))


class SecretsManager:
    """Secrets, each kept for a minute."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}

    def value(self, arn: str) -> str:
        """The current value, at most a minute old."""
        until, value = self._kept.get(arn, (0.0, ""))
        if self._clock() >= until:
            with _translated():
                value = str(
                    _client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
                )
            self._kept[arn] = (self._clock() + SECRET_LIFE, value)
        return value


class ParameterSwitches:
    """Switches kept as SSM parameters; read each time, so that they act at once."""

    def is_on(self, name: str) -> bool:
        """Whether the parameter holds `true`."""
        with _translated():
            value = _client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        if value not in ("true", "false"):
            raise UnavailableError("a switch holds neither true nor false")
        return bool(value == "true")


class SqsQueue:
    """A standard or FIFO queue."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, body: str, *, group: str, identity: str) -> None:
        """Return once SQS has the message."""
        ordered = {"MessageGroupId": group, "MessageDeduplicationId": identity}
        with _translated():
            _client("sqs").send_message(
                QueueUrl=self._url,
                MessageBody=body,
                **(ordered if self._url.endswith(".fifo") else {}),
            )

    def delay(self, receipt: str, seconds: int) -> None:
        """Hide a received message for so long, twelve hours at most."""
        with _translated():
            _client("sqs").change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=receipt,
                VisibilityTimeout=max(0, min(seconds, LONGEST_DELAY)),
            )


class RunsTable:
    """Runs and results in one DynamoDB table: HASH `run_id`, RANGE `record`."""

    def __init__(self, table: str, clock: Clock = time.time) -> None:
        self._table = table
        self._clock = clock

    def claim(self, run: Run) -> Claim:
        """Claim by a conditional put; a lapsed claim can be taken over."""
        now = int(self._clock())
        item = {
            "repository": {"S": run.repository},
            "sha": {"S": run.sha},
            "ref": {"S": run.ref},
            "state": {"S": "starting"},
            "claimed_until": {"N": str(now + CLAIM_LIFE)},
            "created_at": {"N": str(now)},
        }
        held = self._put_if_free({**self._key(run.run_id, "run"), **item}, now)
        if held is None:
            return Claim.OURS
        return Claim.DONE if held.get("state", {}).get("S") == "started" else Claim.ANOTHERS

    def started(self, run: Run, build_id: str) -> None:
        """Record that the run has been started."""
        with _translated():
            _client("dynamodb").update_item(
                TableName=self._table,
                Key={"run_id": {"S": run.run_id}, "record": {"S": "run"}},
                UpdateExpression="SET #state = :started, build_id = :build",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":started": {"S": "started"}, ":build": {"S": build_id}},
            )

    def finished(self, result: ProofResult) -> None:
        """Record a proof's result."""
        facts = {name: {"S": str(value)} for name, value in vars(result).items()}
        key = self._key(result.run_id, f"proof#{result.proof}")
        with _translated():
            _client("dynamodb").put_item(TableName=self._table, Item={**facts, **key})

    def _key(self, run_id: str, record: str) -> dict[str, Any]:
        until = str(int(self._clock()) + RUN_LIFE)
        return {"run_id": {"S": run_id}, "record": {"S": record}, "expires_at": {"N": until}}

    def _put_if_free(self, item: dict[str, Any], now: int) -> dict[str, Any] | None:
        """Put the item; the item that holds its place if that is not free."""
        from botocore.exceptions import ClientError

        try:
            with _translated():
                _client("dynamodb").put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(run_id) OR "
                    "(#state = :starting AND claimed_until <= :now)",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={
                        ":starting": {"S": "starting"},
                        ":now": {"N": str(now)},
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except UnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and _code(cause) == "ConditionalCheckFailedException":
                answer: Any = cause.response  # the item stands beside the error, untyped
                return dict(answer.get("Item", {}))
            raise
        return None


class PreparationProject:
    """The source preparation as a CodeBuild project."""

    def __init__(self, project: str) -> None:
        self._project = project

    def start(self, run: Run, variables: Mapping[str, str]) -> str:
        """Start a build that knows its run by variables, never by text in its buildspec."""
        own = {"RUN_ID": run.run_id, "REPOSITORY": run.repository, "SHA": run.sha, "REF": run.ref}
        overrides: list[EnvironmentVariableTypeDef] = [
            {"name": name, "value": value, "type": "PLAINTEXT"}
            for name, value in {**variables, **own}.items()
        ]
        with _translated():
            answer = _client("codebuild").start_build(
                projectName=self._project,
                environmentVariablesOverride=overrides,
                idempotencyToken=run.run_id,
            )
        return str(answer["build"]["id"])


class ResultsBucket:
    """Results as objects."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, key: str, content: str) -> None:
        """Return once S3 has the object."""
        with _translated():
            _client("s3").put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content.encode(),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
            )
