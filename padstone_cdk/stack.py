"""What every stack of Padstone has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk

from padstone_cdk.pins import Pins


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One template parameter and what it may be: the same in every stack that takes it.

    `default` None means that a value is required. `pattern` is anchored by CloudFormation.
    """

    name: str
    description: str
    pattern: str = ""
    constraint: str = ""
    default: str | None = None
    allowed: Sequence[str] = ()
    minimum: int | None = None
    maximum: int | None = None
    type: str = "String"


class PadstoneStack(cdk.Stack):
    """A stack that can be frozen: environment-agnostic, without assets, stating its snapshot.

    Its name is `padstone-STAGE-ID`, with the environment behind it if one is named.
    """

    def __init__(
        self,
        scope: cdk.Stage,
        construct_id: str,
        *,
        pins: Pins,
        environment: str,
        description: str,
        account_owned: Sequence[str] = (),
    ) -> None:
        stage_name = scope.node.id
        name = f"padstone-{stage_name}-{construct_id}"
        super().__init__(
            scope,
            construct_id,
            stack_name=f"{name}-{environment}" if environment else name,
            description=description,
            synthesizer=cdk.BootstraplessSynthesizer(),
            analytics_reporting=False,
            tags=_tags(pins, stage_name, environment),
        )
        self.pins = pins
        self.publish("SnapshotId", pins.snapshot_id, "The snapshot that this stack runs")
        if account_owned:
            self.template_options.metadata = {"Padstone": {"AccountOwned": list(account_owned)}}

    def setting(self, setting: Setting) -> cdk.CfnParameter:
        """Return the stack's parameter for a setting, made when it is first asked for."""
        found = self.node.try_find_child(setting.name)
        if isinstance(found, cdk.CfnParameter):
            return found
        return cdk.CfnParameter(
            self,
            setting.name,
            type=setting.type,
            description=setting.description,
            default=setting.default,
            allowed_pattern=setting.pattern or None,
            constraint_description=setting.constraint or None,
            allowed_values=list(setting.allowed) or None,
            min_value=setting.minimum,
            max_value=setting.maximum,
        )

    def text(self, setting: Setting) -> str:
        """Return a reference to the value of a setting."""
        return self.setting(setting).value_as_string

    def publish(self, name: str, value: str, description: str) -> None:
        """Give the stack an output; other stacks take it as the parameter of the same name."""
        cdk.CfnOutput(
            self, f"Output{name}", value=value, description=description
        ).override_logical_id(name)


def _tags(pins: Pins, stage: str, environment: str) -> dict[str, str]:
    tags = {"padstone:snapshot-id": pins.snapshot_id, "padstone:stage": stage}
    return {**tags, "padstone:environment": environment} if environment else tags
