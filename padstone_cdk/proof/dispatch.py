"""From an event that is kept to a run: the trust gate, and the start of the preparation."""

from collections.abc import Mapping

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.proof.functions import Code, ProofFunction, consuming
from padstone_cdk.proof.policies import allow, arn


class Dispatch(Construct):
    """The function that consumes the events."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        events: sqs.Queue,
        runs_table: str,
        project: codebuild.CfnProject,
        environment: Mapping[str, str],
    ) -> None:
        """`environment` holds whom it serves, and what it hands on to the preparation."""
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Dispatch",
            code=code,
            name="dispatch",
            description="Starts the run that an event asks for, if it may, once",
            seconds=30,
            environment={
                **environment,
                "RUNS_TABLE": runs_table,
                "PREPARE_PROJECT": project.ref,
            },
            statements=[
                consuming(events),
                allow(
                    [arn("dynamodb", f"table/{runs_table}")],
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ),
                allow([project.attr_arn], "codebuild:StartBuild"),
            ],
        )
        self.function.consume(events, batch=5)
