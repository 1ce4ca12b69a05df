"""Rules of cdk-nag that do not hold somewhere, with the reason beside the construct."""

import aws_cdk as cdk
from constructs import IConstruct


def accept(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept findings of AwsSolutions on a construct, by rule or by rule[finding]."""
    for rule in rules:
        cdk.Validations.of(construct).acknowledge(
            cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason)
        )
