"""Who hears of it when a tool can no longer be built."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns

from padstone_cdk.pins import Pins
from padstone_cdk.stack import PadstoneStack
from padstone_cdk.tools.settings import NOTIFICATION_ADDRESS, TOOLS, pipeline_name


class AlarmsStack(PadstoneStack):
    """Each failed execution is told; a pipeline's alarm is red until it no longer fails."""

    def __init__(
        self, scope: cdk.Stage, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pins=pins,
            environment=environment,
            description="Padstone tools account: alarms of failed builds",
        )
        self._topic = sns.CfnTopic(self, "Failures", display_name="Padstone builds")
        self._subscribe()
        self._tell_of_executions()
        self._let_publish([self._alarm(tool) for tool in TOOLS])
        self.publish("FailuresTopicArn", self._topic.ref, "Topic on which failures are told")

    def _subscribe(self) -> None:
        address = self.text(NOTIFICATION_ADDRESS)
        named = cdk.CfnCondition(
            self,
            "AnyNotificationAddress",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(address, "")),
        )
        subscription = sns.CfnSubscription(
            self, "Mail", protocol="email", endpoint=address, topic_arn=self._topic.ref
        )
        subscription.cfn_options.condition = named

    def _tell_of_executions(self) -> None:
        message = "The build <pipeline> of Padstone failed: execution <execution>, region <region>."
        events.CfnRule(
            self,
            "FailedExecutions",
            description="Executions of Padstone's pipelines that failed",
            event_pattern={
                "source": ["aws.codepipeline"],
                "detail-type": ["CodePipeline Pipeline Execution State Change"],
                "detail": {
                    "state": ["FAILED"],
                    "pipeline": [self.text(pipeline_name(tool)) for tool in TOOLS],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Failures",
                    arn=self._topic.ref,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={
                            "pipeline": "$.detail.pipeline",
                            "execution": "$.detail.execution-id",
                            "region": "$.region",
                        },
                        input_template=f'"{message}"',
                    ),
                )
            ],
        )

    def _alarm(self, tool: str) -> cloudwatch.CfnAlarm:
        return cloudwatch.CfnAlarm(
            self,
            f"{tool.capitalize()}Builds",
            alarm_description=f"The pipeline that builds {tool} failed within the last hour",
            namespace="AWS/CodePipeline",
            metric_name="FailedPipelineExecutions",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(
                    name="PipelineName", value=self.text(pipeline_name(tool))
                )
            ],
            statistic="Sum",
            period=3600,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic.ref],
            ok_actions=[self._topic.ref],
        )

    def _let_publish(self, alarms: list[cloudwatch.CfnAlarm]) -> None:
        sns.CfnTopicPolicy(
            self,
            "FailuresPolicy",
            topics=[self._topic.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    self._deny_plain_http(),
                    # EventBridge supports no Condition in the policy of a topic.
                    self._allow("events"),
                    {**self._allow("cloudwatch"), "Condition": self._of(alarms)},
                ],
            },
        )

    def _deny_plain_http(self) -> dict[str, Any]:
        return {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": self._topic.ref,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }

    def _allow(self, service: str) -> dict[str, Any]:
        return {
            "Sid": f"Allow{service.capitalize()}",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self._topic.ref,
        }

    def _of(self, alarms: list[cloudwatch.CfnAlarm]) -> dict[str, Any]:
        return {
            "StringEquals": {"aws:SourceAccount": self.account},
            "ArnEquals": {"aws:SourceArn": [alarm.attr_arn for alarm in alarms]},
        }
