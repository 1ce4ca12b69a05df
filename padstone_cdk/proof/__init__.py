"""The proof account: what one project's proofs run on.

Two stacks. `storage` holds what outlives every snapshot (results, reports, secrets, the record of
runs) and retains it. `ci` is everything else, in one stack, so that CloudFormation updates an
account wholly or not at all.
"""

import aws_cdk as cdk
from constructs import Construct

from padstone_cdk.pins import Pins
from padstone_cdk.proof.ci import CiStack
from padstone_cdk.proof.storage import StorageStack

__all__ = ["ProofAccount"]


class ProofAccount(cdk.Stage):
    """The stage `proof`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(scope, construct_id)
        storage = StorageStack(self, "storage", pins=pins, environment=environment)
        ci = CiStack(self, "ci", pins=pins, environment=environment)
        ci.add_stack_dependency(storage, "outputs of storage are parameters of ci")
