"""What the tool needs from the world. Each protocol is met by `aws` and by a fake that works.

Calls raise only errors of `snapshot_tool.errors`; transient faults have been retried before that.
Nothing here is a wrapper of a service: it is what this tool asks of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from snapshot_tool.model.canonical import Json
from snapshot_tool.model.names import AccountId, ImageDigest, Sha256
from snapshot_tool.model.request import JobDefinition
from snapshot_tool.model.stacks import StackEvent, StackState


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """An object's version, digest (as the store recorded it; None if it did not) and bytes."""

    key: str
    version_id: str
    sha256: Sha256 | None
    size: int


class Objects(Protocol):
    """One bucket whose objects are written once."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""

    def put_new(self, key: str, body: bytes | BinaryIO) -> ObjectInfo | None:
        """Write an object that is not there yet, digest sent along; None if the key is taken.

        An open file is sent as it is read, from its beginning, and is left open.
        """

    def get(self, key: str, version_id: str = "") -> bytes | None:
        """Return an object's bytes; None if there is none (or its newest version is a deletion)."""

    def digest(self, key: str, version_id: str = "") -> Sha256 | None:
        """Read an object, however large, for the digest of its bytes; None if there is none."""

    def head(self, key: str, version_id: str = "") -> ObjectInfo | None:
        """Describe an object without reading it; None if there is none."""

    def deleted(self, key: str) -> bool:
        """True if there are versions of the object and a deletion is the newest one."""

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield keys under a prefix in order, from behind the key `after`, page by page."""

    def folders(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield the names of the folders right under a prefix, in order, from behind `after`."""

    def url(self, key: str, version_id: str = "") -> str:
        """Return the HTTPS address under which CloudFormation reads the object, or one version."""


@dataclass(frozen=True, kw_only=True)
class ChangeRequest:
    """A change set to be made: every parameter is stated, none is left to its previous value.

    The exception are the NoEcho parameters in `keep`: nobody can read their values to state them.

    The template is read by CloudFormation from `template_url`, or sent along as `template_body`
    where there is no bucket to read it from (at most 51,200 bytes: a limit of CloudFormation).
    """

    stack_name: str
    create: bool
    template_url: str = ""
    template_body: bytes = b""
    parameters: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    keep: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


class Stacks(Protocol):
    """CloudFormation in one account and region."""

    def describe(self, name: str) -> StackState | None:
        """Describe one stack by name or ID; None if there is none."""

    def describe_all(self) -> Sequence[StackState]:
        """Describe every stack of the account and region that is not deleted."""

    def template(self, name: str) -> bytes:
        """Return the stack's template as it was given to CloudFormation, to the byte."""

    def prepare(self, request: ChangeRequest) -> str | None:
        """Make a change set and wait for it; return its ID, or None if nothing would change."""

    def execute(self, change_set: str) -> None:
        """Start a prepared change."""

    def discard(self, change_set: str) -> None:
        """Delete a prepared change that is not wanted any more; no error if it is gone."""

    def delete(self, name: str, *, retain: Sequence[str] = ()) -> None:
        """Start deleting a stack, leaving the resources `retain` where they are."""

    def cancel_update(self, name: str) -> None:
        """Have a running update rolled back; nothing happens if none is running."""

    def continue_rollback(self, name: str) -> None:
        """Start continuing a stuck rollback, or the one that a failed update is still owed."""

    def events(self, name: str) -> Iterator[StackEvent]:
        """Yield the stack's events, newest first, page by page."""

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Map each logical ID to its resource's type and physical ID."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls: account and ARN."""

    account_id: AccountId
    arn: str


class Identity(Protocol):
    """Whose credentials these are."""

    def caller(self) -> Caller:
        """Return the caller; raise CredentialsError if there are no credentials or stale ones."""


@dataclass(frozen=True, kw_only=True)
class Put:
    """One item of a transaction, written if its condition holds; no condition always holds."""

    table: str
    item: Mapping[str, Json]
    condition: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)


