"""What watches over the account: alarms and failures go to people, numbers to a dashboard."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.proof.functions import ProofFunction
from padstone_cdk.proof.policies import arn
from padstone_cdk.proof.queues import dead_letters

_FIVE_MINUTES = cdk.Duration.minutes(5)
_HOUR, _DAY = cdk.Duration.hours(1), cdk.Duration.days(1)
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_ANSWERS = [6, 10, 12, 124]  # how a proof's runner ends that has said its verdict: no success
_MEANT = "the run has ended"  # so start the words with which jobs of an ended run are stopped


class Watch(Construct):
    """Tells two addresses, by e-mail, of what it was asked to watch.

    `undelivered` holds events that the topic did not take.
    """

    def __init__(self, scope: Construct, construct_id: str, *, people: str, tickets: str) -> None:
        """`people` and `tickets` are addresses; told once if they are the same."""
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        self.undelivered = dead_letters(self, "Undelivered")
        alarms = {
            "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
            "ArnLike": {"aws:SourceArn": arn("cloudwatch", "alarm:*")},
        }
        self._may_publish("cloudwatch.amazonaws.com", "AlarmsOfThisAccount", alarms)
        # EventBridge supports no Condition in the policy of a topic.
        self._may_publish("events.amazonaws.com", "Events", None)
        self._subscribe("People", people)
        different = cdk.CfnCondition(
            self,
            "TicketsElsewhere",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(people, tickets)),
        )
        self._subscribe("Tickets", tickets).cfn_options.condition = different

    def _may_publish(self, service: str, sid: str, conditions: Mapping[str, Any] | None) -> None:
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal(service)],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=conditions,
            )
        )

    def _subscribe(self, construct_id: str, address: str) -> sns.CfnSubscription:
        return sns.CfnSubscription(
            self,
            construct_id,
            topic_arn=self.topic.topic_arn,
            protocol="email",
            endpoint=address,
        )

    def functions(self, functions: Sequence[ProofFunction]) -> None:
        """Tell of every function that ends with an error."""
        for function in functions:
            self._alarm(
                f"Errors{function.name.title()}",
                f"The function {function.name} fails; its logs say why",
                function.function.metric_errors(period=_FIVE_MINUTES, statistic="Sum"),
            )

    def dead_letters(self, queues: Mapping[str, sqs.Queue]) -> None:
        """Tell of every message that came to rest in a dead-letter queue."""
        for name, queue in queues.items():
            self._alarm(
                f"DeadLetters{name}",
                f"Work is lost unless it is taken out of the dead-letter queue of {name}",
                queue.metric_approximate_number_of_messages_visible(
                    period=_FIVE_MINUTES, statistic="Maximum"
                ),
            )

    def waiting(self, queues: Mapping[str, sqs.Queue]) -> None:
        """Tell of work that nobody has taken up for an hour."""
        for name, queue in queues.items():
            self._alarm(
                f"Waiting{name}",
                f"The queue of {name} is not worked off",
                queue.metric_approximate_age_of_oldest_message(
                    period=_FIVE_MINUTES, statistic="Maximum"
                ),
                threshold=3600,
            )

    def silence(self, judge: ProofFunction, sweep: ProofFunction) -> None:
        """Tell if no proof has ended for a day, or nobody has looked for lost ones for an hour."""
        self._silence(
            "Silence", "No proof has ended for a day, not even the canary's", judge, period=_DAY
        )
        self._silence(
            "NoSweep",
            "Nobody has looked for lost runs and deliveries for an hour",
            sweep,
            period=_HOUR,
        )

    def _silence(
        self, construct_id: str, description: str, function: ProofFunction, *, period: cdk.Duration
    ) -> None:
        self._alarm(
            construct_id,
            description,
            function.function.metric_invocations(period=period, statistic="Sum"),
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def jobs(self, queue_arn: str) -> None:
        """Tell of every job that ended without an answer, for want of a machine or by an error.

        Of an array its children are told, and not the array itself; what was stopped because its
        run had ended is meant to be.
        """
        self._rule(
            "FailedJobs",
            description="Jobs that failed without an answer",
            pattern={
                "source": ["aws.batch"],
                "detail-type": ["Batch Job State Change"],
                "detail": {
                    "jobQueue": [queue_arn],
                    "status": ["FAILED"],
                    "statusReason": [{"anything-but": {"prefix": _MEANT}}, {"exists": False}],
                    "container": {"exitCode": [{"anything-but": _ANSWERS}, {"exists": False}]},
                    "$or": [
                        {"arrayProperties": {"index": [{"exists": True}]}},
                        {"arrayProperties": {"size": [{"exists": False}]}},
                    ],
                },
            },
            message="A proof got no answer: job <name>, <id>",
            name="$.detail.jobName",
            id="$.detail.jobId",
        )

    def preparation(self, project: str) -> None:
        """Tell of every run whose source could not be prepared."""
        self._rule(
            "FailedPreparations",
            description="Runs whose source could not be prepared",
            pattern={
                "source": ["aws.codebuild"],
                "detail-type": ["CodeBuild Build State Change"],
                "detail": {
                    "project-name": [project],
                    "build-status": ["FAILED", "FAULT", "TIMED_OUT"],  # who stops one, means to
                },
            },
            message="A run has not been prepared: build <build>",
            build="$.detail.build-id",
        )

    def _rule(
        self,
        construct_id: str,
        *,
        description: str,
        pattern: Mapping[str, object],
        message: str,
        **paths: str,
    ) -> None:
        target = events.CfnRule.TargetProperty(
            id="People",
            arn=self.topic.topic_arn,
            input_transformer=events.CfnRule.InputTransformerProperty(
                input_paths_map=paths, input_template=f'"{message}"'
            ),
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                arn=self.undelivered.queue_arn
            ),
        )
        rule = events.CfnRule(
            self,
            construct_id,
            description=description,
            event_pattern=pattern,
            targets=[target],
        )
        self._may_keep(construct_id, rule)

    def _may_keep(self, sid: str, rule: events.CfnRule) -> None:
        self.undelivered.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.undelivered.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )

    def _alarm(
        self,
        construct_id: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        comparison: cloudwatch.ComparisonOperator = _AT_LEAST,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        threshold: float = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=comparison,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
