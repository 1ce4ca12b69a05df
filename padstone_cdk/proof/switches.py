"""The account's two switches: parameters of the stack, read by the functions while they run."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from padstone_cdk.proof.policies import allow, arn


class Switches(Construct):
    """`operational` and `updating` hold `true` or `false`; a deployment turns them."""

    def __init__(
        self, scope: Construct, construct_id: str, *, operational: str, updating: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.operational = self._switch("CiOperational", operational)
        self.updating = self._switch("GitHubUpdating", updating)

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


def reading(switch: ssm.CfnParameter) -> iam.PolicyStatement:
    """Return what the role of a function that obeys a switch needs."""
    return allow([arn("ssm", f"parameter{switch.ref}")], "ssm:GetParameter")
