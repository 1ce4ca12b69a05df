"""The first deployment of the six stacks, with a CloudFormation that is done at once."""

from __future__ import annotations

from bench.lab import Lab, interleaved, seconds
from bench.peers import cdk_deploy, padstone_deploy
from bench.results import Row, series


def measure(lab: Lab) -> list[Row]:
    """Compare with `cdk deploy --concurrency 6`, each time in an account of its own."""
    padstone_deploy(lab, lab.fresh("first-warm"))
    found = interleaved(
        lab,
        {
            "padstone": lambda: padstone_deploy(lab, lab.fresh("first-padstone")),
            "cdk": lambda: cdk_deploy(lab, lab.fresh("first-cdk")),
        },
    )
    account = lab.fresh("first-calls")
    calls = lab.calls(lambda: padstone_deploy(lab, account))
    return [
        Row(
            case="first",
            what="first deployment, CloudFormation done at once",
            unit="s",
            ours=series("padstone", seconds(found["padstone"])),
            theirs=series("cdk deploy", seconds(found["cdk"])),
            at_most=0.5,
            note=f"{len(calls)} calls",
        )
    ]
