"""The tools account: where its bucket, its tables and its parameters are.

Everything is found through the outputs of its stacks, by name, so no bucket or table name is ever
configured. One DescribeStacks pass opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import ClassVar

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.ledger import Ledger
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import Sha256, StageName, ToolName
from snapshot_tool.model.progress import Progress
from snapshot_tool.model.records import Finding
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.tags import belongs_to
from snapshot_tool.model.template import Template
from snapshot_tool.packages import Packages
from snapshot_tool.parallel import side_by_side
from snapshot_tool.ports import Clock, Doors, Objects
from snapshot_tool.register import Register
from snapshot_tool.store import SnapshotStore

BUCKET = "SharedBucketName"
RELEASES = "ReleasesTableName"
DEPLOYMENTS = "DeploymentsTableName"
ACCOUNTS = "AccountsTableName"
LOCKS = "LocksTableName"
PREFIX = "ParameterPrefix"


@dataclass(frozen=True, kw_only=True)
class ToolsAccount:
    """One environment of the tools account, opened: its stacks as they are, and what they hold.

    `tell` is told what is wrong with its records and stops nobody.
    """

    STAGE: ClassVar[StageName] = StageName("tools")

    doors: Doors
    clock: Clock
    stacks: tuple[StackState, ...]
    tell: Callable[[Progress], None]

    @classmethod
    def open(
        cls, doors: Doors, clock: Clock, tell: Callable[[Progress], None], *, environment: str = ""
    ) -> ToolsAccount:
        """Read which stacks the account has."""
        stacks = doors.stacks.describe_all()
        mine = tuple(state for state in stacks if belongs_to(state.tags, environment))
        return cls(doors=doors, clock=clock, stacks=mine, tell=tell)

    @property
    def deployed(self) -> bool:
        """True once the account has its shared bucket and tables."""
        return all(name in self.outputs for name in (BUCKET, RELEASES, DEPLOYMENTS, LOCKS))

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of all its stacks."""
        return {key: value for state in self.stacks for key, value in state.outputs.items()}

    @cached_property
    def objects(self) -> Objects:
        """The shared bucket."""
        return self.doors.objects(self._output(BUCKET))

    @cached_property
    def store(self) -> SnapshotStore:
        """The snapshots in the shared bucket."""
        return SnapshotStore(self.objects, self.clock)

    @cached_property
    def packages(self) -> Packages:
        """The tool packages in the shared bucket and the records of their builds."""
        return Packages(self.objects, self.doors.parameters, self._output(PREFIX), self.clock)

    @cached_property
    def ledger(self) -> Ledger:
        """The records of releases and deployments."""
        releases, deployments = self._output(RELEASES), self._output(DEPLOYMENTS)
        return Ledger(self.doors.tables, releases, deployments, self.clock, self.tell)

    @cached_property
    def register(self) -> Register:
        """The registered proof accounts."""
        return Register(self.doors.tables, self._output(ACCOUNTS))

    @property
    def locks_table(self) -> str:
        """The table of the accounts' locks."""
        return self._output(LOCKS)

    def granting(self, parameter: str) -> dict[str, tuple[StackState, Template]]:
        """Return the stacks that take a parameter, each with the template that it runs, by name."""
        takers = [state for state in self.stacks if parameter in state.parameters]
        bodies = side_by_side(self.doors.stacks.template, [state.name for state in takers])
        return {
            state.name: (state, _granting_template(state, body))
            for state, body in zip(takers, bodies, strict=True)
        }

    def findings(self, manifest: Manifest, *, read_packages: bool = False) -> tuple[Finding, ...]:
        """Return everything that is wrong with a snapshot; nothing if it is what was frozen."""
        looks = (
            partial(self.store.verify, manifest, read_packages=read_packages),
            partial(self._missing_images, manifest),
            partial(self._unlike_the_record, manifest),
        )
        return tuple(chain.from_iterable(side_by_side(lambda look: look(), looks)))

    def _missing_images(self, manifest: Manifest) -> tuple[Finding, ...]:
        """Return the images of a snapshot that their repository does not hold."""
        return tuple(
            Finding(where=uri, what=f"has no image {pin.digest}")
            for pin in manifest.images
            if not self.doors.images.exists(uri := self._repository(pin.name), pin.digest)
        )

    def _unlike_the_record(self, manifest: Manifest) -> tuple[Finding, ...]:
        """Compare a manifest with the digest that was recorded outside the bucket, if one was."""
        recorded = self.ledger.manifest_digest(manifest.id)
        if recorded in (None, Sha256.of(manifest.to_bytes())):
            return ()
        return (Finding(where=f"manifest of {manifest.id}", what="is not the one recorded"),)

    def _repository(self, image: ToolName) -> str:
        return self._output(f"{image.capitalize()}ImageRepositoryUri")

    def _output(self, name: str) -> str:
        if name not in self.outputs:
            raise NotFoundError(
                f"the tools account has no stack with the output {name}",
                where="tools account",
                fix="deploy it first: padstone deploy tools --from-source",
            )
        return self.outputs[name]


def _granting_template(state: StackState, body: bytes) -> Template:
    """Read the template that a stack runs, to give it back with other parameters."""
    try:
        return Template.parse(body, name=state.name)
    except BadInputError as error:
        raise BadInputError(
            "it runs a template that is not JSON, as `cdk deploy` from source leaves it",
            where=f"stack {state.name}",
            fix="deploy a snapshot to the tools account, then run the same command again",
        ) from error
