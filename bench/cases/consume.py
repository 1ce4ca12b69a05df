"""`cdk deploy -c snapshot_id=ID` beside `cdk deploy` from source: until CloudFormation is asked.

Both deploy the proof stage of the project's own app. CloudFormation refuses their first call, so
that nothing is deployed: what comes before that call is what is measured.
"""

from __future__ import annotations

import json
from pathlib import Path

from bench.lab import CHECKOUT, STAGE, Account, Lab
from bench.results import Row, series
from bench.run import NotMeasuredError, Ran
from snapshot_tool.model.names import UNFROZEN


def measure(lab: Lab) -> list[Row]:
    """Freeze the app's proof stage, then start both ways in turn."""
    if not (CHECKOUT / "cdk.json").is_file():
        raise NotMeasuredError("the project's CDK app is not there (cdk.json)")
    account = lab.fresh("consume")
    snapshot = _freeze(lab)
    frozen, source = [], []
    lab.cloud.faults.add(
        "cloudformation:*", times=1_000_000, account=account.id, status=403, code="AccessDenied"
    )
    try:
        _frozen(lab, account, snapshot)
        for number in range(lab.rounds):
            frozen.append(lab.first_call(_frozen(lab, account, snapshot), "cloudformation"))
            source.append(lab.first_call(_source(lab, account), "cloudformation"))
            lab.say(f"  round {number + 1}: {frozen[-1]:.2f} s, from source {source[-1]:.2f} s")
    finally:
        lab.cloud.faults.clear()
    return [
        Row(
            case="consume",
            what="cdk deploy -c snapshot_id=ID: first CloudFormation call after",
            unit="s",
            ours=series("frozen", frozen),
            theirs=series("from source", source),
            at_most=0.25,
        )
    ]


def _freeze(lab: Lab) -> str:
    """Freeze what the app makes with its example pins, but for the ID that these name."""
    out = lab.folder / "app.out"
    words = ["cdk", "synth", "--quiet", "--no-notices", "--output", str(out), *_stage()]
    lab.tool(words, profile="tools", folder=CHECKOUT)
    for template in out.rglob("*.template.json"):
        template.write_text(template.read_text().replace(UNFROZEN, "measured"))
    create = ("snapshot", "create", STAGE, "--assembly", str(out), "--json")
    return str(json.loads(lab.padstone(*create).output)["id"])


def _stage() -> list[str]:
    return ["--context", f"stage={STAGE}"]


def _frozen(lab: Lab, account: Account, snapshot: str) -> Ran:
    context = (f"snapshot_id={snapshot}", f"tools_bucket={lab.bucket}", "tools_profile=tools")
    return _deploy(lab, account, [part for one in context for part in ("--context", one)])


def _source(lab: Lab, account: Account) -> Ran:
    return _deploy(lab, account, _stage())


def _deploy(lab: Lab, account: Account, context: list[str]) -> Ran:
    lab.cloud.clear_calls()
    out = Path(lab.folder) / "consume.out"
    words = ["cdk", "deploy", "**", "--no-notices", "--require-approval", "never", *context]
    return lab.tool(
        [*words, "--output", str(out)], profile=account.name, folder=CHECKOUT, code=None
    )
