"""ECR repositories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from snapshot_tool.aws.errors import code_of, translated
from snapshot_tool.errors import BadInputError
from snapshot_tool.model.names import ImageDigest

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_URI = re.compile(r"(\d{12})\.dkr\.ecr\.[^/]+/(.+)|[^/]+/(.+)")


class AwsImages:
    """`Images` over ECR."""

    def __init__(self, client: ECRClient) -> None:
        self._client = client

    def exists(self, repository_uri: str, digest: ImageDigest) -> bool:
        """True if the repository holds an image of that digest."""
        registry, repository = _split(repository_uri)
        where: dict[str, Any] = {"registryId": registry} if registry else {}
        with translated(f"ecr {repository_uri}"):
            try:
                answer = self._client.describe_images(
                    repositoryName=repository, imageIds=[{"imageDigest": digest}], **where
                )
            except ClientError as error:
                if code_of(error) == "ImageNotFoundException":
                    return False
                raise
        return digest in {found.get("imageDigest") for found in answer["imageDetails"]}


def _split(uri: str) -> tuple[str, str]:
    found = _URI.fullmatch(uri)
    if not found:
        raise BadInputError(f"{uri!r} is not the URI of an ECR repository")
    return found[1] or "", found[2] or found[3]
