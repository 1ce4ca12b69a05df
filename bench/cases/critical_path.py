"""The first deployment with stacks that take five seconds each: only these may be waited for.

Three levels of five seconds are the least there can be.
"""

from __future__ import annotations

from bench.lab import Lab, interleaved, seconds
from bench.peers import cdk_deploy, padstone_deploy
from bench.results import Row, series
from bench.stacks import LEVELS

_STACK = 5.0  # seconds


def measure(lab: Lab) -> list[Row]:
    """Compare with the critical path and, in half as many rounds, with `cdk deploy`."""
    lab.snapshot  # noqa: B018  # frozen before anything is slow
    lab.cloud.delay_stacks(_STACK)
    try:
        ours = {"padstone": lambda: padstone_deploy(lab, lab.fresh("path-padstone"))}
        both = {**ours, "cdk": lambda: cdk_deploy(lab, lab.fresh("path-cdk"))}
        half = lab.rounds // 2
        found = interleaved(lab, both, rounds=half) if half else {"padstone": [], "cdk": []}
        more = interleaved(lab, ours, rounds=lab.rounds - half)
    finally:
        lab.cloud.delay_stacks(0)
    padstone = series("padstone", seconds([*found["padstone"], *more["padstone"]]))
    rows = [
        Row(
            case="path",
            what="first deployment, every stack takes 5 s longer",
            unit="s",
            ours=padstone,
            theirs=series("critical path", [LEVELS * _STACK]),
            at_most=1.1,
        )
    ]
    if found["cdk"]:
        cdk = series("cdk deploy", seconds(found["cdk"]))
        rows.append(Row(case="path", what="the same", unit="s", ours=padstone, theirs=cdk))
    return rows
