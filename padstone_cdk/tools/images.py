"""Where the proof image is kept, and who may pull it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr

from padstone_cdk import wiring
from padstone_cdk.pins import Pins
from padstone_cdk.stack import PadstoneStack
from padstone_cdk.tools.principals import ProofAccounts
from padstone_cdk.tools.storage import KEPT

UNTAGGED_DAYS = 365


class ImagesStack(PadstoneStack):
    """One repository. Tags are written once and never expire: snapshots pin what they name."""

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone tools account: repository of the proof image",
        )
        accounts = ProofAccounts(self)
        repository = ecr.CfnRepository(
            self,
            "ProofImage",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(
                scan_on_push=True
            ),
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="AES256"
            ),
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(
                lifecycle_policy_text=self.to_json_string(_lifecycle())
            ),
            repository_policy_text=accounts.where_any(_allow_pulling(accounts.ids)),
        )
        repository.apply_removal_policy(KEPT)
        self.publish(
            wiring.IMAGE_REPOSITORY_URI.name,
            repository.attr_repository_uri,
            wiring.IMAGE_REPOSITORY_URI.description,
        )
        self.publish(
            wiring.IMAGE_REPOSITORY_ARN.name,
            repository.attr_arn,
            wiring.IMAGE_REPOSITORY_ARN.description,
        )


def _lifecycle() -> dict[str, Any]:
    rule = {
        "rulePriority": 1,
        "description": "What no tag names was never recorded as built",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
    return {"rules": [rule]}


def _allow_pulling(accounts: Sequence[str]) -> dict[str, Any]:
    statement = {
        "Sid": "AllowProofAccountsToPull",
        "Effect": "Allow",
        "Principal": {"AWS": accounts},
        "Action": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            "ecr:ListImages",
        ],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
