"""What holds for every stack of both stages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.templates.synthesis import (
    CHECKOUT,
    PROOF_STACKS,
    STACKS,
    TOOLS_STACKS,
    Synthesis,
    Template,
    copy_app,
    listed,
    plain,
    readable,
    resources,
    synthesise,
    tls_only,
    walk,
)

every_stack = pytest.mark.parametrize("stack", STACKS, ids=readable)

ANY_RESOURCE = {
    "batch:DescribeJobs": "asked for by ID, of which none is known before",
    "batch:ListJobs": "a list is of a queue, and IAM does not know which",
    "ecr:GetAuthorizationToken": "a token is of a registry, not of a repository",
    "ecs:DiscoverPollEndpoint": "asked before there is a container instance",
    "xray:PutTelemetryRecords": "traces are of an account",
    "xray:PutTraceSegments": "traces are of an account",
}
"""Actions that IAM knows no narrower resource for, and why they are needed."""

TOLD_NOBODY = {
    "ec2.amazonaws.com": "an instance takes the role of its profile, which has an account",
    "lambda.amazonaws.com": "Lambda passes no source when it assumes a function's role",
}
"""Services whose requests for a role say nothing of who they act for."""

KEPT = (
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::SecretsManager::Secret",
)
POLICIES = (
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::KMS::Key",
)


# --- frozen: the same bytes everywhere ------------------------------------------------------------


def test_the_stages_are_made_of_these_stacks(app: Synthesis) -> None:
    """So the rules below miss none."""
    assert set(app.stacks) == set(STACKS)


def test_the_same_source_gives_the_same_bytes(app: Synthesis, tmp_path: Path) -> None:
    """In another folder, with other hashes of strings."""
    copy = copy_app(tmp_path)
    again = synthesise(tmp_path / "out", checkout=copy, seed=4711)
    assert {name: again.body(name) for name in again.stacks} == {
        name: app.body(name) for name in app.stacks
    }


def test_an_environment_is_a_name_and_not_a_template(app: Synthesis, tmp_path: Path) -> None:
    """Every stack has the suffix, and the very same bytes."""
    blue = synthesise(tmp_path, environment="blue")
    for name, stack in app.stacks.items():
        assert blue.stacks[name].stack_name == f"{stack.stack_name}-blue"
        assert blue.stacks[name].tags == {**stack.tags, "padstone:environment": "blue"}
        assert blue.body(name) == app.body(name)


@every_stack
def test_a_stack_states_its_snapshot(app: Synthesis, stack: str) -> None:
    """As an output and in its tags, beside its stage."""
    assert app.template(stack)["Outputs"]["SnapshotId"]["Value"] == "00000000-000000"
    assert app.stacks[stack].stack_name == f"padstone-{stack.replace('/', '-')}"
    assert app.stacks[stack].tags == {
        "padstone:snapshot-id": "00000000-000000",
        "padstone:stage": stack.partition("/")[0],
    }


@every_stack
@pytest.mark.parametrize(
    "what",
    [
        pytest.param(r"(?<!\d)\d{12}(?!\d)", id="account"),
        pytest.param(r"\b(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d\b", id="region"),
        pytest.param(r"arn:aws\b(?!\[)", id="partition"),
        pytest.param(r"cdk-[a-z0-9]{9}-|BootstrapVersion|CDKMetadata|AssetParameters", id="cdk"),
        pytest.param(r"padstone-(tools|proof)-[a-z]", id="stack name"),
    ],
)
def test_a_template_is_portable(app: Synthesis, stack: str, what: str) -> None:
    """It names no account, region, partition, bootstrap or stack."""
    assert re.findall(f".*{what}.*", app.body(stack).decode()) == []


@every_stack
def test_a_template_stands_alone(app: Synthesis, stack: str) -> None:
    """Nothing is imported or exported, no asset needed, no code of CDK's own run."""
    body, template = app.body(stack).decode(), app.template(stack)
    assert "Fn::ImportValue" not in body
    assert not [name for name, out in template["Outputs"].items() if "Export" in out]
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert not [kind for kind in types if kind.startswith(("Custom::", "AWS::CloudFormation::"))]


