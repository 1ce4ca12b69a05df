"""What a function needs: how it is told of something, and what it may do with it, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam

from padstone_cdk.proof.policies import allow


@dataclass(frozen=True, kw_only=True)
class Need:
    """Variables for the function, statements for its role, and what cdk-nag finds in those.

    `findings` are patterns of resources that cannot be named before a run is there.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[iam.PolicyStatement, ...] = ()
    findings: tuple[str, ...] = ()


def joined(needs: Iterable[Need]) -> Need:
    """Return the sum of all needs."""
    several = list(needs)
    return Need(
        environment={k: v for one in several for k, v in one.environment.items()},
        statements=tuple(s for one in several for s in one.statements),
        findings=tuple(dict.fromkeys(f for one in several for f in one.findings)),
    )


def to_know(**variables: str) -> Need:
    """Be told, and no more."""
    return Need(environment=variables)


def to_read_secret(variable: str, arn: str) -> Need:
    """Read the secret that the variable names."""
    return Need(
        environment={variable: arn}, statements=(allow([arn], "secretsmanager:GetSecretValue"),)
    )
