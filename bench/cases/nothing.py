"""Nothing to do: deploying what an account already runs."""

from __future__ import annotations

from bench.lab import Lab, interleaved, seconds
from bench.peers import cdk_deploy, padstone_deploy
from bench.results import Row, series


def measure(lab: Lab) -> list[Row]:
    """Compare with `cdk deploy` of the same ready-made assembly, each in its own account."""
    ours, theirs = lab.fresh("nothing-padstone"), lab.fresh("nothing-cdk")
    padstone_deploy(lab, ours)
    cdk_deploy(lab, theirs)
    found = interleaved(
        lab,
        {
            "padstone": lambda: padstone_deploy(lab, ours),
            "cdk": lambda: cdk_deploy(lab, theirs),
        },
    )
    calls = lab.calls(lambda: padstone_deploy(lab, ours))
    return [
        Row(
            case="nothing",
            what="deploying what an account already runs",
            unit="s",
            ours=series("padstone", seconds(found["padstone"])),
            theirs=series("cdk deploy", seconds(found["cdk"])),
            at_most=0.6,
            note=f"{len(calls)} calls",
        )
    ]
