"""From an event that is kept to a run: the trust gate, and the start of the preparation."""

from constructs import Construct

from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.common import Common
from padstone_cdk.proof.functions import Limits, ProofFunction
from padstone_cdk.proof.preparation import Preparation
from padstone_cdk.proof.queues import WorkQueue
from padstone_cdk.proof.telling import Telling

_AT_ONCE = 5  # GitHub is asked about each event, and has a limit; a flood waits in the queue


class Dispatch(Construct):
    """`function` consumes the events."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        common: Common,
        telling: Telling,
        events: WorkQueue,
        preparation: Preparation,
        jobs: ProofJobs,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Dispatch",
            code=common.code,
            name="dispatch",
            description="Starts the run that an event asks for, if it may, once",
            limits=Limits(seconds=60),
            needs=[
                events.to_name(),
                events.to_take(),
                telling.to_tell(),
                common.runs.to_record(),
                common.results.to_name(),
                preparation.to_start(),
                jobs.to_stop(),
                common.github.to_judge(),
            ],
        )
        self.function.consume(events, batch=5, at_once=_AT_ONCE)
