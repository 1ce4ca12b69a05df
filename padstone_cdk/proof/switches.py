"""The account's two switches: parameters of the stack, read by the functions while they run."""

from aws_cdk import aws_ssm as ssm
from constructs import Construct


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
            type="String",
            value=value,
            allowed_pattern="^(true|false)$",
            description=f"{construct_id}: deploy with this parameter to turn it",
        )
