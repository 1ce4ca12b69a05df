"""Once a day the canary does what GitHub does; what does not come of it is missed."""

import aws_cdk as cdk
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from padstone_cdk.proof.functions import Code, ProofFunction
from padstone_cdk.proof.policies import allow, arn, for_this_account, role
from padstone_cdk.proof.queues import dead_letters

_DAILY = "cron(0 13 * * ? *)"


class Canary(Construct):
    """`function` posts a signed push of the branch's head; `undelivered` holds lost calls of it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        webhook_secret: str,
        token: str,
        url: str,
        repository: str,
        branch: str,
        github_api: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Sing",
            code=code,
            name="canary",
            description="Posts a signed push of the branch's head, as GitHub would",
            environment={
                "WEBHOOK_SECRET_ARN": webhook_secret,
                "GITHUB_TOKEN_SECRET_ARN": token,
                "WEBHOOK_URL": url,
                "GITHUB_REPOSITORY": repository,
                "GITHUB_BRANCH": branch,
                "GITHUB_API_URL": github_api,
            },
            statements=[allow([webhook_secret, token], "secretsmanager:GetSecretValue")],
        )
        self.undelivered = dead_letters(self, "Undelivered")
        self._schedule()

    def _schedule(self) -> None:
        function = self.function.function.function_arn
        caller = role(
            self,
            "ScheduleRole",
            "scheduler.amazonaws.com",
            [
                allow([function], "lambda:InvokeFunction"),
                allow([self.undelivered.queue_arn], "sqs:SendMessage"),
            ],
            conditions=for_this_account(arn("scheduler", "schedule-group/default")),
        )
        scheduler.CfnSchedule(
            self,
            "Daily",
            description="Lets the canary sing",
            schedule_expression=_DAILY,
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function,
                role_arn=caller.role_arn,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=self.undelivered.queue_arn
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=3,
                    maximum_event_age_in_seconds=cdk.Duration.hours(1).to_seconds(),
                ),
            ),
        )
