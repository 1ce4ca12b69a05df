"""Pages behind a distribution: who may read them, and with which headers they come."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from local_cloud import testing
from tests.local_cloud.conftest import Account
from tests.local_cloud.test_builds import Builds, build

CSP = "default-src 'none'; style-src 'self'"
HEADERS = {
    "SecurityHeadersConfig": {
        "ContentSecurityPolicy": {"ContentSecurityPolicy": CSP, "Override": True},
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"FrameOption": "DENY", "Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
        "StrictTransportSecurity": {"AccessControlMaxAgeSec": 60, "Override": True},
    },
    "CustomHeadersConfig": {
        "Items": [{"Header": "x-own", "Value": "yes", "Override": True}],
    },
    "Name": "pages",
}


def template(*, granted: bool) -> str:
    """A bucket behind a distribution, which its policy lets in, or not."""
    arn = {"Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Distribution}"}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/pages/*"},
        "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }
    behavior = {
        "TargetOriginId": "bucket",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "ResponseHeadersPolicyId": {"Ref": "Headers"},
    }
    origin = {
        "Id": "bucket",
        "DomainName": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]},
        "OriginAccessControlId": {"Fn::GetAtt": ["Access", "Id"]},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    access = {"Name": "pages", "OriginAccessControlOriginType": "s3",
              "SigningBehavior": "always", "SigningProtocol": "sigv4"}  # fmt: skip
    config = {"Enabled": True, "DefaultCacheBehavior": behavior, "Origins": [origin]}
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": [statement]}}
    resources: dict[str, Any] = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Access": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {"OriginAccessControlConfig": access},
        },
        "Headers": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {"ResponseHeadersPolicyConfig": HEADERS},
        },
        "Distribution": {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {"DistributionConfig": config},
        },
    }
    if granted:
        resources["Policy"] = {"Type": "AWS::S3::BucketPolicy", "Properties": policy}
    outputs = {"Bucket": {"Value": {"Ref": "Bucket"}},
               "Host": {"Value": {"Fn::GetAtt": ["Distribution", "DomainName"]}}}  # fmt: skip
    return json.dumps({"Resources": resources, "Outputs": outputs})


def get(account: Account, host: str, path: str) -> tuple[int, Any, bytes]:
    headers = {"Host": host}
    request = urllib.request.Request(f"{account.cloud.endpoint}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def site(account: Account, *, granted: bool) -> str:
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="site", TemplateBody=template(granted=granted))
    stack = testing.stack_settled(cloudformation, "site")
    assert stack["StackStatus"] == "CREATE_COMPLETE", testing.failures(cloudformation, "site")
    names = testing.outputs(stack)
    for key in ("pages/index.html", "private/secret.html"):
        account.client("s3").put_object(
            Bucket=names["Bucket"], Key=key, Body=b"<p>page", ContentType="text/html"
        )
    return names["Host"]


@pytest.mark.parametrize("mode", ["account", "strict_account"])
def test_a_page_comes_with_the_headers_of_its_policy(
    mode: str, request: pytest.FixtureRequest
) -> None:
    account = request.getfixturevalue(mode)
    status, headers, body = get(account, site(account, granted=True), "/pages/index.html")
    assert (status, body, headers["Content-Type"]) == (200, b"<p>page", "text/html")
    assert headers["Content-Security-Policy"] == CSP
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Strict-Transport-Security"] == "max-age=60"
    assert headers["x-own"] == "yes"


@pytest.mark.parametrize("mode", ["account", "strict_account"])
def test_a_distribution_reads_what_the_bucket_lets_it(
    mode: str, request: pytest.FixtureRequest
) -> None:
    """A page that is missing is refused, too: the distribution may not list the bucket."""
    account = request.getfixturevalue(mode)
    host = site(account, granted=True)
    assert get(account, host, "/private/secret.html")[0] == 403
    assert get(account, host, "/pages/missing.html")[0] == 403


@pytest.mark.parametrize("mode", ["account", "strict_account"])
def test_without_a_policy_nothing_is_shown(mode: str, request: pytest.FixtureRequest) -> None:
    account = request.getfixturevalue(mode)
    assert get(account, site(account, granted=False), "/pages/index.html")[0] == 403


@pytest.mark.parametrize("may", [True, False])
def test_a_build_reads_secrets_with_its_role(strict_account: Account, may: bool) -> None:
    builds = Builds(strict_account)
    secret = strict_account.client("secretsmanager").create_secret(
        Name="token", SecretString=json.dumps({"github": "s3cret"})
    )["ARN"]
    actions = "secretsmanager:GetSecretValue" if may else "secretsmanager:DescribeSecret"
    grant = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": secret}]}
    strict_account.client("iam").put_role_policy(
        RoleName="build", PolicyName="p", PolicyDocument=json.dumps(grant)
    )
    variable = {"name": "TOKEN", "type": "SECRETS_MANAGER", "value": f"{secret}:github"}
    record = builds.run(build("echo ${#TOKEN} ${TOKEN%cret}"), variables=[variable])
    if may:
        assert builds.log(record) == ["6 s3"]
    else:
        assert record["buildStatus"] == "FAILED"
        assert "secretsmanager:GetSecretValue" in str(record["phases"])
