"""The stacks of the proof account."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from proof_ci.config import HANDED_ON
from proof_ci.model.verdicts import Verdict
from tests.fakes.tables import SCHEMAS
from tests.templates.synthesis import (
    CHECKOUT,
    PROOF_STACKS,
    Synthesis,
    Template,
    context,
    listed,
    plain,
    readable,
    resources,
    tls_only,
    walk,
)

PINS = context()["padstone:pins"]
FUNCTIONS = ("webhook", "dispatch", "launch", "verdict", "status", "report", "sweep", "canary")
BUCKET = "arn:<AWS::Partition>:s3:::<ResultsBucketName>"
SECRETS = {"<WebhookSecretArn>", "<GitHubTokenSecretArn>"}


@pytest.fixture
def ci(app: Synthesis) -> Template:
    return app.template("proof/ci")


def only(template: Template, kind: str) -> dict[str, Any]:
    (properties,) = resources(template, kind).values()
    return properties


def functions(ci: Template) -> dict[str, dict[str, Any]]:
    """Properties of the functions by their module's name."""
    found = resources(ci, "AWS::Lambda::Function").values()
    return {f["Handler"].split(".")[1]: f for f in found}


def role(ci: Template, reference: dict[str, Any]) -> dict[str, Any]:
    return resources(ci, "AWS::IAM::Role")[reference["Fn::GetAtt"][0]]


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def grants(role: dict[str, Any]) -> set[tuple[str, str]]:
    """What a role may do, as pairs of an action and a resource."""
    return {
        (action, plain(resource))
        for statement in statements(role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


@pytest.mark.parametrize("stack", PROOF_STACKS, ids=readable)
def test_a_template_is_as_it_was_reviewed(
    app: Synthesis, stack: str, golden: SnapshotAssertion
) -> None:
    """A change of what is deployed shows as a change of a file beside the change of the code.

    Scripts have files of their own for that; here their names stand for them.
    """
    text = json.dumps(app.template(stack))
    for name in ("job.sh", "prepare.py", "private.html"):
        script = (CHECKOUT / "padstone_cdk/proof" / name).read_text(encoding="utf-8")
        inside = json.dumps(script)[1:-1]
        for literal in (inside, json.dumps(inside)[1:-1]):  # as it is, and within a buildspec
            text = text.replace(literal, f"<{name}>")
    assert json.loads(text) == golden


# --- pinned: what runs is what was frozen ---------------------------------------------------------


def test_every_function_is_pinned_by_literals(ci: Template) -> None:
    """Key and version are the snapshot's; only the bucket is the account's."""
    assert set(functions(ci)) == set(FUNCTIONS)
    for function in functions(ci).values():
        assert function["Code"] == {
            "S3Bucket": {"Ref": "SharedBucketName"},
            "S3Key": PINS["packages"]["lambda"]["key"],
            "S3ObjectVersion": PINS["packages"]["lambda"]["version_id"],
        }


def test_the_image_is_pinned_by_its_digest(ci: Template) -> None:
    """A tag could be moved."""
    image = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]["Image"]
    assert plain(image) == f"<ProofImageRepositoryUri>@{PINS['images']['proof']['digest']}"


def test_jobs_and_runs_know_the_pinned_packages(ci: Template) -> None:
    """By key, version and digest, and everywhere the same."""
    texts = {value for value in walk(ci["Resources"]) if isinstance(value, str)}
    pins = [json.loads(text) for text in texts if text.startswith('{"batch": ')]
    assert pins == [{tool: PINS["packages"][tool] for tool in ("batch", "cbmc", "viewer")}]
    container = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]
    assert "PACKAGE_PINS" in {variable["Name"] for variable in container["Environment"]}


def test_no_parameter_belongs_to_the_snapshot(ci: Template) -> None:
    """So that a deployment that keeps previous values cannot keep the newer tool."""
    named = [n for n in ci["Parameters"] if re.search("Key|Version|Digest|Tag|Package|Snapshot", n)]
    assert named == []


# --- functions ------------------------------------------------------------------------------------


