"""What callers without credentials reach: APIs, distributions, mailboxes; and what rules start."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from typing import Any

from local_cloud import testing
from tests.local_cloud.conftest import Account, trust
from tests.local_cloud.pipeline_template import pipeline_template

CODE = """
import json, os, boto3

def handler(event, context):
    identity = boto3.client("sts").get_caller_identity()
    return {"statusCode": 200, "body": json.dumps([event["rawPath"], identity["Account"]])}
"""
TRUST = trust("lambda")


def function(account: Account) -> str:
    role = account.client("iam").create_role(
        RoleName="f", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", CODE)
    return str(
        account.client("lambda").create_function(
            FunctionName="f",
            Runtime="python3.11",
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": out.getvalue()},
        )["FunctionArn"]
    )


def get(url: str, **headers: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as got:
        return got.read()


def test_an_http_api_answers_anybody(either: Account) -> None:
    """The function runs in the account that owns the API, with the credentials of its role."""
    arn = function(either)
    gateway = either.client("apigatewayv2")
    api = gateway.create_api(Name="a", ProtocolType="HTTP")
    integration = gateway.create_integration(
        ApiId=api["ApiId"],
        IntegrationType="AWS_PROXY",
        IntegrationUri=arn,
        PayloadFormatVersion="2.0",
    )
    target = f"integrations/{integration['IntegrationId']}"
    gateway.create_route(ApiId=api["ApiId"], RouteKey="GET /hook", Target=target)
    gateway.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
    either.client("lambda").add_permission(
        FunctionName="f",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )

    by_path = get(f"{either.cloud.endpoint}/_aws/execute-api/{api['ApiId']}/$default/hook")
    by_host = get(
        f"{either.cloud.endpoint}/hook",
        Host=f"{api['ApiId']}.execute-api.us-west-2.amazonaws.com",
    )

    assert [json.loads(a) for a in (by_path, by_host)] == [["/hook", either.id]] * 2


def test_a_distribution_shows_its_bucket_to_anybody(either: Account) -> None:
    """Through origin access control and the bucket policy that names the distribution."""
    s3, cloudfront = either.client("s3"), either.client("cloudfront")
    bucket = f"site-{either.id}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"<p>report", ContentType="text/html")
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": bucket,
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )["OriginAccessControl"]["Id"]
    made = cloudfront.create_distribution(DistributionConfig=distribution(bucket, control))
    grant = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": made["Distribution"]["ARN"]}},
            }
        ]
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(grant))

    host = made["Distribution"]["DomainName"]
    assert get(f"{either.cloud.endpoint}/index.html", Host=host) == b"<p>report"


def distribution(bucket: str, control: str) -> dict[str, Any]:
    origin = {
        "Id": "bucket",
        "DomainName": f"{bucket}.s3.us-west-2.amazonaws.com",
        "OriginAccessControlId": control,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    return {
        "CallerReference": bucket,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "bucket",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
    }


def test_mail_to_subscribers_can_be_read(account: Account) -> None:
    sns = account.client("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="someone@example.com")
    sns.publish(TopicArn=topic, Subject="Alarm", Message="Something is wrong")

    mail = [m for m in account.cloud.mail() if m["account"] == account.id]

    assert [(m["address"], m["subject"]) for m in mail] == [("someone@example.com", "Alarm")]


def test_a_rule_starts_a_pipeline(account: Account) -> None:
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(
        StackName="s",
        TemplateBody=pipeline_template(repository="nobody/nothing"),
        Capabilities=["CAPABILITY_IAM"],
    )
    name = testing.outputs(testing.stack_settled(cloudformation, "s"))["PipelineName"]
    codepipeline, events = account.client("codepipeline"), account.client("events")
    testing.pipeline_ended(codepipeline, name)
    arn = codepipeline.get_pipeline(name=name)["metadata"]["pipelineArn"]
    events.put_rule(Name="go", EventPattern=json.dumps({"source": ["my.app"]}))
    role = f"arn:aws:iam::{account.id}:role/go"
    events.put_targets(Rule="go", Targets=[{"Id": "p", "Arn": arn, "RoleArn": role}])

    events.put_events(Entries=[{"Source": "my.app", "DetailType": "go", "Detail": "{}"}])

    def triggers() -> list[str]:
        runs = codepipeline.list_pipeline_executions(pipelineName=name)
        return [run["trigger"]["triggerType"] for run in runs["pipelineExecutionSummaries"]]

    testing.until(lambda: triggers() == ["CloudWatchEvent", "CreatePipeline"])
