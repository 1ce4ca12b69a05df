"""What somebody asks for when an account is planned or deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapshot_tool.model.names import SnapshotId


@dataclass(frozen=True, kw_only=True)
class Order:
    """Bring an account to a snapshot, with these values.

    `snapshot` None means what the account says it runs (which repairs it). `settings` are values
    from the command line. `parameters_file` empty means the file that the configuration names.
    `from_source` is the folder of a CDK app whose own templates are deployed, frozen by nobody.
    `builds` asks that the pipelines of changed stacks are run and waited for, at most `deadline`
    seconds. `action` is the verb that is recorded.
    """

    account: str
    snapshot: SnapshotId | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters_file: str = ""
    from_source: str = ""
    reason: str = ""
    builds: bool = False
    deadline: float = 3600.0
    action: str = "deploy"
