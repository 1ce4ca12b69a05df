"""Records of releases and deployments, and the lock that keeps deployers apart.

A release is a snapshot as the record keeps it, with its last deployments inside (the release
manifest); a deployment is one line of an account's history. Both are written in one transaction.
Records are claims about the past: what runs is read from the account.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from snapshot_tool.errors import BadInputError, ConflictError, LockedError, PadstoneError
from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import Sha256, SnapshotId
from snapshot_tool.model.progress import Phase, Progress
from snapshot_tool.model.records import Deployment, LockHolder, LockOwner
from snapshot_tool.ports import Clock, Put, Tables

_NEW_RELEASE = "attribute_not_exists(#release_id)"
_SAME_RELEASE = "#revision = :revision"
_NEW_LOCK = "attribute_not_exists(#account)"
_SAME_LOCK = "#token = :token"
_TRIES = 20
_PAUSE = 0.02  # seconds, times the attempts so far: somebody else is recording, too
_KEPT = 200  # deployments inside a release manifest; an item may have 400 KB, the table keeps all


class Ledger:
    """Releases and deployments. `tell` is told of records that cannot be read."""

    def __init__(
        self,
        tables: Tables,
        releases_table: str,
        deployments_table: str,
        clock: Clock,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._tell = tell
        self._warned = set[str]()
        self._tables = tables
        self._releases = releases_table
        self._deployments = deployments_table
        self._clock = clock

    def record_release(self, manifest: Manifest) -> None:
        """Record a snapshot as a release; recording it again changes nothing."""
        item = self._new_release(manifest)
        self._tables.put_if(self._releases, item, condition=_NEW_RELEASE)

    def record_deployment(self, deployment: Deployment, manifest: Manifest) -> None:
        """Record a deployment, and in the same transaction the release it is a deployment of.

        Recording the same deployment again changes nothing.
        """
        for attempt in range(_TRIES):
            release = self._tables.get(self._releases, {"release_id": manifest.id})
            if release is not None and _holds(release, deployment):
                return
            if self._tables.transact(self._puts(deployment, manifest, release)):
                return
            self._clock.sleep(_PAUSE * attempt)
        raise ConflictError(
            f"release {manifest.id} is being recorded by too many at once",
            where=self._releases,
            fix="the account is deployed; run the same command again to record it",
        )

    def history(self, account: str, limit: int = 20) -> list[Deployment]:
        """Return an account's last deployments, newest first.

        One damaged record must not keep anybody from going back: it is left out, with a warning.
        """
        looked = limit
        while True:
            items = self._tables.newest(self._deployments, {"account": account}, limit=looked)
            found = list(islice(self._readable(items), limit))
            if len(found) == limit or len(items) < looked:
                return found
            looked *= 2

    def _readable(self, items: Iterable[Mapping[str, Json]]) -> Iterator[Deployment]:
        for item in items:
            try:
                yield Deployment.from_json(item)
            except BadInputError as error:
                self._warn(f"deployment {item.get('deployment_id', '?')}", error.what)

    def _warn(self, subject: str, what: str) -> None:
        if subject not in self._warned:
            self._warned.add(subject)
            said = f"left out of the records: {what}"
            self._tell(Progress(subject=subject, state=said, phase=Phase.WARNING))

    def deployments_of(self, release: SnapshotId) -> list[Deployment]:
        """Return the last deployments of a release to any account, newest first."""
        item = self._tables.get(self._releases, {"release_id": release})
        entries = [] if item is None else _entries(_release_manifest(item))
        return [Deployment.from_json(_record(entry)) for entry in reversed(entries)]

    def manifest_digest(self, release: SnapshotId) -> Sha256 | None:
        """Return the digest of the manifest that was recorded; None if there is no such record.

        It is kept outside the bucket, so whoever can write there cannot replace a whole snapshot.
        """
        item = self._tables.get(self._releases, {"release_id": release})
        digest = None if item is None else _release_manifest(item).get("manifest_sha256")
        return None if digest is None else Sha256(str(digest))

    def _new_release(self, manifest: Manifest) -> dict[str, Json]:
        return {
            "release_id": manifest.id,
            "stage": manifest.stage,
            "created_at": int(manifest.provenance.created_at.timestamp()),
            "revision": 0,
            "release_manifest": _text(_release(manifest)),
        }

    def _puts(
        self, deployment: Deployment, manifest: Manifest, release: Mapping[str, Json] | None
    ) -> list[Put]:
        before = release or self._new_release(manifest)
        content = _release_manifest(before)
        entries = [*_entries(content), _entry(deployment)][-_KEPT:]
        revision = before["revision"]
        after = {
            **before,
            "deployed_at": int(deployment.requested_at.timestamp()),
            "revision": int(str(revision)) + 1,
            "release_manifest": _text({**content, "deployments": entries}),
        }
        known = release is not None
        return [
            Put(
                table=self._releases,
                item=after,
                condition=_SAME_RELEASE if known else _NEW_RELEASE,
                values={"revision": revision} if known else {},
            ),
            Put(table=self._deployments, item=deployment.to_json()),
        ]


class Lock:
    """The right to change one account, for a time. One object is one contender."""

    def __init__(
        self,
        tables: Tables,
        locks_table: str,
        clock: Clock,
        owner: LockOwner,
        *,
        alive: Callable[[int], bool] | None = None,
    ) -> None:
        self._tables = tables
        self._table = locks_table
        self._clock = clock
        self._owner = owner
        self._alive = alive or _alive
        self._nonce = secrets.token_hex(8)
        self._seconds = 0.0
        self.held: LockHolder | None = None

    def acquire(self, key: str, reason: str, seconds: float) -> LockHolder:
        """Take the lock of an account for some seconds; `heartbeat` prolongs it.

        One that has expired, or whose process on this host is dead, is taken over. Raises
        LockedError, which names the holder, while somebody else has it.
        """
        self._seconds = seconds
        for _ in range(_TRIES):
            there = self._read(key)
            if there is not None and not self._abandoned(there):
                if there.nonce != self._nonce:
                    raise _locked(there)
                self.held = there  # our own write, its answer lost
                return there
            if holder := self._take(key, reason, there):
                self.held = holder
                return holder
        raise ConflictError("the lock changes hands too often", where=key, fix="try again")

    def heartbeat(self) -> None:
        """Prolong the lock once a third of its time has passed; LockedError if it was lost."""
        held = self._require()
        if (held.expires_at - self._clock.now()).total_seconds() > self._seconds * 2 / 3:
            return
        prolonged = replace(held, expires_at=self._expiry())
        if not self._put(prolonged, over=held):
            there = self._read(held.key)
            self.held = None
            raise (
                _locked(there) if there else LockedError("the lock was taken away", where=held.key)
            )
        self.held = prolonged

    def release(self) -> LockHolder | None:
        """Give the lock back; nothing happens if it was lost.

        A call that fails is no error: the work is done, and the lock expires by itself. What could
        not be given back is returned.
        """
        if self.held is None:
            return None
        held, self.held = self.held, None
        try:
            self._tables.delete_if(
                self._table,
                {"account": held.key},
                condition=_SAME_LOCK,
                values={"token": held.token},
            )
        except PadstoneError:
            return held
        return None

    def holder(self, key: str) -> LockHolder | None:
        """Say who holds an account's lock, for those who only look."""
        there = self._read(key)
        return None if there is None or self._abandoned(there) else there

    def refuse_held(self, key: str) -> None:
        """Raise LockedError, which names the holder, if somebody has an account's lock."""
        if there := self.holder(key):
            raise _locked(there)

    def _take(self, key: str, reason: str, over: LockHolder | None) -> LockHolder | None:
        # Tokens grow even across a release, which deletes the item: milliseconds do, too.
        token = max(over.token + 1 if over else 0, int(self._clock.now().timestamp() * 1000))
        holder = LockHolder(
            key=key,
            owner=self._owner,
            reason=reason,
            expires_at=self._expiry(),
            token=token,
            nonce=self._nonce,
        )
        return holder if self._put(holder, over=over) else None

    def _put(self, holder: LockHolder, *, over: LockHolder | None) -> bool:
        return self._tables.put_if(
            self._table,
            holder.to_json(),
            condition=_SAME_LOCK if over else _NEW_LOCK,
            values={"token": over.token} if over else None,
        )

    def _read(self, key: str) -> LockHolder | None:
        item = self._tables.get(self._table, {"account": key})
        return None if item is None else LockHolder.from_json(item)

    def _abandoned(self, there: LockHolder) -> bool:
        if there.expires_at <= self._clock.now():
            return True
        ours = (there.owner.name, there.owner.host) == (self._owner.name, self._owner.host)
        return ours and not self._alive(there.owner.pid)

    def _expiry(self) -> datetime:
        return (self._clock.now() + timedelta(seconds=self._seconds)).replace(microsecond=0)

    def _require(self) -> LockHolder:
        if self.held is None:
            raise PadstoneError("a lock that is not held was to be prolonged")
        return self.held


