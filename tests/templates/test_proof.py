"""The stacks of the proof account."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

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
    walk,
)

PINS = context()["padstone:pins"]
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
    """A change of what is deployed shows as a change of a file beside the change of the code."""
    assert app.template(stack) == golden


# --- pinned: what runs is what was frozen ---------------------------------------------------------


def test_every_function_is_pinned_by_literals(ci: Template) -> None:
    """Key and version are the snapshot's; only the bucket is the account's."""
    assert set(functions(ci)) == {"webhook", "dispatch", "verdict", "status", "canary"}
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


@pytest.mark.parametrize("name", ["webhook", "dispatch", "verdict", "status", "canary"])
def test_a_function_gets_exactly_what_it_reads(ci: Template, name: str) -> None:
    """No variable is missing, and none tells a function what it need not know."""
    environment = functions(ci)[name]["Environment"]["Variables"]
    assert set(environment) == readers()[name] | readers()["all"]


def test_the_preparation_gets_what_it_reads(ci: Template) -> None:
    """Beside the run, which dispatch adds."""
    project = only(ci, "AWS::CodeBuild::Project")
    variables = {v["Name"] for v in project["Environment"]["EnvironmentVariables"]}
    assert variables == readers()["preparation"]


def test_every_function_has_a_role_and_logs_of_its_own(ci: Template) -> None:
    """What one may do, no other may; what one says stands apart, and ends some day."""
    found = functions(ci).values()
    assert len({plain(f["Role"]) for f in found}) == len(found)
    assert len({plain(f["LoggingConfig"]["LogGroup"]) for f in found}) == len(found)
    assert {f["TracingConfig"]["Mode"] for f in found} == {"Active"}


def test_a_secret_is_read_by_whoever_needs_it_and_by_nobody_else(ci: Template) -> None:
    """Only the canary, which signs as GitHub does and asks it for a head, reads both."""
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
        "dispatch": set(),
        "verdict": set(),
        "status": {"<GitHubTokenSecretArn>"},
        "canary": SECRETS,
    }
    others = [r for r in resources(ci, "AWS::IAM::Role").values() if "Policies" in r]
    reading = [r for r in others if any(res in SECRETS for _, res in grants(r))]
    assert len(reading) == 3


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
    assert len(mappings) == 2
    assert {tuple(m["FunctionResponseTypes"]) for m in mappings} == {("ReportBatchItemFailures",)}


def test_statuses_are_written_one_after_another(ci: Template) -> None:
    """GitHub asks for that; and the function may hide a message for as long as it is told to."""
    status = functions(ci)["status"]
    assert status["ReservedConcurrentExecutions"] == 1
    queue = plain(status["Environment"]["Variables"]["STATUS_QUEUE_URL"]).strip("<>")
    assert ("sqs:ChangeMessageVisibility", f"<{queue}.Arn>") in grants(role(ci, status["Role"]))


def test_a_message_stays_hidden_while_it_is_handled(ci: Template) -> None:
    """For six times as long as its function may run, as Lambda advises."""
    queues = resources(ci, "AWS::SQS::Queue")
    functions = resources(ci, "AWS::Lambda::Function")
    for mapping in resources(ci, "AWS::Lambda::EventSourceMapping").values():
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        function = functions[mapping["FunctionName"]["Ref"]]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_every_queue_has_a_dead_letter_queue_or_is_one(ci: Template) -> None:
    """And every dead-letter queue has an alarm."""
    queues = resources(ci, "AWS::SQS::Queue")
    dead = {
        target["Fn::GetAtt"][0]
        for value in walk(ci["Resources"])
        if isinstance(value, dict)
        for target in (
            value.get("RedrivePolicy", {}).get("deadLetterTargetArn"),
            (value.get("DeadLetterConfig") or {}).get("Arn"),
        )
        if target
    }
    assert {name for name, queue in queues.items() if "RedrivePolicy" not in queue} == dead
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in resources(ci, "AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "QueueName"
    }
    assert watched == dead


def test_queues_are_encrypted_and_take_tls_only(ci: Template) -> None:
    """Events and statuses quote what people wrote."""
    queues = resources(ci, "AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    secured = {
        queue["Ref"]
        for policy in resources(ci, "AWS::SQS::QueuePolicy").values()
        if _tls_only(policy)
        for queue in policy["Queues"]
    }
    assert secured == set(queues)


def _tls_only(policy: dict[str, Any]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Principal"] in ("*", {"AWS": "*"})
        for statement in policy["PolicyDocument"]["Statement"]
    )


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
    """It reads its input and the pinned tools, and writes where nothing has been written yet."""
    container = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]
    job = role(ci, container["JobRoleArn"])
    packages = {
        f"<SharedBucketName>/{PINS['packages'][t]['key']}" for t in ("batch", "cbmc", "viewer")
    }
    readable = {f"arn:<AWS::Partition>:s3:::{p}" for p in packages}
    readable |= {"arn:<AWS::Partition>:s3:::<ResultsBucketName>/runs/*/source.tar.gz"}
    assert grants(job) == {
        *((action, one) for action in ("s3:GetObject", "s3:GetObjectVersion") for one in readable),
        ("s3:PutObject", "arn:<AWS::Partition>:s3:::<ResultsBucketName>/outputs/*"),
    }
    (write,) = (s for s in statements(job) if s["Action"] == "s3:PutObject")
    assert write["Condition"] == {"Null": {"s3:if-none-match": "false"}}


def test_jobs_cannot_write_what_verdicts_are_read_from(ci: Template) -> None:
    """What a job may write and what others write or read are apart."""
    verdict = role(ci, functions(ci)["verdict"]["Role"])
    written = [r for action, r in grants(verdict) if action == "s3:PutObject"]
    assert written == ["arn:<AWS::Partition>:s3:::<ResultsBucketName>/runs/*/result.json"]


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


def test_what_a_project_runs_is_nobody_with_an_empty_environment(ci: Template) -> None:
    """Credentials are asked for by the environment, which the runner does not inherit."""
    command = only(ci, "AWS::Batch::JobDefinition")["ContainerProperties"]["Command"]
    script = command[-1]
    assert command[:-1] == ["bash", "-euo", "pipefail", "-c"]
    start = re.compile(r"setpriv --reuid=65534 --regid=65534 .*?--no-new-privs -- \\\n +env -i ")
    assert start.search(script)
    assert script.index("setpriv --reuid") < script.index("proof-runner --timeout")


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
    assert served == {resource for _, resource in grants(job)} | {layers}


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
    (script,) = json.loads(project["Source"]["BuildSpec"])["phases"]["build"]["commands"]
    for name in ("RUN_ID", "REPOSITORY", "SHA"):
        check = re.search(rf"\[\[ \$\{{{name}:-\}} =~ \^\S+\$ \]\] \|\| refuse", script)
        assert check, name
        assert not re.search(rf'"\${name}"', script[: check.start()]), name
    assert "$REF" not in script
    assert "eval" not in script
    assert project["Environment"]["PrivilegedMode"] is False


def test_the_preparation_can_submit_proofs_and_nothing_else(ci: Template) -> None:
    """To the one queue, by the one definition; it reads no secret and runs nobody's code."""
    project = only(ci, "AWS::CodeBuild::Project")
    actions = {action for action, _ in grants(role(ci, project["ServiceRole"]))}
    assert actions == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:PutObject",
        "batch:SubmitJob",
    }


