"""The account's two switches: parameters of the stack, read by the functions while they run."""

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from padstone_cdk.proof.needs import Need
from padstone_cdk.proof.policies import allow, arn


class Switches(Construct):
    """Both hold `true` or `false`; a deployment turns them."""

    def __init__(
        self, scope: Construct, construct_id: str, *, operational: str, updating: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._operational = self._switch("CiOperational", operational)
        self._updating = self._switch("GitHubUpdating", updating)

    def _switch(self, construct_id: str, value: str) -> ssm.CfnParameter:
        return ssm.CfnParameter(
            self,
            construct_id,
            name=f"/{cdk.Aws.STACK_NAME}/{construct_id}",
            type="String",
            value=value,
            allowed_pattern="^(true|false)$",
            description=f"{construct_id}: deploy with this parameter to turn it",
        )

    def to_obey_operational(self) -> Need:
        """Look whether events start proofs."""
        return _to_read("CI_OPERATIONAL_PARAMETER", self._operational)

    def to_obey_updating(self) -> Need:
        """Look whether verdicts are written to GitHub."""
        return _to_read("GITHUB_UPDATING_PARAMETER", self._updating)


def _to_read(variable: str, switch: ssm.CfnParameter) -> Need:
    statement = allow([arn("ssm", f"parameter{switch.ref}")], "ssm:GetParameter")
    return Need(environment={variable: switch.ref}, statements=(statement,))
