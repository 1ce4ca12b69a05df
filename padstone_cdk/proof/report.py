"""Reports: the function that writes them, and the site where they are read."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof.functions import Code, ProofFunction, consuming
from padstone_cdk.proof.policies import READING, allow, found, named_by_runs, objects, of_runs
from padstone_cdk.proof.telling import Telling

_SECONDS = 300
_AT_ONCE = 5
_OUTPUTS = "outputs/*/output.tar.gz"
_PAGES = ("runs/*", "commits/*")

# Reports quote the source of whoever opened a pull request: nothing in them may run or reach out.
_CONTENT = (
    "default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; sandbox"
)


class ReportSite(Construct):
    """`url` is where reports are read: by everybody if `visibility` is `public`, else by nobody."""

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: str, visibility: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._public = cdk.CfnCondition(
            self, "Public", expression=cdk.Fn.condition_equals(visibility, "public")
        )
        self.distribution = self._distribution(
            s3.Bucket.from_bucket_name(self, "Reports", bucket), self._headers()
        )
        self._bucket_policy(bucket)
        self.url = f"https://{self.distribution.distribution_domain_name}"

    def _distribution(
        self, bucket: s3.IBucket, headers: cloudfront.IResponseHeadersPolicy
    ) -> cloudfront.Distribution:
        access = cloudfront.S3OriginAccessControl(
            self, "Access", origin_access_control_name=_unique("reports")
        )
        distribution = cloudfront.Distribution(
            self,
            "Site",
            comment="Reports of proofs",
            default_root_object="index.html",
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(
                    bucket, origin_access_control=access
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                response_headers_policy=headers,
            ),
        )
        cdk.Annotations.of(distribution).acknowledge_warning(
            "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac",
            "The policy is made below",
        )
        accept(
            distribution,
            "Reports of public repositories are for everyone, wherever they are",
            "CFR1",
        )
        accept(
            distribution,
            "There is nothing behind it but objects that are to be read; it runs no code",
            "CFR2",
        )
        accept(
            distribution,
            "The bucket logs what is read from it; the distribution's own logs would need a bucket"
            " with ACLs",
            "CFR3",
        )
        accept(
            distribution,
            "With its own domain name it is CloudFront that sets the versions of TLS:"
            " a minimum can only be stated beside a certificate of one's own",
            "CFR4",
        )
        return distribution

    def _headers(self) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=_unique("reports"),
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
                    access_control_max_age=cdk.Duration.days(365),
                    include_subdomains=True,
                    override=True,
                ),
            ),
        )

    def _bucket_policy(self, bucket: str) -> None:
        whole = f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}"
        tls = iam.PolicyStatement(
            sid="TlsOnly",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:*"],
            resources=[whole, f"{whole}/*"],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        site = iam.PolicyStatement(
            sid="ReportSite",
            principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
            actions=["s3:GetObject"],
            resources=[objects(bucket, "*")],
            conditions={"StringEquals": {"aws:SourceArn": self.distribution.distribution_arn}},
        )
        if_public = cdk.Fn.condition_if(
            self._public.logical_id, site.to_statement_json(), cdk.Aws.NO_VALUE
        )
        document = {"Version": "2012-10-17", "Statement": [tls.to_statement_json(), if_public]}
        s3.CfnBucketPolicy(self, "BucketPolicy", bucket=bucket, policy_document=document)


class Reports(Construct):
    """`function` unpacks what jobs left, and writes pages."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        telling: Telling,
        results_bucket: str,
        report_bucket: str,
        runs_table: str,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        queue = telling.reports.queue
        self.function = ProofFunction(
            self,
            "Write",
            code=code,
            name="report",
            description="Writes the pages of a run from what its jobs left",
            seconds=_SECONDS,
            memory_mib=1024,
            disk_mib=2048,
            environment={
                **environment,
                "RESULTS_BUCKET": results_bucket,
                "REPORT_BUCKET": report_bucket,
                "RUNS_TABLE": runs_table,
            },
            statements=[
                consuming(queue),
                of_runs(runs_table, *READING),
                allow([objects(results_bucket, _OUTPUTS)], "s3:GetObject"),
                allow([objects(report_bucket, pages) for pages in _PAGES], "s3:PutObject"),
            ],
        )
        named_by_runs(
            self.function.role,
            found(_OUTPUTS),
            *(f"arn:<AWS::Partition>:s3:::<ReportBucketName>/{pages}" for pages in _PAGES),
        )
        self.function.consume(queue, batch=1, at_once=_AT_ONCE)


def _unique(name: str) -> str:
    """Return a name for what CloudFront wants named: different in every stack."""
    return f"{name}-{cdk.Fn.select(2, cdk.Fn.split('/', cdk.Aws.STACK_ID))}"
