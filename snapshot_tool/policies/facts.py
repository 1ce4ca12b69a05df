"""What policies are made of: what the accounts turned out to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from snapshot_tool.errors import NotFoundError
from snapshot_tool.model.plan import Target


@dataclass(frozen=True, kw_only=True)
class ToolsFacts:
    """What a tools account turned out to be; `repositories` are ARNs, `pipelines` names."""

    target: Target
    bucket: str
    releases: str
    deployments: str
    accounts: str
    locks: str
    prefix: str
    repositories: tuple[str, ...]
    pipelines: tuple[str, ...]

    @classmethod
    def of(cls, target: Target, outputs: Sequence[Mapping[str, str]]) -> Self:
        """Read the facts off the outputs of the account's stacks; NotFoundError if some lack."""
        every = {name: value for one in outputs for name, value in one.items()}
        try:
            return cls(
                target=target,
                bucket=every["SharedBucketName"],
                releases=every["ReleasesTableName"],
                deployments=every["DeploymentsTableName"],
                accounts=every["AccountsTableName"],
                locks=every["LocksTableName"],
                prefix=every["ParameterPrefix"].strip("/"),
                repositories=tuple(
                    value for name, value in every.items() if name.endswith("ImageRepositoryArn")
                ),
                pipelines=tuple(sorted(one["PipelineName"] for one in outputs if "Tool" in one)),
            )
        except KeyError as error:
            raise NotFoundError(
                f"the tools account has no stack with the output {error.args[0]}",
                where="tools account",
                fix="deploy it first, as its administrator: padstone deploy tools --from-source",
            ) from error


@dataclass(frozen=True, kw_only=True)
class ProofFacts:
    """What a proof account turned out to be.

    `queue` and `job_role` are ARNs; `repository` is where the jobs' image comes from.
    """

    table: str
    report_bucket: str
    log_groups: tuple[str, ...]
    queue: str
    job_role: str
    repository: str
