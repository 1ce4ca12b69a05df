"""Reports: the function that writes them, and the site where they are read."""

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof import answers
from padstone_cdk.proof.common import Bucket, Common
from padstone_cdk.proof.functions import Limits, ProofFunction
from padstone_cdk.proof.policies import objects
from padstone_cdk.proof.telling import Telling

_AT_ONCE = 5
_MISSING = "missing.html"
_SERVED = ("runs/*", "commits/*", _MISSING)

_ACCEPTED = {
    "CFR1": "Reports of public repositories are for everyone, wherever they are",
    "CFR2": "There is nothing behind it but objects that are to be read; it runs no code",
    "CFR3": "The bucket logs what is read from it; the distribution's own logs would need a bucket"
    " with ACLs",
    "CFR4": "With its own domain name it is CloudFront that sets the versions of TLS:"
    " a minimum can only be stated beside a certificate of one's own",
}


class ReportSite(Construct):
    """`url` is where reports are read: by everybody if `visibility` is `public`, else by nobody."""

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: str, visibility: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket = bucket
        self._public = cdk.CfnCondition(
            self, "Public", expression=cdk.Fn.condition_equals(visibility, "public")
        )
        self.distribution = self._distribution()
        self._refuse_unless_public()
        self._bucket_policy()
        self.url = f"https://{self.distribution.distribution_domain_name}"

    def _distribution(self) -> cloudfront.Distribution:
        distribution = cloudfront.Distribution(
            self,
            "Site",
            comment="Reports of proofs",
            default_root_object="index.html",
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=cloudfront.BehaviorOptions(
                origin=self._origin(),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                response_headers_policy=answers.headers(self, "Headers"),
            ),
            error_responses=[_missing()],
        )
        cdk.Annotations.of(distribution).acknowledge_warning(
            "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac",
            "The policy is made below",
        )
        for rule, reason in _ACCEPTED.items():
            accept(distribution, reason, rule)
        return distribution

    def _origin(self) -> cloudfront.IOrigin:
        return origins.S3BucketOrigin.with_origin_access_control(
            s3.Bucket.from_bucket_name(self, "Reports", self._bucket),
            origin_access_control=cloudfront.S3OriginAccessControl(
                self, "Access", origin_access_control_name=answers.unique("reports")
            ),
        )

    def _refuse_unless_public(self) -> None:
        function = answers.refusal(self, "Private").function_arn
        refusal = {"EventType": "viewer-request", "FunctionARN": function}
        resource = self.distribution.node.default_child
        assert isinstance(resource, cloudfront.CfnDistribution)
        resource.add_property_override(
            "DistributionConfig.DefaultCacheBehavior.FunctionAssociations",
            self._if_public(cdk.Aws.NO_VALUE, otherwise=[refusal]),
        )

    def _bucket_policy(self) -> None:
        whole = f"arn:{cdk.Aws.PARTITION}:s3:::{self._bucket}"
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
            resources=[objects(self._bucket, served) for served in _SERVED],
            conditions={"StringEquals": {"aws:SourceArn": self.distribution.distribution_arn}},
        )
        readable = self._if_public(site.to_statement_json(), otherwise=cdk.Aws.NO_VALUE)
        document = {"Version": "2012-10-17", "Statement": [tls.to_statement_json(), readable]}
        s3.CfnBucketPolicy(self, "BucketPolicy", bucket=self._bucket, policy_document=document)

    def _if_public(self, value: object, *, otherwise: object) -> cdk.IResolvable:
        return cdk.Fn.condition_if(self._public.logical_id, value, otherwise)


def _missing() -> cloudfront.ErrorResponse:
    """To who may not list it, a bucket says of what is missing that it is forbidden."""
    return cloudfront.ErrorResponse(
        http_status=403,
        response_http_status=404,
        response_page_path=f"/{_MISSING}",
        ttl=cdk.Duration.seconds(10),  # a page that is asked for too early comes soon
    )


class Reports(Construct):
    """`function` unpacks what jobs left, and writes pages."""

    def __init__(
        self, scope: Construct, construct_id: str, *, common: Common, telling: Telling, to: Bucket
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Write",
            code=common.code,
            name="report",
            description="Writes the pages of a run from what its jobs left",
            limits=Limits(seconds=300, memory_mib=1024, disk_mib=2048),
            needs=[
                telling.reports.to_take(),
                common.github.to_name(),
                common.runs.to_read(),
                common.results.to_read("outputs/*/output.tar.gz"),
                to.to_write(*_SERVED),
            ],
        )
        self.function.consume(telling.reports, batch=1, at_once=_AT_ONCE)
