"""Who may do what in the shared bucket. It is the bucket's whole policy: nothing else edits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from padstone_cdk import wiring
from padstone_cdk.pins import Pins
from padstone_cdk.stack import PadstoneStack
from padstone_cdk.tools.principals import ProofAccounts

# Of snapshots, proof accounts see only those that are made for them.
READ_BY_PROOF_ACCOUNTS = ("packages/", "snapshots/proof/", "ids/")
WRITTEN_ONCE = ("packages/", "snapshots/", "ids/")


class AccessStack(PadstoneStack):
    """Registered proof accounts read; nobody overwrites or deletes what is written once."""

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone tools account: who may do what in the shared bucket",
        )
        self._bucket = self.text(wiring.SHARED_BUCKET)
        accounts = ProofAccounts(self)
        s3.CfnBucketPolicy(
            self,
            "SharedBucketPolicy",
            bucket=self._bucket,
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    self._deny_plain_http(),
                    self._deny_overwriting(),
                    self._deny_deleting(),
                    accounts.where_any(self._allow_reading(accounts.ids)),
                    accounts.where_any(self._allow_listing(accounts.ids)),
                ],
            },
        )

    def _deny_plain_http(self) -> dict[str, Any]:
        return {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [self._arn(), self._arn("*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }

    def _deny_overwriting(self) -> dict[str, Any]:
        # Requests that create an object are PutObject and CompleteMultipartUpload, and these have
        # to say If-None-Match; the requests that start or feed an upload cannot say it. CopyObject
        # cannot either, so nothing is copied here.
        return {
            "Sid": "DenyOverwriting",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": [self._arn(f"{prefix}*") for prefix in WRITTEN_ONCE],
            "Condition": {
                "Null": {"s3:if-none-match": "true"},
                "Bool": {"s3:ObjectCreationOperation": "true"},
            },
        }

    def _deny_deleting(self) -> dict[str, Any]:
        return {
            "Sid": "DenyDeleting",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": [self._arn(f"{prefix}*") for prefix in WRITTEN_ONCE],
        }

    def _allow_reading(self, accounts: Sequence[str]) -> dict[str, Any]:
        return {
            "Sid": "AllowProofAccountsToRead",
            "Effect": "Allow",
            "Principal": {"AWS": accounts},
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": [self._arn(f"{prefix}*") for prefix in READ_BY_PROOF_ACCOUNTS],
        }

    def _allow_listing(self, accounts: Sequence[str]) -> dict[str, Any]:
        return {
            "Sid": "AllowProofAccountsToList",
            "Effect": "Allow",
            "Principal": {"AWS": accounts},
            "Action": ["s3:ListBucket", "s3:ListBucketVersions"],
            "Resource": self._arn(),
            "Condition": {
                "StringLike": {"s3:prefix": [f"{prefix}*" for prefix in READ_BY_PROOF_ACCOUNTS]}
            },
        }

    def _arn(self, objects: str = "") -> str:
        arn = f"arn:{cdk.Aws.PARTITION}:s3:::{self._bucket}"
        return f"{arn}/{objects}" if objects else arn
