"""What AWS tells of a run: a build or a job has ended, an early verdict is there."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from padstone_cdk.proof.functions import ProofFunction

PREPARE_JOBS, PROOF_JOBS = "prepare-", "proofs-"
"""How the names of a run's jobs start: an event tells a job's name, and not its variables."""

_ATTEMPTS = 185  # in a day, as often as EventBridge tries at most


def call(
    scope: Construct,
    construct_id: str,
    description: str,
    *,
    pattern: events.EventPattern,
    function: ProofFunction,
) -> None:
    """Call a function with each event of a pattern; its `undelivered` takes what it never got."""
    assert function.undelivered is not None
    target = targets.LambdaFunction(
        function.function, dead_letter_queue=function.undelivered, retry_attempts=_ATTEMPTS
    )
    events.Rule(
        scope, construct_id, description=description, event_pattern=pattern, targets=[target]
    )


def builds(project: codebuild.CfnProject) -> events.EventPattern:
    """Builds of a project that have ended, however."""
    ended = ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"]
    detail = {"project-name": [project.ref], "build-status": ended}
    return _of("aws.codebuild", "CodeBuild Build State Change", detail)


def jobs(queue_arn: str, prefix: str) -> events.EventPattern:
    """Jobs of a queue that have ended and whose names start so; arrays and their children."""
    detail = {
        "jobQueue": [queue_arn],
        "status": ["SUCCEEDED", "FAILED"],
        "jobName": [{"prefix": prefix}],
    }
    return _of("aws.batch", "Batch Job State Change", detail)


def objects(bucket: str, pattern: str) -> events.EventPattern:
    """New objects of a bucket whose keys are like a pattern."""
    detail = {"bucket": {"name": [bucket]}, "object": {"key": [{"wildcard": pattern}]}}
    return _of("aws.s3", "Object Created", detail)


def _of(source: str, kind: str, detail: Mapping[str, Any]) -> events.EventPattern:
    return events.EventPattern(source=[source], detail_type=[kind], detail=dict(detail))
