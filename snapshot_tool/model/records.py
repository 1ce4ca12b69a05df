"""What is recorded about releases, deployments, locks, accounts and packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from snapshot_tool.errors import BadInputError
from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.fields import Fields
from snapshot_tool.model.manifest import ImagePin, PackagePin
from snapshot_tool.model.names import (
    AccountId,
    ImageDigest,
    PackageFile,
    Sha256,
    SnapshotId,
    StageName,
    ToolName,
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that `verify` found wrong: which object, and what is the matter with it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One deployment of a snapshot to an account: who, when and why.

    `account` is the name people use, `action` the verb (deploy, rollback, promote), `parameters`
    the digest of the values that were in force: the values themselves stay in the account.
    """

    account: str
    account_id: AccountId
    region: str
    environment: str
    release_id: SnapshotId
    stage: StageName
    requested_at: datetime
    requested_by: str
    reason: str
    action: str = "deploy"
    parameters: Sha256 | None = None

    @property
    def deployment_id(self) -> str:
        """The record's ID inside its account; as text, IDs sort by time."""
        return f"{self.requested_at:%Y%m%dT%H%M%S.%f}-{self.release_id}"

    def to_json(self) -> dict[str, Json]:
        """Return the record as a table item."""
        return {
            "account": self.account,
            "deployment_id": self.deployment_id,
            "account_id": self.account_id,
            "region": self.region,
            "environment": self.environment,
            "release_id": self.release_id,
            "stage": self.stage,
            "requested_at": self.requested_at.isoformat(),
            "requested_by": self.requested_by,
            "reason": self.reason,
            "action": self.action,
            "parameters": self.parameters or "",
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Deployment:
        """Read a record; raise BadInputError if it is none."""
        fields = Fields(data, name=f"deployment {data.get('deployment_id', '?')}")
        text = {name: fields.text(name) for name in cls._TEXTS}
        fields.done()
        return cls(
            account=text["account"],
            account_id=AccountId(text["account_id"]),
            region=text["region"],
            environment=text["environment"],
            release_id=SnapshotId(text["release_id"]),
            stage=StageName(text["stage"]),
            requested_at=_moment(text["requested_at"]),
            requested_by=text["requested_by"],
            reason=text["reason"],
            action=text["action"],
            parameters=Sha256(text["parameters"]) if text["parameters"] else None,
        )

    _TEXTS = (
        *("account", "deployment_id", "account_id", "region", "environment", "release_id"),
        *("stage", "requested_at", "requested_by", "reason", "action", "parameters"),
    )


@dataclass(frozen=True, kw_only=True)
class LockOwner:
    """Who wants a lock: a person or role, and the process that acts for them."""

    name: str
    host: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class LockHolder:
    """A lock as it is held. `token` grows with each holder; `nonce` tells our own write again."""

    key: str
    owner: LockOwner
    reason: str
    expires_at: datetime
    token: int
    nonce: str

    def to_json(self) -> dict[str, Json]:
        """Return the lock as a table item; `expires_at` in Unix seconds, as DynamoDB wants it."""
        return {
            "account": self.key,
            "owner": self.owner.name,
            "host": self.owner.host,
            "pid": self.owner.pid,
            "reason": self.reason,
            "expires_at": int(self.expires_at.timestamp()),
            "token": self.token,
            "nonce": self.nonce,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> LockHolder:
        """Read a lock; raise BadInputError if it is none."""
        fields = Fields(data, name=f"lock {data.get('account', '?')}")
        key, nonce, reason = fields.text("account"), fields.text("nonce"), fields.text("reason")
        name, host, pid = fields.text("owner"), fields.text("host"), fields.integer("pid")
        expiry, token = fields.integer("expires_at"), fields.integer("token")
        fields.done()
        return cls(
            key=key,
            owner=LockOwner(name=name, host=host, pid=pid),
            reason=reason,
            expires_at=datetime.fromtimestamp(expiry, UTC),
            token=token,
            nonce=nonce,
        )


@dataclass(frozen=True, kw_only=True)
class RegisteredAccount:
    """A proof account that may read the shared bucket and pull the image."""

    name: str
    account_id: AccountId
    added_at: datetime
    added_by: str

    def to_json(self) -> dict[str, Json]:
        """Return the account as a table item."""
        return {
            "name": self.name,
            "account_id": self.account_id,
            "added_at": self.added_at.isoformat(),
            "added_by": self.added_by,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> RegisteredAccount:
        """Read an account; raise BadInputError if it is none."""
        fields = Fields(data, name=f"registered account {data.get('name', '?')}")
        name, account_id = fields.text("name"), fields.text("account_id")
        added_at, added_by = fields.text("added_at"), fields.text("added_by")
        fields.done()
        return cls(
            name=name,
            account_id=AccountId(account_id),
            added_at=_moment(added_at),
            added_by=added_by,
        )


@dataclass(frozen=True, kw_only=True)
class PackageRecord:
    """What a build said about its package in its last step."""

    pin: PackagePin
    commit: str
    built_at: str

    def to_json(self) -> dict[str, Json]:
        """Return the record as the value of the SSM parameter."""
        pin = {key: value for key, value in self.pin.to_json().items() if key != "tool"}
        return {**pin, "commit": self.commit, "built_at": self.built_at}

    @classmethod
    def from_text(cls, tool: ToolName, text: str, *, name: str) -> PackageRecord:
        """Read a parameter's value; raise BadInputError naming the parameter."""
        fields = Fields(canonical.load_object(text, name=name), name=name)
        commit, built_at, size = (
            fields.text("commit"),
            fields.text("built_at"),
            fields.integer("size"),
        )
        key, version, digest = fields.text("key"), fields.text("version_id"), fields.text("sha256")
        fields.done()
        pin = PackagePin(tool=tool, key=key, version_id=version, sha256=Sha256(digest), size=size)
        return cls(pin=pin, commit=commit, built_at=built_at)


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """What a build said about its container image in its last step."""

    pin: ImagePin
    commit: str
    built_at: str

    @classmethod
    def from_text(cls, image: ToolName, text: str, *, name: str) -> ImageRecord:
        """Read a parameter's value; raise BadInputError naming the parameter."""
        fields = Fields(canonical.load_object(text, name=name), name=name)
        commit, built_at = fields.text("commit"), fields.text("built_at")
        digest = fields.text("digest")
        fields.done()
        pin = ImagePin(name=image, digest=ImageDigest(digest))
        return cls(pin=pin, commit=commit, built_at=built_at)


@dataclass(frozen=True, kw_only=True)
class PackageListing:
    """One package in the shared bucket; `latest` marks the one that a build recorded last.

    `sha256` is None where the store recorded no digest.
    """

    tool: ToolName
    file: PackageFile
    key: str
    version_id: str
    sha256: Sha256 | None
    size: int
    latest: bool


@dataclass(frozen=True, kw_only=True)
class Pins:
    """The packages and images that a snapshot is made of."""

    packages: Mapping[ToolName, PackagePin]
    images: Mapping[ToolName, ImagePin]


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"{text!r} is not a time") from error