class Tables(Protocol):
    """DynamoDB tables of one account, items as plain JSON objects.

    In a condition `#owner` stands for the attribute `owner` (many plain names are reserved words)
    and `:owner` for the entry `owner` of `values`.
    """

    def get(self, table: str, key: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """Read one item, strongly consistent; None if there is none."""

    def put_if(
        self,
        table: str,
        item: Mapping[str, Json],
        *,
        condition: str,
        values: Mapping[str, Json] | None = None,
    ) -> bool:
        """Write an item if a condition expression holds; False if it does not."""

    def delete_if(
        self,
        table: str,
        key: Mapping[str, Json],
        *,
        condition: str,
        values: Mapping[str, Json] | None = None,
    ) -> bool:
        """Delete an item if a condition expression holds; False if it does not."""

    def scan(self, table: str) -> Sequence[Mapping[str, Json]]:
        """Read a whole table, strongly consistent; for tables that stay small."""

    def newest(
        self, table: str, key: Mapping[str, Json], *, limit: int, index: str = ""
    ) -> Sequence[Mapping[str, Json]]:
        """Read the last `limit` items of one partition, newest sort key first."""

    def transact(self, puts: Sequence[Put]) -> bool:
        """Write several items, all or none; False (none) if one's condition does not hold."""


@dataclass(frozen=True, kw_only=True)
class StoredParameter:
    """One parameter of the SSM parameter store."""

    name: str
    value: str
    version: int


class ParameterStore(Protocol):
    """SSM parameters of one account."""

    def under(self, path: str) -> Sequence[StoredParameter]:
        """Return the parameters under a path, recursively."""

    def put(self, name: str, value: str) -> None:
        """Write a parameter, whatever was there; its versions are kept by SSM."""


class Secrets(Protocol):
    """Secrets Manager of one account: names and ARNs, never values."""

    def arn(self, name: str) -> str | None:
        """Return the ARN of a secret; None if there is none. No rights is an error, not None."""


class Images(Protocol):
    """ECR repositories."""

    def exists(self, repository_uri: str, digest: ImageDigest) -> bool:
        """True if the repository holds an image of that digest."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One run of a pipeline: `status` as CodePipeline spells it, `detail` of what failed."""

    id: str
    status: str
    detail: str = ""


class Pipelines(Protocol):
    """CodePipeline in one account."""

    def start(self, pipeline: str) -> str:
        """Start a pipeline and return the execution's ID."""

    def execution(self, pipeline: str, execution_id: str) -> Execution:
        """Describe one execution, with the failed action's message if it failed."""

    def latest(self, pipeline: str) -> Execution | None:
        """Describe the newest execution; None if there was none yet."""


class MessageQueue(Protocol):
    """SQS queues, by their URLs."""

    def send(self, url: str, body: str) -> None:
        """Put one message into a queue."""


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """One entry of a log. `event_id` tells entries apart that are otherwise equal."""

    at: datetime
    stream: str
    text: str
    event_id: str


class Logs(Protocol):
    """CloudWatch Logs of one account."""

    def events(
        self, group: str, *, since: datetime, streams: Sequence[str] = (), pattern: str = ""
    ) -> Iterator[LogEvent]:
        """Yield the entries of a log group in time order, page by page; none if it is not there.

        `streams` are the streams to read (none named: all), a stream that is not there is empty.
        A service that does not know a `pattern` may yield entries which do not match it.
        """


@dataclass(frozen=True, kw_only=True)
class JobState:
    """A Batch job: the log streams of its attempts, and how many jobs of an array run now."""

    job_id: str
    status: str
    streams: tuple[str, ...] = ()
    running: int = 0


class Jobs(Protocol):
    """Batch in one account: job definitions, and how jobs stand."""

    def definition(self, arn: str) -> JobDefinition | None:
        """Return the definition of that ARN; None if there is none or it is not active."""

    def newest_definition(self, name: str) -> JobDefinition | None:
        """Return the newest active revision of a definition; None if there is none."""

    def register(self, name: str, body: Mapping[str, Json]) -> str:
        """Register a definition (a new revision if there is one of that name); return its ARN."""

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        """Describe jobs by their IDs; jobs that Batch has forgotten are left out."""


class Doors(Protocol):
    """All that one profile reaches in one account and region."""

    @property
    def region(self) -> str:
        """The region, such as us-west-2."""

    @property
    def stacks(self) -> Stacks:
        """CloudFormation."""

    @property
    def identity(self) -> Identity:
        """Whose credentials these are."""

    @property
    def tables(self) -> Tables:
        """DynamoDB."""

    @property
    def parameters(self) -> ParameterStore:
        """The SSM parameter store."""

    @property
    def secrets(self) -> Secrets:
        """Secrets Manager."""

    @property
    def images(self) -> Images:
        """ECR."""

    @property
    def pipelines(self) -> Pipelines:
        """CodePipeline."""

    @property
    def queues(self) -> MessageQueue:
        """SQS."""

    @property
    def logs(self) -> Logs:
        """CloudWatch Logs."""

    @property
    def jobs(self) -> Jobs:
        """Batch."""

    def objects(self, bucket: str) -> Objects:
        """One bucket of S3."""


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
