"""The plan of a run's jobs: which proof each child of each array is (`plan.json`). Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from proof_ci.model.budget import Group
from proof_ci.model.run import Run
from proof_ci.model.verdicts import is_proof

VERSION = 1
LARGEST = 8 * 1024 * 1024
"""No more bytes of it are read."""


class PlanError(Exception):
    """A text is no plan of this run; the message says why."""


@dataclass(frozen=True)
class Plan:
    """Proofs by group and place. `warnings` are for single proofs, by name."""

    groups: tuple[tuple[str, ...], ...]
    warnings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: tuple[Group, ...], warnings: Mapping[str, str]) -> "Plan":
        """The plan of these groups."""
        return cls(tuple(group.proofs for group in groups), warnings)

    def proof(self, group: int, index: int) -> str:
        """The proof at a place. Raises PlanError."""
        if not (0 <= group < len(self.groups) and 0 <= index < len(self.groups[group])):
            raise PlanError("the plan has no such place")
        return self.groups[group][index]

    def to_json(self, run: Run) -> str:
        """The plan as jobs and functions read it."""
        whose = {"run_id": run.run_id, "repository": run.repository, "sha": run.sha}
        what = {"groups": self.groups, "warnings": dict(self.warnings)}
        return json.dumps({"version": VERSION, **whose, **what}, sort_keys=True)

    @classmethod
    def from_json(cls, run: Run, text: str) -> "Plan":
        """The plan that `to_json` wrote. Raises PlanError for any other text, and other runs'."""
        try:
            fields = json.loads(text)
            if (fields["version"], fields["run_id"]) != (VERSION, run.run_id):
                raise PlanError("the plan is another run's or of another version")
            groups = tuple(tuple(group) for group in fields["groups"])
            warnings = {str(name): str(what) for name, what in fields["warnings"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise PlanError("the plan is not of its form") from error
        if not all(is_proof(name) for group in groups for name in group):
            raise PlanError("the plan names what is no proof")
        return cls(groups, warnings)
