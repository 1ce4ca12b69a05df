"""The machines of the compute environment: what they may do, and how they start."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.proof.policies import allow, role

_DISK_GIB = 200
# Credentials are for the agent and for root in a container; a proof runs as nobody. A machine that
# cannot keep them apart does not stay up.
_USER_DATA = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="==PADSTONE=="

--==PADSTONE==
Content-Type: text/cloud-boothook; charset="us-ascii"

#!/bin/bash
set -Eeu
trap poweroff ERR
for address in 169.254.169.254 169.254.170.2; do
    iptables --insert OUTPUT --destination "$address" -m owner ! --uid-owner 0 --jump REJECT
done
iptables --insert OUTPUT --destination 127.0.0.1 --protocol tcp --dport 51678:51680 \\
    -m owner ! --uid-owner 0 --jump REJECT

--==PADSTONE==--
"""


class Instances(Construct):
    """A launch template and the profile of its instances."""

    def __init__(self, scope: Construct, construct_id: str, *, repository: str, logs: str) -> None:
        """`repository` and `logs` are the ARNs of the image repository and of the jobs' logs."""
        super().__init__(scope, construct_id)
        instance = role(self, "Role", "ec2.amazonaws.com", _policy(repository, logs))
        accept(
            instance,
            "Batch names the cluster that it makes; a login to ECR belongs to no repository",
            *(f"IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:{kind}]"
              for kind in ("cluster/*_Batch_*", "container-instance/*_Batch_*", "task/*_Batch_*")),
            "IAM5[Resource::*]",
        )  # fmt: skip
        self.profile = iam.CfnInstanceProfile(self, "Profile", roles=[instance.role_name])
        self.template = self._template()

    def _template(self) -> ec2.CfnLaunchTemplate:
        return ec2.CfnLaunchTemplate(
            self,
            "Template",
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_tokens="required", http_put_response_hop_limit=1, http_endpoint="enabled"
                ),
                block_device_mappings=[
                    ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                        device_name="/dev/xvda",
                        ebs=ec2.CfnLaunchTemplate.EbsProperty(
                            volume_type="gp3",
                            volume_size=_DISK_GIB,
                            encrypted=True,
                            delete_on_termination=True,
                        ),
                    )
                ],
                monitoring=ec2.CfnLaunchTemplate.MonitoringProperty(enabled=True),
                user_data=cdk.Fn.base64(_USER_DATA),
            ),
        )


def _policy(repository: str, logs: str) -> list[iam.PolicyStatement]:
    """What the agent needs: its cluster, the image, the jobs' logs."""
    here = f"arn:{cdk.Aws.PARTITION}:ecs:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}"
    return [
        allow(
            [f"{here}:{kind}/*_Batch_*" for kind in ("cluster", "container-instance", "task")],
            "ecs:RegisterContainerInstance",
            "ecs:DeregisterContainerInstance",
            "ecs:SubmitContainerStateChange",
            "ecs:SubmitTaskStateChange",
            "ecs:Poll",
            "ecs:StartTelemetrySession",
            "ecs:UpdateContainerInstancesState",
        ),
        allow(["*"], "ecs:DiscoverPollEndpoint", "ecr:GetAuthorizationToken"),
        allow(
            [repository],
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ),
        allow([logs], "logs:CreateLogStream", "logs:PutLogEvents"),
    ]
