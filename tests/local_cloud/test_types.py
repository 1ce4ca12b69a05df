"""Resource types that MiniStack lacks can be created, read, changed and deleted."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from local_cloud import testing
from tests.local_cloud.conftest import Account


def attribute(resource: str, name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, name]}


GRANT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}],
}
ALARM = {
    "Namespace": "N",
    "MetricName": "M",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
RESOURCES: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}},
    },
    "Ingress": {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {
            "GroupId": attribute("Group", "GroupId"),
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "CidrIp": "10.0.0.0/16",
        },
    },
    "FlowLog": {
        "Type": "AWS::EC2::FlowLog",
        "Properties": {"ResourceId": {"Ref": "Vpc"}, "ResourceType": "VPC", "TrafficType": "ALL"},
    },
    "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": ALARM},
    "Composite": {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Alarm})"}},
    },
    "Query": {
        "Type": "AWS::Logs::QueryDefinition",
        "Properties": {"Name": "q", "QueryString": "fields @message"},
    },
    "Tracing": {"Type": "AWS::XRay::Group", "Properties": {"GroupName": "g"}},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "TopicPolicy": {
        "Type": "AWS::SNS::TopicInlinePolicy",
        "Properties": {"TopicArn": {"Ref": "Topic"}, "PolicyDocument": GRANT},
    },
    "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}},
    "Api": {
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {"Name": "a", "ProtocolType": "HTTP"},
    },
    "SecretPolicy": {
        "Type": "AWS::SecretsManager::ResourcePolicy",
        "Properties": {"SecretId": {"Ref": "Secret"}, "ResourcePolicy": GRANT},
    },
    "Connection": {
        "Type": "AWS::CodeStarConnections::Connection",
        "Properties": {"ConnectionName": "c", "ProviderType": "GitHub"},
    },
    "Sharing": {
        "Type": "AWS::Batch::SchedulingPolicy",
        "Properties": {"FairsharePolicy": {"ShareDecaySeconds": 60}},
    },
}
OUTPUTS = {
    "Ingress": attribute("Ingress", "Id"),
    "FlowLog": attribute("FlowLog", "Id"),
    "Composite": attribute("Composite", "Arn"),
    "Query": attribute("Query", "QueryDefinitionId"),
    "Tracing": attribute("Tracing", "GroupARN"),
    "Connection": attribute("Connection", "ConnectionArn"),
    "Sharing": attribute("Sharing", "Arn"),
    "Topic": {"Ref": "Topic"},
    "Group": attribute("Group", "GroupId"),
    "Secret": {"Ref": "Secret"},
    "Api": attribute("Api", "ApiEndpoint"),
}


def body(**changes: dict[str, Any]) -> str:
    resources = {
        name: {
            **resource,
            "Properties": {**resource.get("Properties", {}), **changes.get(name, {})},
        }
        for name, resource in RESOURCES.items()
    }
    outputs = {name: {"Value": value} for name, value in OUTPUTS.items()}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def settled(account: Account, status: str) -> dict[str, str]:
    cloudformation = account.client("cloudformation")
    stack = testing.stack_settled(cloudformation, "s")
    assert stack["StackStatus"] == status, testing.failures(cloudformation, "s")
    return testing.outputs(stack)


def test_every_type_lives_and_dies_with_its_stack(account: Account) -> None:
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=body())
    made = settled(account, "CREATE_COMPLETE")
    assert all(made.values())
    groups = account.client("ec2").describe_security_groups(GroupIds=[made["Group"]])
    assert groups["SecurityGroups"][0]["IpPermissions"][0]["FromPort"] == 443
    policy = account.client("sns").get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert json.loads(policy["Policy"]) == GRANT

    cloudformation.update_stack(
        StackName="s",
        TemplateBody=body(
            Composite={"AlarmDescription": "changed"}, Query={"QueryString": "fields @timestamp"}
        ),
        Tags=[{"Key": "id", "Value": "2"}],
    )
    assert settled(account, "UPDATE_COMPLETE")["Composite"] == made["Composite"]
    alarms = account.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])
    assert [a["AlarmDescription"] for a in alarms["CompositeAlarms"]] == ["changed"]

    stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName="s")
    ended = testing.stack_settled(cloudformation, stack)
    assert ended["StackStatus"] == "DELETE_COMPLETE", testing.failures(cloudformation, stack)
    alarms = account.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])
    assert alarms["CompositeAlarms"] == []


def test_a_reference_to_a_secret_is_its_arn(account: Account) -> None:
    """As with CloudFormation, where the name alone would not do for a policy."""
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=body())
    arn = settled(account, "CREATE_COMPLETE")["Secret"]
    told = account.client("secretsmanager").describe_secret(SecretId=arn)
    assert told["ARN"] == arn
    cloudformation.update_stack(StackName="s", TemplateBody=body(Secret={"Description": "changed"}))
    assert settled(account, "UPDATE_COMPLETE")["Secret"] == arn
    assert account.client("secretsmanager").describe_secret(SecretId=arn)["Description"]


def test_the_endpoint_of_an_api_can_be_called(account: Account) -> None:
    """By whoever knows this cloud, without a name server."""
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=body())
    endpoint = settled(account, "CREATE_COMPLETE")["Api"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{endpoint}/nowhere")
    with refused.value as answer:
        assert answer.code == 404
    assert endpoint.startswith(account.cloud.endpoint)
