"""Where a proof runs: compute environment, job queue and the one job definition."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from padstone_cdk.nag import accept
from padstone_cdk.pins import Package
from padstone_cdk.proof.instances import Instances
from padstone_cdk.proof.network import Network
from padstone_cdk.proof.policies import allow, arn, objects, role

# What a proof needs is memory; Batch takes whichever size fits the jobs that wait.
_FAMILIES = ["r6i", "m6i"]
_ATTEMPTS = 2
JOB_TOOLS = ("batch", "cbmc", "viewer")
_READ = ("runs/*/source.tar.gz", "runs/*/plan.json", "outputs/*/prepared.tar.gz", "cache/*")
_SCRIPT = (Path(__file__).parent / "job.sh").read_text(encoding="utf-8")


class ProofJobs(Construct):
    """`queue` and `definition` are what a proof is submitted to."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: str,
        digest: str,
        repository: str,
        packages: dict[str, Package],
        shared_bucket: str,
        results_bucket: str,
        max_vcpus: cdk.CfnParameter,
        vcpus: cdk.CfnParameter,
        memory: cdk.CfnParameter,
        timeout: cdk.CfnParameter,
    ) -> None:
        """`image` is that of `digest`; `packages` are those of JOB_TOOLS that are pinned.

        A job may read others, because a replay has those of another snapshot; what it gets is
        checked against the digests that are pinned.
        """
        super().__init__(scope, construct_id)
        tools = [objects(shared_bucket, f"packages/{tool}/*") for tool in JOB_TOOLS]
        inputs = [objects(results_bucket, pattern) for pattern in _READ]
        outputs = objects(results_bucket, "outputs/*")
        self.logs = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        network = Network(self, "Network", readable=[*tools, *inputs], writable=[outputs])
        instances = Instances(
            self, "Instances", repository=repository, logs=self.logs.log_group_arn
        )
        self.environment = _environment(self, network, instances, max_vcpus)
        self.queue = _queue(self, self.environment)
        self.definition = _definition(
            self,
            job_role=_job_role(self, tools, inputs, outputs),
            image=image,
            logs=self.logs,
            environment={
                "SHARED_BUCKET": shared_bucket,
                "RESULTS_BUCKET": results_bucket,
                "PACKAGE_PINS": pins_text(packages),
                "IMAGE": digest,
                "JOB_SECONDS": timeout.value_as_string,
                # Batch tells a container no region, and S3's gateway leads to this one's only.
                "AWS_DEFAULT_REGION": cdk.Aws.REGION,
            },
            vcpus=vcpus,
            memory=memory,
            timeout=timeout,
        )


def pins_text(packages: dict[str, Package]) -> str:
    """Return the packages as the environment of jobs has them."""
    return json.dumps(
        {
            tool: {"key": p.key, "version_id": p.version_id, "sha256": p.sha256}
            for tool, p in sorted(packages.items())
        }
    )


def _environment(
    scope: Construct, network: Network, instances: Instances, max_vcpus: cdk.CfnParameter
) -> batch.CfnComputeEnvironment:
    resources = batch.CfnComputeEnvironment.ComputeResourcesProperty(
        type="EC2",
        allocation_strategy="BEST_FIT_PROGRESSIVE",
        minv_cpus=0,
        maxv_cpus=max_vcpus.value_as_number,
        instance_types=_FAMILIES,
        instance_role=instances.profile.attr_arn,
        subnets=[subnet.subnet_id for subnet in network.vpc.isolated_subnets],
        security_group_ids=[network.jobs.security_group_id],
        ec2_configuration=[
            batch.CfnComputeEnvironment.Ec2ConfigurationObjectProperty(image_type="ECS_AL2023")
        ],
        launch_template=batch.CfnComputeEnvironment.LaunchTemplateSpecificationProperty(
            launch_template_id=instances.template.ref,
            version=instances.template.attr_latest_version_number,
        ),
        update_to_latest_image_version=True,
    )
    return batch.CfnComputeEnvironment(
        scope,
        "Compute",
        type="MANAGED",
        state="ENABLED",
        # Without a service role of its own it uses Batch's, and can be updated where it stands.
        replace_compute_environment=False,
        compute_resources=resources,
        update_policy=batch.CfnComputeEnvironment.UpdatePolicyProperty(
            terminate_jobs_on_update=False, job_execution_timeout_minutes=360
        ),
    )