def test_reports_are_read_through_the_site_only(ci: Template) -> None:
    """By that distribution, over TLS; viewers are led to https, and reports run no script."""
    (policy,) = resources(ci, "AWS::S3::BucketPolicy").values()
    assert policy["Bucket"] == {"Ref": "ReportBucketName"}
    assert _tls_only(policy)
    (allowed,) = (s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow")
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


# --- watched --------------------------------------------------------------------------------------


def test_every_function_has_an_alarm_of_its_own(ci: Template) -> None:
    """With its name as dimension: no other function of the account sets it off."""
    watched = {
        dimension["Value"]["Ref"]
        for alarm in resources(ci, "AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "Errors"
        for dimension in alarm["Dimensions"]
    }
    assert watched == set(resources(ci, "AWS::Lambda::Function"))


def test_a_silent_day_is_an_alarm(ci: Template) -> None:
    """The canary's run must end as a verdict; no data is no good news."""
    (silence,) = (
        alarm
        for alarm in resources(ci, "AWS::CloudWatch::Alarm").values()
        if alarm["TreatMissingData"] == "breaching"
    )
    function = resources(ci, "AWS::Lambda::Function")[silence["Dimensions"][0]["Value"]["Ref"]]
    assert function["Handler"] == "proof_ci.verdict.handler"
    assert (silence["Period"], silence["Threshold"]) == (86_400, 1)
    assert silence["ComparisonOperator"] == "LessThanThreshold"


def test_people_hear_of_jobs_without_an_answer_but_not_of_refuted_proofs(ci: Template) -> None:
    """A refuted proof is told at GitHub, where its author looks."""
    rules = resources(ci, "AWS::Events::Rule").values()
    (failed,) = (r for r in rules if r["EventPattern"]["detail"].get("status") == ["FAILED"])
    container = failed["EventPattern"]["detail"]["container"]
    assert container == {"exitCode": [{"anything-but": [10]}, {"exists": False}]}


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
    """With the keys that they use, until the time that they state."""
    table = only(app.template("proof/storage"), "AWS::DynamoDB::Table")
    keys = [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]]
    assert keys == [("run_id", "HASH"), ("record", "RANGE")]
    assert table["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_buckets_are_versioned_encrypted_and_logged(app: Synthesis) -> None:
    """And TLS only; the report bucket's policy stands where its distribution is."""
    storage = app.template("proof/storage")
    buckets = resources(storage, "AWS::S3::Bucket")
    for bucket in buckets.values():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "BucketEncryption" in bucket
    assert [name for name, b in buckets.items() if "LoggingConfiguration" not in b] == [
        name for name in buckets if name.startswith("AccessLogs")
    ]
    secured = {
        policy["Bucket"]["Ref"]
        for policy in resources(storage, "AWS::S3::BucketPolicy").values()
        if _tls_only(policy)
    }
    reports = storage["Outputs"]["ReportBucketName"]["Value"]["Ref"]
    assert set(buckets) - secured == {reports}


def test_secrets_are_made_by_the_account(app: Synthesis) -> None:
    """No value is ever a parameter; the token's is put in later."""
    storage = app.template("proof/storage")
    secrets = resources(storage, "AWS::SecretsManager::Secret").values()
    assert len(secrets) == 2
    assert all("SecretString" not in secret for secret in secrets)
    assert all(secret["GenerateSecretString"]["PasswordLength"] >= 32 for secret in secrets)
    assert "Parameters" not in storage
