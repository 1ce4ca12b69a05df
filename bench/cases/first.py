"""The first deployment of the six stacks, with a CloudFormation that is done at once."""

from __future__ import annotations

from bench.lab import Lab
from bench.peers import beside_cdk, padstone_deploy
from bench.results import Row


def measure(lab: Lab) -> list[Row]:
    """Compare with `cdk deploy --concurrency 6`, each time in an account of its own."""
    padstone_deploy(lab, lab.fresh("first-warm"))
    what = "first deployment, CloudFormation done at once"
    return [beside_cdk(lab, "first", what, at_most=0.5, on=lambda tool: lab.fresh(f"first-{tool}"))]
