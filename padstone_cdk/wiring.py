"""What one stack tells another: an output here is a parameter of the same name there.

Nothing is exported and imported, because exports block rollbacks; the deployer fills a parameter
from an output of its name, and no literal of an account gets into a template.
"""

from __future__ import annotations

from padstone_cdk.stack import Setting

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_BUCKET_RULE = "the name of an S3 bucket"


def bucket(name: str, description: str) -> Setting:
    """Return the setting for the name of a bucket."""
    return Setting(name=name, description=description, pattern=_BUCKET, constraint=_BUCKET_RULE)


SHARED_BUCKET = bucket("SharedBucketName", "Bucket of packages and snapshots, in the tools account")
ARTIFACT_BUCKET = bucket("ArtifactBucketName", "Bucket of the pipelines' intermediate artifacts")
PARAMETER_PREFIX = Setting(
    name="ParameterPrefix",
    description="Path under which builds record their newest packages in the SSM parameter store",
    pattern=r"/[A-Za-z0-9_.-]+",
    constraint="a path of one level, such as /padstone",
)
CONNECTION = Setting(
    name="ConnectionArn",
    description="CodeConnections connection through which the pipelines read their sources",
    pattern=r"arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/\S+",
    constraint="the ARN of a CodeConnections connection",
)
IMAGE_REPOSITORY_URI = Setting(
    name="ProofImageRepositoryUri",
    description="ECR repository of the proof image, without tag or digest",
    pattern=r"[0-9a-z.:-]+/[a-z0-9][a-z0-9._/-]*",
    constraint="the URI of an ECR repository",
)
IMAGE_REPOSITORY_ARN = Setting(
    name="ProofImageRepositoryArn",
    description="ECR repository of the proof image",
    pattern=r"arn:[a-z-]+:ecr:[a-z0-9-]+:\d{12}:repository/\S+",
    constraint="the ARN of an ECR repository",
)
PROOF_ACCOUNTS = Setting(
    name="ProofAccountIds",
    description="Registered proof accounts; filled from the account register",
    type="CommaDelimitedList",
    pattern=r"(\d{12})?",
    constraint="AWS account IDs of 12 digits, separated by commas",
    default="",
)
