"""Where proofs run: a network with no way out but to the AWS APIs that Batch and the jobs need."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.logs import SEASON, log_group
from padstone_cdk.proof.policies import allow, arn, for_this_account, role

_ZONES = 2
_INTERFACES = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDkr": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "EcsAgent": ec2.InterfaceVpcEndpointAwsService.ECS_AGENT,
    "EcsTelemetry": ec2.InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
}

_WRITING = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")


class Network(Construct):
    """A VPC without gateways to the internet; `jobs` is the security group of the instances."""

    def __init__(
        self, scope: Construct, construct_id: str, *, readable: list[str], writable: list[str]
    ) -> None:
        """`readable` and `writable` are the ARNs of the only objects that S3 serves here."""
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/16"),
            max_azs=_ZONES,
            nat_gateways=0,
            restrict_default_security_group=False,  # it would take a custom resource with assets
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Jobs", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=18
                )
            ],
        )
        self._flow_log()
        self.jobs = self._group("JobsGroup", "Instances that run proofs")
        endpoints = self._group("EndpointsGroup", "Endpoints of AWS APIs")
        endpoints.add_ingress_rule(self.jobs, ec2.Port.tcp(443), "AWS APIs, from the instances")
        self.jobs.add_egress_rule(endpoints, ec2.Port.tcp(443), "AWS APIs")
        # S3 is reached through a gateway, whose addresses are the region's; the routes of these
        # subnets lead nowhere else.
        self.jobs.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "S3 through its gateway")
        self._interfaces(endpoints)
        self._gateway(readable, writable)

    def _group(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            construct_id,
            vpc=self.vpc,
            description=description,
            allow_all_outbound=False,
        )

    def _flow_log(self) -> None:
        group = log_group(self, "FlowLogs", kept=SEASON)
        writer = role(
            self,
            "FlowLogRole",
            "vpc-flow-logs.amazonaws.com",
            [allow([group.log_group_arn], *_WRITING)],
            conditions=for_this_account(arn("ec2", "vpc-flow-log/*")),
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                group, writer.without_policy_updates()
            ),
        )

    def _interfaces(self, group: ec2.SecurityGroup) -> None:
        for name, service in _INTERFACES.items():
            endpoint = self.vpc.add_interface_endpoint(
                name, service=service, security_groups=[group], open=False
            )
            if name == "Logs":
                endpoint.add_to_policy(_of_this_account())

    def _gateway(self, readable: list[str], writable: list[str]) -> None:
        gateway = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        for actions, objects in (
            (["s3:GetObject", "s3:GetObjectVersion"], [*readable, _image_layers()]),
            (["s3:PutObject"], writable),
        ):
            gateway.add_to_policy(
                iam.PolicyStatement(
                    principals=[iam.AnyPrincipal()], actions=actions, resources=objects
                )
            )


def _of_this_account() -> iam.PolicyStatement:
    """Nobody carries data out with credentials that were brought in."""
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=["*"],
        conditions={"StringEquals": {"aws:PrincipalAccount": cdk.Aws.ACCOUNT_ID}},
    )


def _image_layers() -> str:
    """The bucket from which ECR serves the layers of images."""
    return f"arn:{cdk.Aws.PARTITION}:s3:::prod-{cdk.Aws.REGION}-starport-layer-bucket/*"
