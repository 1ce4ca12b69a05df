"""Who of the registered proof accounts may do something, in templates where there may be none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk

from padstone_cdk import wiring
from padstone_cdk.stack import PadstoneStack


class ProofAccounts:
    """The registered proof accounts, as the parameter ProofAccountIds of a stack names them."""

    def __init__(self, stack: PadstoneStack) -> None:
        self.ids: Sequence[str] = stack.setting(wiring.PROOF_ACCOUNTS).value_as_list
        none = cdk.Fn.condition_equals(cdk.Fn.join("", self.ids), "")
        self._any = cdk.CfnCondition(
            stack, "AnyProofAccount", expression=cdk.Fn.condition_not(none)
        )

    def where_any(self, value: Any) -> Any:
        """Return a value that is left out of the template where no account is registered."""
        return cdk.Fn.condition_if(self._any.logical_id, value, cdk.Aws.NO_VALUE)