@every_stack
def test_a_template_is_well_within_the_limits(app: Synthesis, stack: str) -> None:
    """Of CloudFormation; and those of tools are sent inline when there is no bucket yet."""
    assert len(app.body(stack)) < (51_200 if stack in TOOLS_STACKS else 1_000_000)
    template = app.template(stack)
    assert len(template["Resources"]) < 500
    assert len(template["Outputs"]) < 200
    assert len(template.get("Parameters", {})) < 200


# --- wired: outputs to parameters -----------------------------------------------------------------


@every_stack
def test_every_parameter_says_what_it_takes(app: Synthesis, stack: str) -> None:
    """It is described and constrained, a pattern in words too; its default keeps to that."""
    for name, parameter in app.template(stack).get("Parameters", {}).items():
        assert parameter["Description"], name
        default, pattern = parameter.get("Default"), parameter.get("AllowedPattern")
        if parameter["Type"] == "Number":
            assert parameter["MinValue"] <= parameter["MaxValue"], name
        elif pattern is None:
            assert default is None or default in parameter["AllowedValues"], name
        else:
            assert parameter["ConstraintDescription"], name
            assert default is None or re.fullmatch(pattern, default), name


def _projects() -> Iterator[tuple[str, set[str]]]:
    for path in sorted((CHECKOUT / "examples/projects").glob("*.json")):
        stage = "tools" if path.stem == "tools" else "proof"
        yield stage, set(json.loads(path.read_text(encoding="utf-8")))


@every_stack
def test_every_parameter_is_filled_by_somebody(app: Synthesis, stack: str) -> None:
    """By a stack before it, by the tools account, by a project's file, or by its default."""
    before = app.before(stack) | (set(TOOLS_STACKS) if stack in PROOF_STACKS else set())
    outputs = {name for other in before for name in app.template(other)["Outputs"]}
    stated = set.intersection(
        *(names for stage, names in _projects() if stage == stack.partition("/")[0])
    )
    wanted = {
        name
        for name, parameter in app.template(stack).get("Parameters", {}).items()
        if "Default" not in parameter
    }
    assert wanted - outputs - stated == set()


@pytest.mark.parametrize("stage", ["tools", "proof"])
def test_a_parameter_has_one_source(app: Synthesis, stage: str) -> None:
    """No two stacks of a stage publish what a third one takes."""
    published: dict[str, list[str]] = {}
    taken: set[str] = set()
    for name in app.stacks:
        template = app.template(name)
        taken |= set(template.get("Parameters", {}))
        for output in template["Outputs"] if name.startswith(stage) else ():
            published.setdefault(output, []).append(name)
    assert {o: names for o, names in published.items() if len(names) > 1 and o in taken} == {}


def test_a_parameter_means_the_same_everywhere(app: Synthesis) -> None:
    """Stacks that take a parameter of one name declare it alike."""
    seen: dict[tuple[str, str], Any] = {}
    for name in app.stacks:
        for parameter, declared in app.template(name).get("Parameters", {}).items():
            key = (name.partition("/")[0], parameter)
            assert seen.setdefault(key, declared) == declared, key


# --- safe -----------------------------------------------------------------------------------------


def _statements(template: Template) -> Iterator[dict[str, Any]]:
    for value in walk(template["Resources"]):
        if isinstance(value, dict) and value.get("Effect") == "Allow":
            yield value


@every_stack
def test_nothing_is_allowed_by_wildcard(app: Synthesis, stack: str) -> None:
    """Actions are spelled out; what they may touch is named, where IAM can name it."""
    assert [s for s in _statements(app.template(stack)) if _too_wide(s)] == []


