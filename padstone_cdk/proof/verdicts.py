"""From a job's end, or its early verdict, to the verdict that counts; and to a status at GitHub."""

from constructs import Construct

from padstone_cdk.proof import ended
from padstone_cdk.proof.batch import ProofJobs
from padstone_cdk.proof.common import Common
from padstone_cdk.proof.functions import ProofFunction
from padstone_cdk.proof.needs import Need, joined
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.switches import Switches
from padstone_cdk.proof.telling import Telling

_EARLY, _REST = "outputs/*/verdict.json", "outputs/*/outcome.json"


class Verdicts(Construct):
    """`function` keeps verdicts and asks for statuses."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        common: Common,
        telling: Telling,
        jobs: ProofJobs,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Judge",
            code=common.code,
            name="verdict",
            description="Keeps the verdict of a proof's job, then asks for its status and report",
            needs=[to_judge(common, telling, jobs)],
            undelivered=dead_letters(self, "Undelivered"),
        )
        ended.call(
            self,
            "Ended",
            "Jobs of this account's proofs that have ended",
            pattern=ended.jobs(jobs.queue.ref, ended.PROOF_JOBS),
            function=self.function,
        )
        ended.call(
            self,
            "Early",
            "Verdicts of proofs whose jobs go on to their reports",
            pattern=ended.objects(common.results.name, _EARLY),
            function=self.function,
        )


def to_judge(common: Common, telling: Telling, jobs: ProofJobs) -> Need:
    """Keep verdicts and tell them: by what jobs left, and where no job can write."""
    return joined(
        [
            common.github.to_name(),
            common.runs.to_record(),
            telling.to_tell(),
            jobs.to_describe(),
            jobs.to_know_attempts(),
            common.results.to_read(_EARLY, _REST, "runs/*/plan.json"),
            common.results.to_write("runs/*/result.json", "cache/*.json"),
        ]
    )


class Statuses(Construct):
    """The only function that writes to GitHub; a commit's statuses one after another."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        common: Common,
        telling: Telling,
        switches: Switches,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Write",
            code=common.code,
            name="status",
            description="Writes commit statuses to GitHub, as patiently as it asks for",
            needs=[
                telling.statuses.to_name(),
                telling.statuses.to_take(),
                common.github.to_call(),
                switches.to_obey_updating(),
            ],
        )
        self.function.consume(telling.statuses, batch=1, at_once=2)
