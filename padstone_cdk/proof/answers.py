"""What the report site answers with: headers, always the same; and one page where it is private."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

_PRIVATE = (Path(__file__).parent / "private.html").read_text(encoding="utf-8")

# Reports quote the source of whoever opened a pull request: nothing in them may run or reach out.
_CONTENT = (
    "default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; sandbox"
)
_HTTPS_ONLY = cdk.Duration.days(365)


def headers(scope: Construct, construct_id: str) -> cloudfront.ResponseHeadersPolicy:
    """Return the policy by which every answer out of the bucket is shown, and nothing in it run."""
    return cloudfront.ResponseHeadersPolicy(
        scope,
        construct_id,
        response_headers_policy_name=unique("reports"),
        comment="Reports quote what others wrote",
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=_CONTENT, override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
            ),
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=_HTTPS_ONLY, include_subdomains=True, override=True
            ),
        ),
    )


def refusal(scope: Construct, construct_id: str) -> cloudfront.Function:
    """Return the function that answers every request of a viewer alike: these reports are private.

    It never asks the origin or the cache, so it tells nothing of what is there, and hides at once
    what was public before. It states the headers itself: CloudFront does not say whether a headers
    policy is applied to what a function answers.
    """
    return cloudfront.Function(
        scope,
        construct_id,
        function_name=unique("private"),
        comment="Says that reports are private, and how operators read them",
        runtime=cloudfront.FunctionRuntime.JS_2_0,
        code=cloudfront.FunctionCode.from_inline(_always(_refused())),
        auto_publish=True,
    )


def _refused() -> dict[str, object]:
    stated = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": _CONTENT,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "strict-transport-security": f"max-age={_HTTPS_ONLY.to_seconds():.0f}; includeSubDomains",
    }
    return {
        "statusCode": 403,
        "statusDescription": "Forbidden",
        "headers": {name: {"value": value} for name, value in stated.items()},
        "body": {"encoding": "text", "data": _PRIVATE},
    }


def _always(response: dict[str, object]) -> str:
    """Return the code of a function that answers with this, whatever it is asked."""
    return f"function handler(event) {{\n  return {json.dumps(response, indent=2)};\n}}\n"


def unique(name: str) -> str:
    """Return a name for what CloudFront wants named: different in every stack."""
    return f"{name}-{cdk.Fn.select(2, cdk.Fn.split('/', cdk.Aws.STACK_ID))}"
