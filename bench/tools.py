"""A tools account with just what the snapshot tool needs: a bucket, four tables, their names.

Written by hand, so that a measurement of the tool does not move with the project's own CDK app.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

STACK = "padstone-tools-storage"
PREFIX = "/padstone"


def template() -> str:
    """Return the template."""
    tables = {
        "Releases": _table("release_id"),
        "Deployments": _table("account", "deployment_id"),
        "Accounts": _table("name"),
        "Locks": _table("account"),
    }
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
    }
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": _readable()},
    }
    outputs: dict[str, object] = {f"{name}TableName": {"Ref": name} for name in tables}
    outputs |= {"SharedBucketName": {"Ref": "Bucket"}, "ParameterPrefix": PREFIX}
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {"Bucket": bucket, "Policy": policy, **tables},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
    )


def _readable() -> Mapping[str, Any]:
    """Let every account of the local cloud read the snapshots: who may is not what is measured."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["s3:GetObject", "s3:GetObjectVersion"],
                "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"},
            }
        ],
    }


def _table(*keys: str) -> Mapping[str, Any]:
    kinds = ("HASH", "RANGE")
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, kinds, strict=False)
            ],
        },
    }
