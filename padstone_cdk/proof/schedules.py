"""Functions that are called by the clock."""

import aws_cdk as cdk
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from padstone_cdk.proof.functions import ProofFunction
from padstone_cdk.proof.policies import allow, arn, for_this_account, role


def scheduled(
    scope: Construct,
    construct_id: str,
    description: str,
    *,
    expression: str,
    function: ProofFunction,
    attempts: int = 3,
    late: cdk.Duration | None = None,
) -> None:
    """Call a function as often as `expression` says, with a role that may do just that.

    A call that cannot be made is tried so many times more, for as long as it may be `late` (an
    hour), and then goes to where the function's undelivered calls are.
    """
    called, undelivered = function.function.function_arn, function.undelivered
    assert undelivered is not None
    caller = role(
        scope,
        "ScheduleRole",
        "scheduler.amazonaws.com",
        [
            allow([called], "lambda:InvokeFunction"),
            allow([undelivered.queue_arn], "sqs:SendMessage"),
        ],
        conditions=for_this_account(arn("scheduler", "schedule-group/default")),
    )
    kind = scheduler.CfnSchedule
    kind(
        scope,
        construct_id,
        description=description,
        schedule_expression=expression,
        schedule_expression_timezone="UTC",
        flexible_time_window=kind.FlexibleTimeWindowProperty(mode="OFF"),
        target=kind.TargetProperty(
            arn=called,
            role_arn=caller.role_arn,
            dead_letter_config=kind.DeadLetterConfigProperty(arn=undelivered.queue_arn),
            retry_policy=kind.RetryPolicyProperty(
                maximum_retry_attempts=attempts,
                maximum_event_age_in_seconds=(late or cdk.Duration.hours(1)).to_seconds(),
            ),
        ),
    )
