"""Plan what gives the registered accounts, and nobody else, access to the tools account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from snapshot_tool.model import tags
from snapshot_tool.model.assembly import Assembly, AssemblyStack
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import AccountId, StageName
from snapshot_tool.model.parameters import Offer, Source, Value
from snapshot_tool.model.plan import Action, Plan, StackChange, Target
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.template import Template
from snapshot_tool.planner import unfrozen

PROOF_ACCOUNTS = "ProofAccountIds"
"""The parameter of the stacks that grant access: account IDs, separated by commas."""


def registered(accounts: Iterable[AccountId]) -> Offer:
    """Return the register as a source of parameters."""
    values = {PROOF_ACCOUNTS: ",".join(sorted(set(accounts)))}
    return Offer(source=Source.REGISTER, where="account register", values=values)


def plan(
    target: Target,
    stacks: Mapping[str, tuple[StackState, Template]],
    accounts: Iterable[AccountId],
) -> Plan:
    """Return the plan that sets `ProofAccountIds` of these stacks and leaves all else as it is.

    `stacks` maps the name of each stack to its state and the template that it runs.
    """
    wanted = registered(accounts)
    changes = tuple(_change(state, template, wanted) for state, template in stacks.values())
    return Plan(target=target, manifest=_running(stacks), changes=changes)


def _change(state: StackState, template: Template, wanted: Offer) -> StackChange:
    before, after = state.parameters.get(PROOF_ACCOUNTS, ""), wanted.values[PROOF_ACCOUNTS]
    return StackChange(
        stack=state.name,
        name=state.name,
        action=Action.NOTHING if before == after else Action.UPDATE,
        why=() if before == after else (f"{PROOF_ACCOUNTS}: {before} -> {after}",),
        template_key="",
        template=template.sha256,
        before=template.sha256,
        after=(),
        capabilities=template.capabilities,
        parameters=tuple(_value(name, state, wanted) for name in sorted(template.parameters)),
        tags={key: text for key, text in state.tags.items() if not key.startswith("aws:")},
    )


def _value(name: str, state: StackState, wanted: Offer) -> Value:
    kept = Value(
        name=name, text=state.parameters.get(name, ""), source=Source.DEPLOYED, where=state.name
    )
    if name != PROOF_ACCOUNTS:
        return kept
    return replace(kept, text=wanted.values[name], source=wanted.source, where=wanted.where)


def _running(stacks: Mapping[str, tuple[StackState, Template]]) -> Manifest:
    """Describe the templates as they run."""
    stages = sorted({state.tags[tags.STAGE] for state, _ in stacks.values()})
    running = Assembly(
        stacks=tuple(
            AssemblyStack(id=name, stack_name=name, body=template.body)
            for name, (_, template) in sorted(stacks.items())
        )
    )
    return unfrozen.manifest(running, StageName(stages[0]))
