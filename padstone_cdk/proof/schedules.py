"""Functions that are called by the clock."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
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
    undelivered = function.undelivered
    assert undelivered is not None
    scheduler.CfnSchedule(
        scope,
        construct_id,
        description=description,
        schedule_expression=expression,
        schedule_expression_timezone="UTC",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function.function_arn,
            role_arn=_caller(scope, function, undelivered).role_arn,
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                arn=undelivered.queue_arn
            ),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=attempts,
                maximum_event_age_in_seconds=(late or cdk.Duration.hours(1)).to_seconds(),
            ),
        ),
    )


def _caller(scope: Construct, function: ProofFunction, undelivered: sqs.Queue) -> iam.Role:
    return role(
        scope,
        "ScheduleRole",
        "scheduler.amazonaws.com",
        [
            allow([function.function.function_arn], "lambda:InvokeFunction"),
            allow([undelivered.queue_arn], "sqs:SendMessage"),
        ],
        conditions=for_this_account(arn("scheduler", "schedule-group/default")),
    )