def _too_wide(statement: dict[str, Any]) -> bool:
    actions = listed(statement.get("Action", "*"))
    if [action for action in actions if "*" in action and action not in _whole(statement)]:
        return True
    anything = [
        resource
        for resource in map(plain, listed(statement.get("Resource", [])))
        if re.fullmatch(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*.*", resource)
    ]
    return bool(anything) and not _confined(statement) and not set(actions) <= set(ANY_RESOURCE)


def _whole(statement: dict[str, Any]) -> tuple[str, ...]:
    """A KMS key without its own account's say-so could never be changed again."""
    root = "arn:<AWS::Partition>:iam::<AWS::AccountId>:root"
    principal = statement.get("Principal", {})
    owner = isinstance(principal, dict) and "AWS" in principal and plain(principal["AWS"]) == root
    return ("kms:*",) if owner else ()


def _confined(statement: dict[str, Any]) -> bool:
    """In a policy of a resource `*` is the resource itself; there, principals are what counts."""
    return "Principal" in statement and (
        statement["Principal"] not in ("*", {"AWS": "*"}) or "Condition" in statement
    )


@every_stack
def test_services_act_for_this_account_only(app: Synthesis, stack: str) -> None:
    """Whoever lets a service in says on whose behalf."""
    template = app.template(stack)
    for name, permission in resources(template, "AWS::Lambda::Permission").items():
        assert "SourceArn" in permission or "SourceAccount" in permission, name
    for policy in resources(template, *POLICIES).values():
        for statement in _statements({"Resources": policy}):
            if isinstance(principal := statement["Principal"], dict) and "Service" in principal:
                condition = statement.get("Condition", {})
                keys = {key.lower() for test in condition.values() for key in test}
                assert keys & {"aws:sourcearn", "aws:sourceaccount"} or _rule_to_topic(statement)


@every_stack
def test_services_take_roles_for_this_account_only(app: Synthesis, stack: str) -> None:
    """As above, for services that assume a role: one service each, but for whom nobody is told."""
    for name, role in resources(app.template(stack), "AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = statement["Principal"]["Service"]
        keys = {key for test in statement.get("Condition", {}).values() for key in test}
        assert service in TOLD_NOBODY or "aws:SourceAccount" in keys, name


def _rule_to_topic(statement: dict[str, Any]) -> bool:
    """EventBridge supports no Condition in the policy of a topic, where it would silence it."""
    return (
        statement["Principal"] == {"Service": "events.amazonaws.com"}
        and statement["Action"] == "sns:Publish"
        and "Condition" not in statement
    )


@every_stack
def test_rules_publish_to_topics(app: Synthesis, stack: str) -> None:
    """No Condition stands in their way: with one, messages would be lost without a word."""
    for policy in resources(app.template(stack), "AWS::SNS::TopicPolicy").values():
        for statement in _statements({"Resources": policy}):
            if statement["Principal"] == {"Service": "events.amazonaws.com"}:
                assert _rule_to_topic(statement)


@every_stack
def test_every_alarm_tells_somebody(app: Synthesis, stack: str) -> None:
    """An alarm without an action is a lamp in an empty room."""
    for name, alarm in resources(app.template(stack), "AWS::CloudWatch::Alarm").items():
        assert alarm.get("AlarmActions"), name
        assert alarm["TreatMissingData"], name
        assert alarm["AlarmDescription"], name


@every_stack
def test_nothing_is_open_to_the_internet(app: Synthesis, stack: str) -> None:
    """No gateway, no public address, no open group, no public bucket."""
    template = app.template(stack)
    gateways = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP")
    assert resources(template, *gateways) == {}
    for value in walk(template["Resources"]):
        if isinstance(value, dict):
            assert value.get("MapPublicIpOnLaunch") in (None, False)
            assert value.get("AssociatePublicIpAddress") in (None, False)
    ingress = [
        rule
        for group in resources(template, "AWS::EC2::SecurityGroup").values()
        for rule in group.get("SecurityGroupIngress", [])
    ]
    ingress += resources(template, "AWS::EC2::SecurityGroupIngress").values()
    assert not [rule for rule in ingress if "CidrIp" in rule or "CidrIpv6" in rule]
    for bucket in resources(template, "AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


@every_stack
def test_data_outlives_its_stack(app: Synthesis, stack: str) -> None:
    """It is kept unless the very creation of the stack fails, which then can be tried again."""
    for name, resource in app.template(stack)["Resources"].items():
        if resource["Type"] in KEPT:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name


@every_stack
def test_logs_end_some_day(app: Synthesis, stack: str) -> None:
    """No log group keeps its lines for ever."""
    for name, group in resources(app.template(stack), "AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"], name


# --- kept and told --------------------------------------------------------------------------------


def test_buckets_are_encrypted_and_clean_up_after_uploads(app: Synthesis) -> None:
    """Owned by the account alone, logged but for the logs, and versioned but for what passes by."""
    for stack in STACKS:
        for name, bucket in resources(app.template(stack), "AWS::S3::Bucket").items():
            rules = bucket["LifecycleConfiguration"]["Rules"]
            assert "BucketEncryption" in bucket, name
            assert _ownership(bucket) == ["BucketOwnerEnforced"], name
            assert [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule], name
            assert "LoggingConfiguration" in bucket or name.startswith("AccessLog"), name
            passing = [rule for rule in rules if "ExpirationInDays" in rule]
            assert "VersioningConfiguration" in bucket or passing, name


def _ownership(bucket: dict[str, Any]) -> list[str]:
    return [rule["ObjectOwnership"] for rule in bucket["OwnershipControls"]["Rules"]]


def test_buckets_take_tls_only(app: Synthesis) -> None:
    """By their one policy, which may be in another stack of the stage."""
    buckets = {
        (stack, name) for stack in STACKS for name in resources(app.template(stack), KEPT[0])
    }
    secured = {
        _bucket_of(app, stack, policy["Bucket"]["Ref"])
        for stack in STACKS
        for policy in resources(app.template(stack), "AWS::S3::BucketPolicy").values()
        if tls_only(policy)
    }
    assert secured == buckets


def _bucket_of(app: Synthesis, stack: str, reference: str) -> tuple[str, str]:
    """Where the bucket is that a stack refers to: there, or where its parameter comes from."""
    if reference in app.template(stack)["Resources"]:
        return stack, reference
    (found,) = (
        (other, app.template(other)["Outputs"][reference]["Value"]["Ref"])
        for other in app.before(stack)
        if reference in app.template(other)["Outputs"]
    )
    return found


@every_stack
def test_queues_and_topics_take_tls_only(app: Synthesis, stack: str) -> None:
    """And queues are encrypted: what they hold quotes what people wrote."""
    template = app.template(stack)
    queues = resources(template, "AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    for kind, policies in (
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy"),
    ):
        secured = {
            each["Ref"]
            for policy in resources(template, policies).values()
            if tls_only(policy)
            for each in policy["Queues" if "Queues" in policy else "Topics"]
        }
        assert secured == set(resources(template, kind))


@every_stack
def test_tables_can_be_taken_back_to_any_minute(app: Synthesis, stack: str) -> None:
    """Of the last five weeks: what a mistake wrote can be undone."""
    for name, table in resources(app.template(stack), "AWS::DynamoDB::Table").items():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, (
            name
        )


@every_stack
def test_every_queue_has_dead_letters_or_is_for_them(app: Synthesis, stack: str) -> None:
    """And alarms: of dead letters that there are any, of other queues that they are not taken."""
    template = app.template(stack)
    queues, dead = resources(template, "AWS::SQS::Queue"), set(_dead_letters(template))
    assert {name for name, queue in queues.items() if "RedrivePolicy" not in queue} == dead
    assert _watched(template, "ApproximateNumberOfMessagesVisible") == dead
    assert _watched(template, "ApproximateAgeOfOldestMessage") == set(queues) - dead
    assert all(queue["MessageRetentionPeriod"] == 14 * 86_400 for queue in queues.values())


def _dead_letters(template: Template) -> Iterator[str]:
    """The queues that something names as where it leaves what failed."""
    for value in walk(template["Resources"]):
        if isinstance(value, dict):
            kept = value.get("DeadLetterConfig") or {}
            redriven = value.get("RedrivePolicy", {}).get("deadLetterTargetArn")
            for target in (redriven, kept.get("Arn"), kept.get("TargetArn")):
                if target:
                    yield target["Fn::GetAtt"][0]


def _watched(template: Template, metric: str) -> set[str]:
    """The queues or functions of which an alarm watches a metric."""
    return {
        plain(dimension["Value"]).strip("<>").partition(".")[0]
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"]
        if alarm["MetricName"] == metric
    }


@every_stack
def test_every_function_that_fails_is_told(app: Synthesis, stack: str) -> None:
    """By an alarm with its name as dimension: no other function of the account sets it off."""
    template = app.template(stack)
    assert _watched(template, "Errors") == set(resources(template, "AWS::Lambda::Function"))


@every_stack
def test_no_call_is_lost_without_a_word(app: Synthesis, stack: str) -> None:
    """Neither one that does not reach its function nor one that its function fails on.

    Nor mail that a topic does not take; in the tools account alarms say the same once more.
    """
    template = app.template(stack)
    for target in _targets(template):
        assert stack in TOOLS_STACKS or "DeadLetterConfig" in target
        function = template["Resources"].get(plain(target["Arn"]).strip("<>").partition(".")[0])
        if function and function["Type"] == "AWS::Lambda::Function":
            kept = function["Properties"]["DeadLetterConfig"]["TargetArn"]
            assert target["DeadLetterConfig"]["Arn"] == kept
            assert "MaximumRetryAttempts" in target["RetryPolicy"]
            assert _sends(template, function["Properties"]["Role"], kept)


def _targets(template: Template) -> Iterator[dict[str, Any]]:
    """What rules and schedules call."""
    for rule in resources(template, "AWS::Events::Rule").values():
        yield from rule["Targets"]
    for schedule in resources(template, "AWS::Scheduler::Schedule").values():
        yield schedule["Target"]


def _sends(template: Template, role: dict[str, Any], queue: dict[str, Any]) -> bool:
    properties = template["Resources"][role["Fn::GetAtt"][0]]["Properties"]
    return any(
        "sqs:SendMessage" in listed(statement["Action"]) and queue in listed(statement["Resource"])
        for statement in _statements({"Resources": properties["Policies"]})
    )


@every_stack
def test_whatever_logs_has_a_group_that_ends(app: Synthesis, stack: str) -> None:
    """One of the stack, whose retention is stated: a service's own would be kept for ever."""
    template = app.template(stack)
    groups = set(resources(template, "AWS::Logs::LogGroup"))
    for name, function in resources(template, "AWS::Lambda::Function").items():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
    for name, project in resources(template, "AWS::CodeBuild::Project").items():
        assert project["LogsConfig"]["CloudWatchLogs"]["GroupName"]["Ref"] in groups, name
    for name, job in resources(template, "AWS::Batch::JobDefinition").items():
        options = job["ContainerProperties"]["LogConfiguration"]["Options"]
        assert options["awslogs-group"]["Ref"] in groups, name
    for name, stage in resources(template, "AWS::ApiGatewayV2::Stage").items():
        assert stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0] in groups, name


# --- judged by others -----------------------------------------------------------------------------


def test_cfn_lint_has_nothing_to_say(app: Synthesis, tmp_path: Path) -> None:
    """Neither errors nor warnings."""
    files = [tmp_path / f"{name.replace('/', '-')}.template.json" for name in app.stacks]
    for path, name in zip(files, app.stacks, strict=True):
        path.write_bytes(app.body(name))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), "--format", "parseable", *map(str, files)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout + done.stderr == ""


def test_cdk_nag_has_nothing_to_say() -> None:
    """What stands against its advice is accepted beside the construct, with the reason."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.templates.nag"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
