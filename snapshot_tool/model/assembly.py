"""What a snapshot freezes of a CDK app's cloud assembly: its stacks and their templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.template import Template


@dataclass(frozen=True, kw_only=True)
class AssemblyStack:
    """One stack: its ID inside its stage, its name, the template's exact bytes, what it follows."""

    id: str
    stack_name: str
    body: bytes = field(repr=False)
    after: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The stacks of one stage of any CDK app, each after those it depends on."""

    stacks: tuple[AssemblyStack, ...]

    def __post_init__(self) -> None:
        """Raise BadInputError if there is no stack, or one comes before another it needs."""
        if not self.stacks:
            raise BadInputError("the assembly has no stacks")
        seen: set[str] = set()
        for stack in self.stacks:
            if missing := set(stack.after) - seen:
                raise BadInputError(f"{stack.id} comes before {', '.join(sorted(missing))}")
            seen.add(stack.id)

    def templates(self) -> dict[str, Template]:
        """Parse every template, by stack ID."""
        return {s.id: Template.parse(s.body, name=f"template of {s.id}") for s in self.stacks}
