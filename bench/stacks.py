"""Six dependent stacks in three levels, as a ready-made cloud assembly.

bucket  queue  table  topic      level 1
   \\      |      /      |
        role             |       level 2, values from the first level
           \\            /
             function            level 3
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Stack:
    """One stack: its template, what it comes after, the values that others give it.

    `wired` are the values as they come out; tools that cannot look them up are told them.
    """

    name: str
    template: Document
    after: tuple[str, ...] = ()
    wired: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """The template's text."""
        return json.dumps(self.template, indent=1)


LEVELS = 3
REGION = "us-west-2"


def six(account: str) -> tuple[Stack, ...]:
    """Return the stacks for an account; only the told values depend on it, never a template."""
    return (
        Stack("bench-bucket", _bucket()),
        Stack("bench-queue", _queue()),
        Stack("bench-table", _table()),
        Stack("bench-topic", _topic()),
        _role_stack(account),
        _function_stack(account),
    )


def _role_stack(account: str) -> Stack:
    told = {
        "BucketName": f"bench-bucket-{account}",
        "QueueArn": f"arn:aws:sqs:{REGION}:{account}:bench-queue",
        "TableName": "bench-table",
    }
    return Stack("bench-role", _role(), ("bench-bucket", "bench-queue", "bench-table"), told)


def _function_stack(account: str) -> Stack:
    told = {
        "RoleArn": f"arn:aws:iam::{account}:role/bench-role",
        "TopicArn": f"arn:aws:sns:{REGION}:{account}:bench-topic",
    }
    return Stack("bench-function", _function(), ("bench-role", "bench-topic"), told)


def write_assembly(folder: Path) -> Path:
    """Write the stacks as a CDK app's cdk.out: no assets, no bootstrap, any account."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = {}
    for stack in six("000000000000"):
        (folder / f"{stack.name}.template.json").write_text(stack.body)
        artifacts[stack.name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {
                "templateFile": f"{stack.name}.template.json",
                "stackName": stack.name,
                "validateOnSynth": False,
            },
            "dependencies": list(stack.after),
            "displayName": stack.name,
        }
    manifest = {"version": "36.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    (folder / "cdk.out").write_text('{"version": "36.0.0"}')
    return folder


def _template(resource: Document, outputs: Document, parameters: tuple[str, ...] = ()) -> Document:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        **({"Parameters": {name: {"Type": "String"} for name in parameters}} if parameters else {}),
        "Resources": {"It": resource},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _bucket() -> Document:
    name = {"Fn::Sub": "bench-bucket-${AWS::AccountId}"}
    resource = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    return _template(resource, {"BucketName": {"Ref": "It"}})


def _queue() -> Document:
    resource = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "bench-queue"}}
    return _template(resource, {"QueueArn": {"Fn::GetAtt": ["It", "Arn"]}})


def _table() -> Document:
    resource = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "bench-table",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        },
    }
    return _template(resource, {"TableName": {"Ref": "It"}})


def _topic() -> Document:
    resource = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "bench-topic"}}
    return _template(resource, {"TopicArn": {"Ref": "It"}})


def _role() -> Document:
    may_assume = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    resource = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "bench-role",
            "AssumeRolePolicyDocument": _policy(may_assume),
            "Policies": [{"PolicyName": "work", "PolicyDocument": _policy(*_work())}],
        },
    }
    outputs = {"RoleArn": {"Fn::GetAtt": ["It", "Arn"]}}
    return _template(resource, outputs, ("BucketName", "QueueArn", "TableName"))


def _work() -> tuple[Document, ...]:
    table = "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}"
    return (
        _allow("s3:GetObject", {"Fn::Sub": "arn:aws:s3:::${BucketName}/*"}),
        _allow("sqs:SendMessage", {"Ref": "QueueArn"}),
        _allow("dynamodb:GetItem", {"Fn::Sub": table}),
    )


def _policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(action: str, resource: object) -> Document:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _function() -> Document:
    resource = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "bench-function",
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Ref": "RoleArn"},
            "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
            "Environment": {"Variables": {"TOPIC": {"Ref": "TopicArn"}}},
        },
    }
    return _template(resource, {"FunctionName": {"Ref": "It"}}, ("RoleArn", "TopicArn"))