def readers() -> dict[str, set[str]]:
    """The variables of each function, by the docstrings in proof_ci/config.py."""
    tree = ast.parse((CHECKOUT / "proof_ci/config.py").read_text(encoding="utf-8"))
    (names,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Name")
    read: dict[str, set[str]] = {}
    for variable, told in zip(names.body, names.body[1:], strict=False):
        if isinstance(variable, ast.Assign) and isinstance(told, ast.Expr):
            assert isinstance(variable.targets[0], ast.Name)
            assert isinstance(told.value, ast.Constant)
            last = str(told.value.value).rsplit(". ", 1)[-1]
            for reader in re.sub(r"\(.*?\)|[,.]", " ", last).split():
                read.setdefault(reader, set()).add(variable.targets[0].id)
    return read


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gets_exactly_what_it_reads(ci: Template, name: str) -> None:
    """No variable is missing, and none tells a function what it need not know."""
    environment = functions(ci)[name]["Environment"]["Variables"]
    assert set(environment) == readers()[name] | readers()["all"]


def test_the_preparation_gets_what_it_reads(ci: Template) -> None:
    """Beside the run, which dispatch adds."""
    project = only(ci, "AWS::CodeBuild::Project")
    variables = {v["Name"] for v in project["Environment"]["EnvironmentVariables"] if "Name" in v}
    assert variables == readers()["preparation"]


def test_the_preparation_has_the_token_only_where_the_repository_is_private(ci: Template) -> None:
    """Neither the variable nor the right is there otherwise, as in an account that says nothing."""
    project = only(ci, "AWS::CodeBuild::Project")
    (given,) = (v for v in project["Environment"]["EnvironmentVariables"] if "Name" not in v)
    condition, variable, otherwise = given["Fn::If"]
    token = {"Ref": "GitHubTokenSecretArn"}
    assert variable == {"Name": "GITHUB_TOKEN", "Type": "SECRETS_MANAGER", "Value": token}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert ci["Conditions"][condition] == {"Fn::Equals": [{"Ref": "RepositoryAccess"}, "private"]}
    assert ci["Parameters"]["RepositoryAccess"]["Default"] == "public"
    policies = [r for r in ci["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    (reading,) = (p for p in policies if "GitHubTokenSecretArn" in json.dumps(p))
    assert reading["Condition"] == condition
    assert reading["Properties"]["Roles"] == [{"Ref": project["ServiceRole"]["Fn::GetAtt"][0]}]
    (statement,) = reading["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == token


def test_every_function_has_a_role_and_logs_of_its_own(ci: Template) -> None:
    """What one may do, no other may; what one says stands apart, and ends some day."""
    found = functions(ci).values()
    assert len({plain(f["Role"]) for f in found}) == len(found)
    assert len({plain(f["LoggingConfig"]["LogGroup"]) for f in found}) == len(found)
    assert {f["TracingConfig"]["Mode"] for f in found} == {"Active"}


def test_a_secret_is_read_by_whoever_needs_it_and_by_nobody_else(ci: Template) -> None:
    """Only the canary, which signs as GitHub does and asks it for a head, reads both.

    The preparation is told apart, because it may read the token of a private repository only.
    """
    readers = {
        name: {
            resource
            for action, resource in grants(role(ci, function["Role"]))
            if action.startswith("secretsmanager:")
        }
        for name, function in functions(ci).items()
    }
    assert readers == {
        "webhook": {"<WebhookSecretArn>"},
        "dispatch": {"<GitHubTokenSecretArn>"},
        "launch": set(),
        "verdict": set(),
        "status": {"<GitHubTokenSecretArn>"},
        "report": set(),
        "sweep": {"<GitHubTokenSecretArn>"},
        "canary": SECRETS,
    }
    others = [r for r in resources(ci, "AWS::IAM::Role").values() if "Policies" in r]
    reading = [r for r in others if any(res in SECRETS for _, res in grants(r))]
    assert len(reading) == 5


def test_no_value_of_a_secret_is_in_a_template(app: Synthesis) -> None:
    """Neither resolved by CloudFormation nor given as a parameter or variable."""
    for stack in PROOF_STACKS:
        assert "{{resolve:" not in app.body(stack).decode()


def test_no_role_has_a_managed_policy(ci: Template) -> None:
    """What a role may do stands in the template."""
    for name, properties in resources(ci, "AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in properties, name


def test_consumers_hand_back_only_what_failed(ci: Template) -> None:
    """One bad message does not make the others of its batch come again."""
    mappings = resources(ci, "AWS::Lambda::EventSourceMapping").values()
    assert len(mappings) == 3
    assert {tuple(m["FunctionResponseTypes"]) for m in mappings} == {("ReportBatchItemFailures",)}


def test_statuses_of_a_commit_are_written_one_after_another(ci: Template) -> None:
    """Two commits' at once; and the function may hide a message for as long as it is told to."""
    status = functions(ci)["status"]
    queue = plain(status["Environment"]["Variables"]["STATUS_QUEUE_URL"]).strip("<>")
    assert ("sqs:ChangeMessageVisibility", f"<{queue}.Arn>") in grants(role(ci, status["Role"]))
    mapping = consumer(ci, queue)
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 2})


def consumer(ci: Template, queue: str) -> dict[str, Any]:
    mappings = resources(ci, "AWS::Lambda::EventSourceMapping").values()
    (mapping,) = (m for m in mappings if m["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]})
    return mapping


def test_every_consumer_is_bounded(ci: Template) -> None:
    """A flood waits in its queue; and no share of a new account's few invocations is reserved."""
    for mapping in resources(ci, "AWS::Lambda::EventSourceMapping").values():
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 10
    assert not [f for f in functions(ci).values() if "ReservedConcurrentExecutions" in f]


def test_what_is_told_comes_in_order_and_once(ci: Template) -> None:
    """Statuses and reports: who sends says what is the same. Events are claimed, not sorted."""
    told = functions(ci)["verdict"]["Environment"]["Variables"]
    in_order = {told[name]["Ref"] for name in ("STATUS_QUEUE_URL", "REPORTS_QUEUE_URL")}
    queues = resources(ci, "AWS::SQS::Queue")
    dead = {queues[n]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for n in in_order}
    assert {n for n, queue in queues.items() if queue.get("FifoQueue")} == in_order | dead
    for name in in_order:
        assert queues[name]["ContentBasedDeduplication"] is False


def test_a_message_stays_hidden_while_it_is_handled(ci: Template) -> None:
    """For six times as long as its function may run, as Lambda advises."""
    queues = resources(ci, "AWS::SQS::Queue")
    functions = resources(ci, "AWS::Lambda::Function")
    for mapping in resources(ci, "AWS::Lambda::EventSourceMapping").values():
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        function = functions[mapping["FunctionName"]["Ref"]]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


# --- the events of a run --------------------------------------------------------------------------


def rules(ci: Template) -> dict[str, list[dict[str, Any]]]:
    """What calls each function: rules' patterns."""
    called: dict[str, list[dict[str, Any]]] = {}
    for rule in resources(ci, "AWS::Events::Rule").values():
        for target in rule["Targets"]:
            if (function := target["Arn"].get("Fn::GetAtt", [""])[0]) in ci["Resources"]:
                handler = ci["Resources"][function]["Properties"]["Handler"]
                called.setdefault(handler.split(".")[1], []).append(rule["EventPattern"])
    return called


def test_the_end_of_each_step_calls_the_next(ci: Template) -> None:
    """Builds and preparing jobs: launch. Proofs' jobs, and early verdicts: verdict."""
    (project,), (queue,) = (
        resources(ci, kind) for kind in ("AWS::CodeBuild::Project", "AWS::Batch::JobQueue")
    )
    ended = {"jobQueue": [{"Ref": queue}], "status": ["SUCCEEDED", "FAILED"]}
    built = ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"]
    of = {name: [pattern["detail"] for pattern in found] for name, found in rules(ci).items()}
    assert of == {
        "launch": [
            {"project-name": [{"Ref": project}], "build-status": built},
            {**ended, "jobName": [{"prefix": "prepare-"}]},
        ],
        "verdict": [
            {**ended, "jobName": [{"prefix": "proofs-"}]},
            {
                "bucket": {"name": [{"Ref": "ResultsBucketName"}]},
                "object": {"key": [{"wildcard": "outputs/*/verdict.json"}]},
            },
        ],
    }
    kinds = {(p["source"][0], p["detail-type"][0]) for found in rules(ci).values() for p in found}
    assert kinds == {
        ("aws.codebuild", "CodeBuild Build State Change"),
        ("aws.batch", "Batch Job State Change"),
        ("aws.s3", "Object Created"),
    }


def test_results_tell_events(app: Synthesis) -> None:
    """By the bucket's own property, and by no function of CDK's."""
    storage = app.template("proof/storage")
    results = storage["Outputs"]["ResultsBucketName"]["Value"]["Ref"]
    told = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    telling = {
        name: bucket["NotificationConfiguration"]
        for name, bucket in resources(storage, "AWS::S3::Bucket").items()
        if "NotificationConfiguration" in bucket
    }
    assert telling == {results: told}


def test_somebody_sweeps_every_five_minutes(ci: Template) -> None:
    """And is done before the next one comes."""
    schedules = resources(ci, "AWS::Scheduler::Schedule").values()
    by_function = {s["Target"]["Arn"]["Fn::GetAtt"][0]: s["ScheduleExpression"] for s in schedules}
    (sweep,) = (
        name
        for name, function in resources(ci, "AWS::Lambda::Function").items()
        if function["Handler"] == "proof_ci.sweep.handler"
    )
    assert by_function[sweep] == "rate(5 minutes)"
    assert functions(ci)["sweep"]["Timeout"] < 300


# --- the switches ---------------------------------------------------------------------------------


def test_the_switches_are_the_accounts_and_feed_what_functions_read(ci: Template) -> None:
    """A deployment keeps them, and the functions read them while they run."""
    assert ci["Metadata"]["Padstone"]["AccountOwned"] == ["CiOperational", "GitHubUpdating"]
    names = {
        properties["Value"]["Ref"]: {"Ref": name}
        for name, properties in resources(ci, "AWS::SSM::Parameter").items()
    }
    for switch in names:
        declared = ci["Parameters"][switch]
        assert (declared["AllowedValues"], declared["Default"]) == (["true", "false"], "true")
    webhook, status = functions(ci)["webhook"], functions(ci)["status"]
    read = webhook["Environment"]["Variables"] | status["Environment"]["Variables"]
    assert names == {
        "CiOperational": read["CI_OPERATIONAL_PARAMETER"],
        "GitHubUpdating": read["GITHUB_UPDATING_PARAMETER"],
    }


# --- jobs -----------------------------------------------------------------------------------------


def test_a_jobs_reach_is_small(ci: Template) -> None:
    """It reads runs' input and the tools, and writes in a folder of its own, what is not there yet.

    `aws:userid` is the role's ID and the session's name, which is the task's ID.
    """
    container = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]
    job = role(ci, container["JobRoleArn"])
    shared = "arn:<AWS::Partition>:s3:::<SharedBucketName>"
    inputs = ("runs/*/source.tar.gz", "runs/*/plan.json", "outputs/*/prepared.tar.gz", "cache/*")
    tools = ("batch", "cbmc", "viewer")
    assert grants(job) == {
        *(("s3:GetObjectVersion", f"{shared}/packages/{tool}/*") for tool in tools),
        *(("s3:GetObject", f"{BUCKET}/{pattern}") for pattern in inputs),
        ("s3:PutObject", f"{BUCKET}/outputs/*/${{aws:userid}}/*"),
    }
    (write,) = (s for s in statements(job) if s["Action"] == "s3:PutObject")
    assert write["Condition"] == {"Null": {"s3:if-none-match": "false"}}


def test_jobs_cannot_write_what_verdicts_are_read_from(ci: Template) -> None:
    """What a job may write and what others write or read are apart."""
    written = {
        name: {
            resource.rpartition("Name>/")[2]
            for action, resource in grants(role(ci, function["Role"]))
            if action == "s3:PutObject"
        }
        for name, function in functions(ci).items()
    }
    verdicts = {"runs/*/result.json", "cache/*.json"}
    assert {name: keys for name, keys in written.items() if keys} == {
        "launch": {"runs/*/plan.json"},
        "verdict": verdicts,
        "report": {"runs/*", "commits/*", "missing.html"},  # of the report bucket
        "sweep": {"runs/*/plan.json", *verdicts},
    }


def test_a_job_knows_its_image_and_its_time(ci: Template) -> None:
    """Beside the buckets, the pins and its role; launch tells it the run."""
    container = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]
    variables = {v["Name"]: v["Value"] for v in container["Environment"]}
    assert set(variables) == {
        *("SHARED_BUCKET", "RESULTS_BUCKET", "PACKAGE_PINS", "IMAGE", "JOB_SECONDS", "JOB_ROLE_ID"),
        "AWS_DEFAULT_REGION",  # which nothing else tells a container on an instance
    }
    assert variables["IMAGE"] == PINS["images"]["proof"]["digest"]
    assert variables["JOB_SECONDS"] == {"Ref": "JobTimeoutSeconds"}


def test_jobs_are_submitted_to_the_one_queue_by_known_definitions(ci: Template) -> None:
    """The account's, or a replay's, which only an operator can register."""
    (queue,), (definition,) = (
        resources(ci, kind) for kind in ("AWS::Batch::JobQueue", "AWS::Batch::JobDefinition")
    )
    here = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>"
    allowed = {f"<{queue}>", f"<{definition}>", f"{here}:job-definition/padstone-replay-*"}
    submitting = {
        name: {r for action, r in grants(role(ci, f["Role"])) if action == "batch:SubmitJob"}
        for name, f in functions(ci).items()
    }
    assert {n: r for n, r in submitting.items() if r} == {"launch": allowed, "sweep": allowed}


def test_a_job_is_bounded_and_has_no_privilege(ci: Template) -> None:
    """It ends, is tried again only where its machine was lost, and holds no secret or host path."""
    definition = only(ci, "AWS::Batch::JobDefinition")
    container = definition["ContainerProperties"]
    assert container["Privileged"] is False
    assert not {"Secrets", "Volumes", "MountPoints", "ExecutionRoleArn"} & set(container)
    assert definition["Timeout"]["AttemptDurationSeconds"] == {"Ref": "JobTimeoutSeconds"}
    assert 1 <= definition["RetryStrategy"]["Attempts"] <= 3
    assert definition["RetryStrategy"]["EvaluateOnExit"][-1] == {"Action": "EXIT", "OnReason": "*"}


def test_a_job_that_cannot_be_placed_does_not_wait_for_ever(ci: Template) -> None:
    """A job's timeout counts from its start; until then the queue bounds it, a day at most."""
    [queue] = resources(ci, "AWS::Batch::JobQueue").values()
    limits = {one["Reason"]: one for one in queue["JobStateTimeLimitActions"]}
    assert len(limits) == 3
    assert {(one["Action"], one["State"]) for one in limits.values()} == {("CANCEL", "RUNNABLE")}
    assert all(600 <= one["MaxTimeSeconds"] <= 86_400 for one in limits.values())


def test_a_jobs_command_is_the_bootstrap_as_it_is_tested(ci: Template) -> None:
    """Not a letter of it comes from elsewhere."""
    command = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]["Command"]
    script = (CHECKOUT / "padstone_cdk/proof/job.sh").read_text(encoding="utf-8")
    assert command == ["bash", "-euo", "pipefail", "-c", script]


def test_instances_take_imdsv2_from_the_host_only_and_encrypt_their_disks(ci: Template) -> None:
    """One hop, tokens required; and whoever is not root reaches neither credentials nor agent."""
    data = only(ci, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    for device in data["BlockDeviceMappings"]:
        assert (device["Ebs"]["Encrypted"], device["Ebs"]["VolumeType"]) == (True, "gp3")
    script = plain(data["UserData"]["Fn::Base64"])
    assert "169.254.169.254 169.254.170.2" in script
    assert "! --uid-owner 0 --jump REJECT" in script
    assert "trap poweroff ERR" in script


def test_the_network_has_no_way_out_but_endpoints(ci: Template) -> None:
    """Routes lead to S3's gateway only, which serves no other objects than a job's."""
    assert resources(ci, "AWS::EC2::Route") == {}
    endpoints = list(resources(ci, "AWS::EC2::VPCEndpoint").values())
    services = {
        plain(e["ServiceName"]).removeprefix("com.amazonaws.<AWS::Region>.") for e in endpoints
    }
    assert services == {"s3", "ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"}
    (gateway,) = (e for e in endpoints if e["VpcEndpointType"] == "Gateway")
    served = {
        plain(r) for s in gateway["PolicyDocument"]["Statement"] for r in listed(s["Resource"])
    }
    job = role(ci, only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]["JobRoleArn"])
    layers = "arn:<AWS::Partition>:s3:::prod-<AWS::Region>-starport-layer-bucket/*"
    needed = {resource.replace("/*/${aws:userid}", "") for _, resource in grants(job)}
    assert served == needed | {layers}


def test_the_compute_environment_can_be_replaced_and_updated(ci: Template) -> None:
    """Without a fixed name or service role; idle it costs nothing; its size is the account's."""
    environment = only(ci, "AWS::Batch::ComputeEnvironment")
    assert not {"ComputeEnvironmentName", "ServiceRole"} & set(environment)
    assert environment["ReplaceComputeEnvironment"] is False
    assert environment["ComputeResources"]["MinvCpus"] == 0
    assert environment["ComputeResources"]["MaxvCpus"] == {"Ref": "MaxVcpus"}
    bounds = ci["Parameters"]["MaxVcpus"]
    assert (bounds["MinValue"], bounds["MaxValue"]) == (1, 10_000)


# --- the front door and the site ------------------------------------------------------------------


def test_the_webhook_is_throttled_and_logged_without_what_is_posted(ci: Template) -> None:
    """Signatures and bodies are nobody's to read later."""
    stage = only(ci, "AWS::ApiGatewayV2::Stage")
    assert 0 < stage["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 100
    assert stage["AutoDeploy"] is True
    logged = set(json.loads(stage["AccessLogSettings"]["Format"]).values())
    assert not [name for name in logged if re.search("body|header|signature", name, re.I)]
    route = only(ci, "AWS::ApiGatewayV2::Route")
    assert route["RouteKey"] == "POST /webhook"


def test_github_gets_an_answer_in_its_time(ci: Template) -> None:
    """It waits for ten seconds."""
    assert functions(ci)["webhook"]["Timeout"] < 10


def test_a_run_is_nothing_but_variables_to_the_preparation(ci: Template) -> None:
    """The buildspec is a literal, checks each value against an anchored pattern, then uses it."""
    project = only(ci, "AWS::CodeBuild::Project")
    assert project["Source"]["Type"] == "NO_SOURCE"
    spec = json.loads(project["Source"]["BuildSpec"])
    first, command = spec["phases"]["build"]["commands"]
    script = (CHECKOUT / "padstone_cdk/proof/prepare.py").read_text(encoding="utf-8")
    here = "python3 -I -B /dev/fd/3 3<<'PADSTONE_SCRIPT'"
    assert command == f"{here}\n{script}PADSTONE_SCRIPT\n"
    assert "PADSTONE_SCRIPT" not in script
    assert first == "export SAID=$(mktemp)"
    assert spec["phases"]["build"]["finally"] == ['export PREPARATION="$(cat "$SAID")"']
    assert spec["env"] == {"shell": "bash", "exported-variables": ["PREPARATION"]}
    assert project["Environment"]["PrivilegedMode"] is False


def test_a_preparation_is_started_as_it_is_described(ci: Template) -> None:
    """Who starts it tells it a run: no other commands, image, rights, and no further variables."""
    starting = [
        (name, statement)
        for name, function in functions(ci).items()
        for statement in statements(role(ci, function["Role"]))
        if "codebuild:StartBuild" in listed(statement["Action"])
    ]
    ((name, statement),) = starting
    assert (name, listed(statement["Action"])) == ("dispatch", ["codebuild:StartBuild"])
    left = ("source.buildspec", "environment.image", "environment.privilegedMode", "serviceRole")
    assert {f"codebuild:{key}" for key in left} < set(statement["Condition"]["Null"])
    assert set(statement["Condition"]["Null"].values()) == {"true"}
    ((key, names),) = statement["Condition"]["ForAllValues:StringEquals"].items()
    assert key == "codebuild:environment.environmentVariables.name"
    assert set(names) == {"RUN_ID", "REPOSITORY", "SHA", "REF", *HANDED_ON}


def test_the_preparation_keeps_sources_and_does_nothing_else(ci: Template) -> None:
    """It submits no job and runs nobody's code."""
    project = only(ci, "AWS::CodeBuild::Project")
    (logs,) = project["LogsConfig"]["CloudWatchLogs"]["GroupName"].values()
    assert grants(role(ci, project["ServiceRole"])) == {
        ("logs:CreateLogStream", f"<{logs}.Arn>"),
        ("logs:PutLogEvents", f"<{logs}.Arn>"),
        ("s3:PutObject", f"{BUCKET}/runs/*/source.tar.gz"),
    }


def test_reports_are_read_through_the_site_only(ci: Template) -> None:
    """By that distribution, over TLS, and only where reports are public; they run no script."""
    (policy,) = resources(ci, "AWS::S3::BucketPolicy").values()
    assert policy["Bucket"] == {"Ref": "ReportBucketName"}
    assert tls_only(policy)
    (given,) = (s for s in policy["PolicyDocument"]["Statement"] if "Effect" not in s)
    condition, allowed, otherwise = given["Fn::If"]
    assert (allowed["Effect"], otherwise) == ("Allow", {"Ref": "AWS::NoValue"})
    assert ci["Conditions"][condition] == {"Fn::Equals": [{"Ref": "ReportVisibility"}, "public"]}
    assert ci["Parameters"]["ReportVisibility"]["Default"] == "private"
    served = [plain(resource).partition("Name>/")[2] for resource in allowed["Resource"]]
    assert sorted(served) == ["commits/*", "missing.html", "runs/*"]
    (distribution,) = resources(ci, "AWS::CloudFront::Distribution")
    assert plain(allowed["Condition"]["StringEquals"]["aws:SourceArn"]).endswith(
        f":distribution/<{distribution}>"
    )
    config = only(ci, "AWS::CloudFront::Distribution")["DistributionConfig"]
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert config["DefaultRootObject"] == "index.html"
    headers = only(ci, "AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    content = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert "default-src 'none'" in content
    assert content.endswith("sandbox")


def test_a_private_site_is_answered_before_its_bucket_is_asked(ci: Template) -> None:
    """Unless reports are public, one published function answers whatever a viewer asks for."""
    config = only(ci, "AWS::CloudFront::Distribution")["DistributionConfig"]
    condition, if_public, otherwise = config["DefaultCacheBehavior"]["FunctionAssociations"][
        "Fn::If"
    ]
    assert ci["Conditions"][condition] == {"Fn::Equals": [{"Ref": "ReportVisibility"}, "public"]}
    assert if_public == {"Ref": "AWS::NoValue"}
    (function,) = resources(ci, "AWS::CloudFront::Function")
    arn = {"Fn::GetAtt": [function, "FunctionARN"]}
    assert otherwise == [{"EventType": "viewer-request", "FunctionARN": arn}]
    assert "CacheBehaviors" not in config
    assert only(ci, "AWS::CloudFront::Function")["AutoPublish"] is True


def test_the_answer_of_a_private_site_is_within_the_limits(ci: Template) -> None:
    """CloudFront takes 10 KB of a function; it answers the same to everybody, with every header."""
    code = only(ci, "AWS::CloudFront::Function")["FunctionCode"]
    assert len(code.encode()) <= 10_000
    first = _answered(code, {})
    assert _answered(code, {"request": {"method": "GET", "uri": "/runs/r/index.html"}}) == first
    assert first["statusCode"] == 403
    assert "padstone proof report ACCOUNT RUN --serve" in first["body"]["data"]
    told = {name: header["value"] for name, header in first["headers"].items()}
    assert told.pop("content-type") == "text/html; charset=utf-8"
    assert told.pop("cache-control") == "no-store"
    assert told == _of_the_policy(ci)


def _answered(code: str, event: dict[str, Any]) -> dict[str, Any]:
    run = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
    node = str(Path(sys.executable).parent / "node")
    done = subprocess.run([node, "-e", run], capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _of_the_policy(ci: Template) -> dict[str, str]:
    """The headers of what comes out of the bucket."""
    policy = only(ci, "AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = policy["SecurityHeadersConfig"]
    https = security["StrictTransportSecurity"]
    assert https["IncludeSubdomains"]
    return {
        "content-security-policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "x-content-type-options": "nosniff",
        "x-frame-options": security["FrameOptions"]["FrameOption"],
        "referrer-policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "strict-transport-security": f"max-age={https['AccessControlMaxAgeSec']}"
        "; includeSubDomains",
    }


def test_a_page_that_is_missing_is_not_found(ci: Template) -> None:
    """S3 says "forbidden" to who may not list; soon asked again, for a report may come yet."""
    config = only(ci, "AWS::CloudFront::Distribution")["DistributionConfig"]
    (answer,) = config["CustomErrorResponses"]
    assert answer == {
        "ErrorCode": 403,
        "ResponseCode": 404,
        "ResponsePagePath": "/missing.html",
        "ErrorCachingMinTTL": 10,
    }


def test_the_outputs_are_what_the_command_line_reads(app: Synthesis, ci: Template) -> None:
    """Of both stacks; and each function's log group stands beside its name."""
    published = {*ci["Outputs"], *app.template("proof/storage")["Outputs"]}
    assert published >= {
        *("WebhookUrl", "ReportSiteUrl", "JobQueueArn", "JobDefinitionArn", "PreparationProject"),
        *("DashboardName", "EventsQueueUrl", "JobLogGroup", "PreparationLogGroup"),
        *("FunctionLogGroups", "ResultsBucketName", "RunsTableName", "ReportBucketName"),
    }
    pairs = plain(ci["Outputs"]["FunctionLogGroups"]["Value"]).split(",")
    groups = {
        name: plain(f["LoggingConfig"]["LogGroup"]) for name, f in sorted(functions(ci).items())
    }
    assert sorted(pairs) == [f"{name}={group}" for name, group in groups.items()]


# --- watched --------------------------------------------------------------------------------------


def test_silence_is_an_alarm(ci: Template) -> None:
    """For a day no verdict, for an hour no sweep: no data is no good news."""
    silences = [
        alarm
        for alarm in resources(ci, "AWS::CloudWatch::Alarm").values()
        if alarm["TreatMissingData"] == "breaching"
    ]
    found = resources(ci, "AWS::Lambda::Function")
    periods = {
        found[alarm["Dimensions"][0]["Value"]["Ref"]]["Handler"]: alarm["Period"]
        for alarm in silences
    }
    assert periods == {"proof_ci.verdict.handler": 86_400, "proof_ci.sweep.handler": 3600}
    for alarm in silences:
        assert (alarm["MetricName"], alarm["Statistic"]) == ("Invocations", "Sum")
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_people_hear_of_jobs_without_an_answer_only(ci: Template) -> None:
    """What a runner has said is told at GitHub, where its author looks; and nobody is told twice.

    An array has neither a container nor an index; jobs of an ended run say why they ended.
    """
    rules = resources(ci, "AWS::Events::Rule").values()
    (failed,) = (r for r in rules if r["EventPattern"]["detail"].get("status") == ["FAILED"])
    told = failed["EventPattern"]["detail"]
    answers = sorted(v.exit_code for v in Verdict if v not in (Verdict.SUCCESS, Verdict.LOST))
    assert told["container"] == {"exitCode": [{"anything-but": answers}, {"exists": False}]}
    assert told["$or"] == [
        {"arrayProperties": {"index": [{"exists": True}]}},
        {"arrayProperties": {"size": [{"exists": False}]}},
    ]
    ((but, _),) = [told["statusReason"]]
    stopped = but["anything-but"]["prefix"]
    assert f'"{stopped}: ' in (CHECKOUT / "proof_ci/ending.py").read_text(encoding="utf-8")


def test_both_addresses_are_told_and_one_address_is_told_once(ci: Template) -> None:
    """A second subscription of one address would be the first one."""
    subscriptions = {
        resource["Properties"]["Endpoint"]["Ref"]: resource.get("Condition")
        for resource in ci["Resources"].values()
        if resource["Type"] == "AWS::SNS::Subscription"
    }
    condition = subscriptions["SIMAddress"]
    assert subscriptions == {"NotificationAddress": None, "SIMAddress": condition}
    equal = {"Fn::Equals": [{"Ref": "NotificationAddress"}, {"Ref": "SIMAddress"}]}
    assert ci["Conditions"][condition] == {"Fn::Not": [equal]}


# --- what is kept ---------------------------------------------------------------------------------


def test_runs_are_kept_as_functions_write_them(app: Synthesis) -> None:
    """With the keys that they use, and of the fake; until the time that they state."""
    table = only(app.template("proof/storage"), "AWS::DynamoDB::Table")
    keys = [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]]
    assert keys == [("run_id", "HASH"), ("record", "RANGE")]
    assert SCHEMAS["runs"].keys == tuple(name for name, _ in keys)
    assert table["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_secrets_are_made_by_the_account(app: Synthesis) -> None:
    """No value is ever a parameter; the token's is put in later."""
    storage = app.template("proof/storage")
    secrets = resources(storage, "AWS::SecretsManager::Secret").values()
    assert len(secrets) == 2
    assert all("SecretString" not in secret for secret in secrets)
    assert all(secret["GenerateSecretString"]["PasswordLength"] >= 32 for secret in secrets)
    assert "Parameters" not in storage