def this_process(name: str) -> LockOwner:
    """Return the lock owner that stands for this process, acting for `name`."""
    return LockOwner(name=name, host=socket.gethostname(), pid=os.getpid())


def _locked(there: LockHolder) -> LockedError:
    return LockedError(
        f"{there.owner.name} holds its lock until {there.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        f" ({there.reason or 'no reason given'}; process {there.owner.pid} on {there.owner.host})",
        where=there.key,
        fix="wait for them, or until then; a deployer that died is replaced once its lock expires",
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# --- the release manifest, in the shape of the release RFC ---------------------------------------


def _release(manifest: Manifest) -> dict[str, Json]:
    made = manifest.provenance
    return {
        "project": {"id": manifest.stage, "name": f"Padstone {manifest.stage} account"},
        "date_requested": made.created_at.isoformat(),
        "requested_by": _person(made.created_by),
        "description": made.reason,
        "images": {pin.name: pin.digest for pin in manifest.images},
        "packages": {pin.tool: pin.key for pin in manifest.packages},
        "manifest_sha256": Sha256.of(manifest.to_bytes()),
        "deployments": [],
    }


def _entry(deployment: Deployment) -> dict[str, Json]:
    return {
        "environment": {"id": deployment.account, "name": deployment.environment},
        "date_requested": deployment.requested_at.isoformat(),
        "requested_by": _person(deployment.requested_by),
        "description": deployment.reason,
        "record": deployment.to_json(),
    }


def _person(arn: str) -> dict[str, Json]:
    return {"id": arn, "name": arn.rpartition("/")[2]}


def _text(release: Mapping[str, Json]) -> str:
    return canonical.dump(release).decode()


def _release_manifest(item: Mapping[str, Json]) -> dict[str, Json]:
    name = f"release {item.get('release_id')}"
    return canonical.load_object(str(item.get("release_manifest")), name=name)


def _entries(release: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    entries = release.get("deployments", [])
    return (
        [entry for entry in entries if isinstance(entry, Mapping)]
        if isinstance(entries, list)
        else []
    )


def _record(entry: Mapping[str, Json]) -> Mapping[str, Json]:
    record = entry.get("record")
    return record if isinstance(record, Mapping) else {}


def _holds(item: Mapping[str, Json], deployment: Deployment) -> bool:
    record = deployment.to_json()
    return any(_record(entry) == record for entry in _entries(_release_manifest(item)))
