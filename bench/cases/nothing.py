"""Nothing to do: deploying what an account already runs."""

from __future__ import annotations

from bench.lab import Lab
from bench.peers import beside_cdk, cdk_deploy, padstone_deploy
from bench.results import Row


def measure(lab: Lab) -> list[Row]:
    """Compare with `cdk deploy` of the same ready-made assembly, each in its own account."""
    accounts = {tool: lab.fresh(f"nothing-{tool}") for tool in ("padstone", "cdk")}
    padstone_deploy(lab, accounts["padstone"])
    cdk_deploy(lab, accounts["cdk"])
    what = "deploying what an account already runs"
    return [beside_cdk(lab, "nothing", what, at_most=0.6, on=accounts.__getitem__)]
