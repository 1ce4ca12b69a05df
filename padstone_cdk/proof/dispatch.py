"""From an event that is kept to a run: the trust gate, and the start of the preparation."""

from collections.abc import Mapping

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from padstone_cdk.proof.functions import Code, ProofFunction, consuming
from padstone_cdk.proof.policies import (
    JOBS,
    RECORDING,
    allow,
    named_by_runs,
    of_runs,
    stopping_jobs,
)
from padstone_cdk.proof.telling import Telling

_AT_ONCE = 5  # GitHub is asked about each event, and has a limit; a flood waits in the queue


class Dispatch(Construct):
    """The function that consumes the events."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        events: sqs.Queue,
        telling: Telling,
        runs_table: str,
        token: str,
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
            seconds=60,
            environment={
                **environment,
                **telling.environment,
                "RUNS_TABLE": runs_table,
                "PREPARE_PROJECT": project.ref,
                "EVENTS_QUEUE_URL": events.queue_url,
                "GITHUB_TOKEN_SECRET_ARN": token,
            },
            statements=[
                consuming(events),
                telling.statement,
                of_runs(runs_table, *RECORDING),
                allow([project.attr_arn], "codebuild:StartBuild", "codebuild:StopBuild"),
                allow(["*"], "batch:ListJobs"),
                stopping_jobs(),
                allow([token], "secretsmanager:GetSecretValue"),
            ],
        )
        named_by_runs(self.function.role, JOBS)
        self.function.consume(events, batch=5, at_once=_AT_ONCE)
