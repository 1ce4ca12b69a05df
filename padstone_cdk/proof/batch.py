"""Where a proof runs: compute environment, job queue and the one job definition."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from padstone_cdk.logs import log_group
from padstone_cdk.pins import Package
from padstone_cdk.proof.common import Bucket
from padstone_cdk.proof.instances import Instances
from padstone_cdk.proof.needs import Need, to_know
from padstone_cdk.proof.network import Network
from padstone_cdk.proof.policies import (
    accept_patterns,
    allow,
    arn,
    for_this_account,
    objects,
    role,
)

# What a proof needs is memory; Batch takes whichever size fits the jobs that wait.
_FAMILIES = ["r6i", "m6i"]
_ATTEMPTS = 2
JOB_TOOLS = ("batch", "cbmc", "viewer")
_JOB = batch.CfnJobDefinition
_READ = ("runs/*/source.tar.gz", "runs/*/plan.json", "outputs/*/prepared.tar.gz", "cache/*")
# A task's session is named by the task: each attempt writes in a folder that no other can name.
_WRITTEN = "outputs/*/${aws:userid}/*"
_NEW = {"Null": {"s3:if-none-match": "false"}}
_REPLAYS = "job-definition/padstone-replay-*"
_HERE = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>"
_SCRIPT = (Path(__file__).parent / "job.sh").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a job runs: the image `image`, whose digest is `digest`, and packages of `bucket`.

    `repository` is the ARN of the image's repository; `packages` are those of JOB_TOOLS that are
    pinned.
    """

    image: str
    digest: str
    repository: str
    bucket: str
    packages: Mapping[str, Package]

    def objects(self) -> list[str]:
        """Return the ARNs of what a job may read.

        It may read other versions, because a replay has those of another snapshot; what it gets
        is checked against the digests that are pinned.
        """
        return [objects(self.bucket, f"packages/{tool}/*") for tool in JOB_TOOLS]

    def findings(self) -> list[str]:
        """Return the same as cdk-nag names it."""
        bucket = "arn:<AWS::Partition>:s3:::<SharedBucketName>"
        return [f"{bucket}/packages/{tool}/*" for tool in JOB_TOOLS]

    def pins(self) -> str:
        """Return the packages as the environment of jobs has them."""
        return json.dumps(
            {
                tool: {"key": p.key, "version_id": p.version_id, "sha256": p.sha256}
                for tool, p in sorted(self.packages.items())
            }
        )


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is for all proofs (`max_vcpus`), and for the job of one."""

    max_vcpus: cdk.CfnParameter
    vcpus: cdk.CfnParameter
    memory: cdk.CfnParameter
    seconds: cdk.CfnParameter


class ProofJobs(Construct):
    """`queue` and `definition` are what a proof is submitted to; `logs` what its job says."""

    def __init__(
        self, scope: Construct, construct_id: str, *, tools: Tools, results: Bucket, size: Size
    ) -> None:
        super().__init__(scope, construct_id)
        self._tools, self._results, self._size = tools, results, size
        self.logs = log_group(self, "Logs")
        network = Network(
            self,
            "Network",
            readable=[*tools.objects(), *results.arns(*_READ)],
            writable=results.arns("outputs/*"),
        )
        instances = Instances(
            self, "Instances", repository=tools.repository, logs=self.logs.log_group_arn
        )
        self.environment = _environment(self, network, instances, size.max_vcpus)
        self.queue = _queue(self, self.environment)
        self._role = self._made_role()
        self.definition = self._definition()

    def to_submit(self) -> Need:
        """Submit jobs by the account's definition, or by those of a replay."""
        queue, definition = self.queue.ref, self.definition.ref
        return Need(
            environment={
                "JOB_QUEUE": queue,
                "JOB_DEFINITION": definition,
                "JOB_SECONDS": self._size.seconds.value_as_string,
                "JOB_MEMORY_MIB": self._size.memory.value_as_string,
            },
            statements=(allow([queue, definition, arn("batch", _REPLAYS)], "batch:SubmitJob"),),
            findings=(f"{_HERE}:{_REPLAYS}",),
        )

    def to_stop(self) -> Need:
        """Look for the jobs of a run and stop them; their IDs are made when they are submitted."""
        return Need(
            environment={"JOB_QUEUE": self.queue.ref},
            statements=(
                allow(["*"], "batch:ListJobs"),
                allow([arn("batch", "job/*")], "batch:TerminateJob"),
            ),
            findings=(f"{_HERE}:job/*",),
        )

    def to_know_attempts(self) -> Need:
        """Know whose session wrote an output: that of an attempt's task, and the jobs' role."""
        return to_know(JOB_ROLE_ID=self._role.role_id)

    def to_describe(self) -> Need:
        """Ask what became of jobs."""
        return Need(statements=(allow(["*"], "batch:DescribeJobs"),))

    def _definition(self) -> batch.CfnJobDefinition:
        return _JOB(
            self,
            "Definition",
            type="container",
            platform_capabilities=["EC2"],
            propagate_tags=True,
            timeout=_JOB.TimeoutProperty(
                attempt_duration_seconds=self._size.seconds.value_as_number
            ),
            retry_strategy=_again_if_the_host_is_lost(),
            container_properties=self._container(),
        )

    def _container(self) -> batch.CfnJobDefinition.ContainerPropertiesProperty:
        needs = {
            "VCPU": self._size.vcpus.value_as_string,
            "MEMORY": self._size.memory.value_as_string,
        }
        return _JOB.ContainerPropertiesProperty(
            image=self._tools.image,
            command=["bash", "-euo", "pipefail", "-c", _SCRIPT],
            privileged=False,
            user="root",  # the script's; it gives that up before anything of the project runs
            job_role_arn=self._role.role_arn,
            environment=[
                _JOB.EnvironmentProperty(name=name, value=value)
                for name, value in self._variables().items()
            ],
            resource_requirements=[
                _JOB.ResourceRequirementProperty(type=kind, value=value)
                for kind, value in needs.items()
            ],
            linux_parameters=_JOB.LinuxParametersProperty(init_process_enabled=True),
            log_configuration=_into(self.logs),
        )

    def _variables(self) -> dict[str, str]:
        return {
            "SHARED_BUCKET": self._tools.bucket,
            "RESULTS_BUCKET": self._results.name,
            "PACKAGE_PINS": self._tools.pins(),
            "IMAGE": self._tools.digest,
            "JOB_SECONDS": self._size.seconds.value_as_string,
            "JOB_ROLE_ID": self._role.role_id,
            # Batch tells a container no region, and S3's gateway leads to this one's only.
            "AWS_DEFAULT_REGION": cdk.Aws.REGION,
        }

    def _made_role(self) -> iam.Role:
        made = role(
            self,
            "JobRole",
            "ecs-tasks.amazonaws.com",
            [
                allow(self._tools.objects(), "s3:GetObjectVersion"),  # pinned, and no other
                allow(self._results.arns(*_READ), "s3:GetObject"),
                # Only where nothing is yet: no job can change what another has written.
                allow(self._results.arns(_WRITTEN), "s3:PutObject", conditions=_NEW),
            ],
            conditions=for_this_account(arn("ecs", "*")),
        )
        accept_patterns(made, *self._tools.findings(), *self._results.findings(*_READ, _WRITTEN))
        return made


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


def _again_if_the_host_is_lost() -> batch.CfnJobDefinition.RetryStrategyProperty:
    return _JOB.RetryStrategyProperty(
        attempts=_ATTEMPTS,
        evaluate_on_exit=[
            _JOB.EvaluateOnExitProperty(on_status_reason="Host EC2*", action="RETRY"),
            _JOB.EvaluateOnExitProperty(on_reason="*", action="EXIT"),
        ],
    )


def _into(group: logs.LogGroup) -> batch.CfnJobDefinition.LogConfigurationProperty:
    return _JOB.LogConfigurationProperty(
        log_driver="awslogs",
        options={
            "awslogs-group": group.log_group_name,
            "awslogs-region": cdk.Aws.REGION,
            "awslogs-stream-prefix": "proof",
        },
    )