_HOPELESS = {
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": 1,
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": 1,
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": 24,
}
"""Hours after which a job that cannot be placed is cancelled, by Batch's reasons for that: without
them it would wait for ever, its timeout counting only from its start."""


def _queue(scope: Construct, environment: batch.CfnComputeEnvironment) -> batch.CfnJobQueue:
    return batch.CfnJobQueue(
        scope,
        "Queue",
        priority=1,
        state="ENABLED",
        compute_environment_order=[
            batch.CfnJobQueue.ComputeEnvironmentOrderProperty(
                compute_environment=environment.ref, order=1
            )
        ],
        job_state_time_limit_actions=[_give_up(why, hours) for why, hours in _HOPELESS.items()],
    )


def _give_up(why: str, hours: int) -> batch.CfnJobQueue.JobStateTimeLimitActionProperty:
    return batch.CfnJobQueue.JobStateTimeLimitActionProperty(
        action="CANCEL", state="RUNNABLE", reason=why, max_time_seconds=hours * 3600
    )


def _job_role(scope: Construct, tools: list[str], inputs: list[str], outputs: str) -> iam.Role:
    made = role(
        scope,
        "JobRole",
        "ecs-tasks.amazonaws.com",
        [
            allow(tools, "s3:GetObjectVersion"),  # the pinned version, and no other
            allow(inputs, "s3:GetObject"),
            # Only where nothing is yet: no job can change what another has written.
            allow([outputs], "s3:PutObject", conditions={"Null": {"s3:if-none-match": "false"}}),
        ],
        conditions={
            "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
            "ArnLike": {"aws:SourceArn": arn("ecs", "*")},
        },
    )
    accept(
        made,
        "A job's run is known when it is submitted, not when its role is made",
        *(f"IAM5[Resource::arn:<AWS::Partition>:s3:::<ResultsBucketName>/{pattern}]"
          for pattern in (*_READ, "outputs/*")),
    )  # fmt: skip
    accept(
        made,
        "A replay's job runs with the packages of another snapshot",
        *(
            f"IAM5[Resource::arn:<AWS::Partition>:s3:::<SharedBucketName>/packages/{tool}/*]"
            for tool in JOB_TOOLS
        ),
    )
    return made


def _definition(
    scope: Construct,
    *,
    job_role: iam.Role,
    image: str,
    logs: logs.LogGroup,
    environment: dict[str, str],
    vcpus: cdk.CfnParameter,
    memory: cdk.CfnParameter,
    timeout: cdk.CfnParameter,
) -> batch.CfnJobDefinition:
    job = batch.CfnJobDefinition
    needs = {"VCPU": vcpus.value_as_string, "MEMORY": memory.value_as_string}
    return job(
        scope,
        "Definition",
        type="container",
        platform_capabilities=["EC2"],
        propagate_tags=True,
        timeout=job.TimeoutProperty(attempt_duration_seconds=timeout.value_as_number),
        retry_strategy=job.RetryStrategyProperty(
            attempts=_ATTEMPTS,
            evaluate_on_exit=[
                job.EvaluateOnExitProperty(on_status_reason="Host EC2*", action="RETRY"),
                job.EvaluateOnExitProperty(on_reason="*", action="EXIT"),
            ],
        ),
        container_properties=job.ContainerPropertiesProperty(
            image=image,
            command=["bash", "-euo", "pipefail", "-c", _SCRIPT],
            privileged=False,
            user="root",  # the script's; it gives that up before anything of the project runs
            job_role_arn=job_role.role_arn,
            environment=[
                job.EnvironmentProperty(name=name, value=value)
                for name, value in environment.items()
            ],
            resource_requirements=[
                job.ResourceRequirementProperty(type=kind, value=value)
                for kind, value in needs.items()
            ],
            linux_parameters=job.LinuxParametersProperty(init_process_enabled=True),
            log_configuration=job.LogConfigurationProperty(
                log_driver="awslogs",
                options={
                    "awslogs-group": logs.log_group_name,
                    "awslogs-region": cdk.Aws.REGION,
                    "awslogs-stream-prefix": "proof",
                },
            ),
        ),
    )
