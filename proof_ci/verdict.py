"""The function behind ended jobs and published outcomes: it judges proofs, and ends their runs.

A published outcome becomes a provisional result at once. The job's end makes it final, and the last
final result of a run makes the run's verdict.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache as cached
from time import sleep, time
from typing import Any

from proof_ci import aws
from proof_ci.config import Name, Settings
from proof_ci.log import Log
from proof_ci.model.cache import cache_key, entry
from proof_ci.model.jobs import PROVE, EndedJob, ended_job, placed
from proof_ci.model.judging import (
    LONGEST_REASON,
    Conclusion,
    Published,
    Unreadable,
    completed,
    conclude,
    fraction,
    whole,
)
from proof_ci.model.outcome import Outcome, OutcomeError
from proof_ci.model.outputs import Attempt, attempts, written
from proof_ci.model.plan import LARGEST as LARGEST_PLAN
from proof_ci.model.plan import Plan, PlanError
from proof_ci.model.reading import mapping, text
from proof_ci.model.run import Job, Recorded, RunRecord, State, overall
from proof_ci.model.verdicts import ProofResult, Verdict
from proof_ci.ports import BusyError, Results, Runs, Tasks, TooLargeError, UnavailableError
from proof_ci.telling import Telling, tally
from proof_ci.trace import traced

LARGEST_OUTCOME = 1024 * 1024
LOOKS, PAUSE = 5, 2.0
"""So often, and so many seconds apart, a run is looked at whose job has outrun its record."""
_VERDICT, _REST = "verdict.json", "outcome.json"


@dataclass(frozen=True)
class Place:
    """A run's job or child of an array, and the proof that the plan has there."""

    record: RunRecord
    job_id: str
    proof: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdicts:
    """What the function needs. `role_id` is that of the jobs' role."""

    telling: Telling
    results: Results
    tasks: Tasks
    repository: str
    role_id: str
    clock: Callable[[], float] = time
    log: Log = field(default_factory=Log)
    sleep: Callable[[float], None] = sleep

    @property
    def runs(self) -> Runs:
        """The record of runs."""
        return self.telling.runs

    def handle(self, event: Mapping[str, Any]) -> None:
        """Take an event of S3 or Batch; one that tells nothing of a proof is let go."""
        detail = mapping(event.get("detail"))
        if event.get("source") == "aws.s3":
            self.published(text(mapping(detail.get("object")), "key"))
            return
        job = ended_job(detail)
        if job is not None and job.task == PROVE:
            self.ended(job)

    def published(self, key: str) -> None:
        """Keep and tell an outcome that stands before its job has ended.

        If the run's jobs are not recorded by then, the job's end is to tell it.
        """
        attempt = written(key, _VERDICT)
        if attempt is None:
            return
        with traced("verdict", attempt.run_id), suppress(BusyError):
            place = self._place(attempt.run_id, attempt.job_id)
            if place is not None and self._is_of_its_job(attempt):
                self._anticipate(place, attempt)

    def _is_of_its_job(self, attempt: Attempt) -> bool:
        """Whether Batch has given the job to whoever says to be its attempt."""
        tasks = self.tasks.of_job(attempt.job_id)
        return attempt in attempts(attempt.run_id, attempt.job_id, tasks, self.role_id)

    def _anticipate(self, place: Place, attempt: Attempt) -> None:
        outcome = self._published(attempt)
        if isinstance(outcome, Outcome) and _is_early(outcome, place):
            early = Conclusion(outcome.verdict, outcome.reason[:LONGEST_REASON], outcome)
            self._keep(place, self._result(place, early, attempt))

    def ended(self, job: EndedJob) -> None:
        """Make a proof's result final, and end the run if it was the last one."""
        with traced("verdict", job.run_id):
            place = self._place(job.run_id, job.job_id)
            if place is not None:
                self._judge(place, job)
                self.finish(job.run_id)

    def _judge(self, place: Place, job: EndedJob) -> None:
        made = job.attempts(self.role_id)
        conclusion = conclude(place.proof, job.ending, list(map(self._told, made)))
        run = place.record.run
        result = self._result(place, conclusion, made[-1], job)
        kept = None if conclusion.outcome is None else entry(run, conclusion.outcome)
        if kept is not None and conclusion.outcome is not None:
            self.results.put(cache_key(conclusion.outcome.identity), kept)
        self.results.put(result.key, result.to_json())
        self._keep(place, result)

    def _keep(self, place: Place, result: ProofResult) -> None:
        """Record a result, then tell it; what was recorded and not told is told now."""
        run = place.record.run
        recorded = self.runs.record(result)
        if recorded is Recorded.NEW:
            self.telling.result(run, result)
            self.log.info(
                "verdict",
                correlation_id=run.run_id,
                proof=result.proof,
                verdict=result.verdict,
                provisional=result.provisional,
            )
        elif recorded is Recorded.SAME:
            self.tell_left(place.record, place.proof)

    def tell_left(self, record: RunRecord, proof: str = "") -> None:
        """Tell a proof's final result, or every one, that was kept and may not have been told."""
        for result in self.runs.untold(record.run):
            if proof in ("", result.proof) and not result.provisional:
                self.telling.result(record.run, result)

    def finish(self, run_id: str) -> None:
        """End a run whose results are all final."""
        record = self.runs.get(run_id)
        if record is None or record.state is not State.PROVING or record.remaining:
            return
        results = self.runs.results(record.run)
        problems = (*record.problems, *_missing(record, results))
        verdict = overall((result.verdict for result in results), len(problems))
        if not self.runs.end(run_id, verdict, tally(results, problems)):
            return
        ended = self.runs.get(run_id)
        if ended is not None:
            self.telling.end(ended)
            self.runs.settled(run_id)
            self.log.info("ended", correlation_id=run_id, verdict=ended.verdict)

    def _place(self, run_id: str, job_id: str) -> Place | None:
        """What the plan has at a job's place; None if the run has ended or never had the job."""
        record = self._recorded(run_id)
        if record is None or record.run.repository.lower() != self.repository.lower():
            self._skip(run_id, "no run of this repository")
            return None
        if record.state is State.ENDED:
            self._skip(run_id, "the run has ended")
            return None
        found = placed(record.jobs, job_id)
        if found is None:
            self._skip(run_id, "the job is not the run's")
            return None
        return self._planned(record, job_id, *found)

    def _recorded(self, run_id: str) -> RunRecord | None:
        """The run, once its jobs are recorded: one can be faster than who submits them."""
        for look in range(LOOKS):
            self.sleep(PAUSE if look else 0.0)
            record = self.runs.get(run_id)
            if record is None or record.state in (State.PROVING, State.ENDED):
                return record
        self._skip(run_id, "the run's jobs are not recorded yet")
        raise BusyError("the run's jobs are not recorded yet")

    def _planned(self, record: RunRecord, job_id: str, job: Job, index: int) -> Place:
        content = self.results.get(record.run.plan_key, LARGEST_PLAN)
        if content is None:
            raise UnavailableError("the run's plan is not there")
        try:
            plan = Plan.from_json(record.run, content)
            proof = plan.proof(job.group, index)
        except PlanError as error:
            raise UnavailableError(str(error)) from error
        warning = plan.warnings.get(proof)
        return Place(record, job_id, proof, () if warning is None else (warning,))

    def _told(self, attempt: Attempt) -> Published:
        return completed(self._published(attempt), self._published(attempt, _REST))

    def _published(self, attempt: Attempt, name: str = _VERDICT) -> Published:
        try:
            content = self.results.get(attempt.key(name), LARGEST_OUTCOME)
            return None if content is None else Outcome.from_json(content)
        except (TooLargeError, OutcomeError):
            return Unreadable()

    def _result(
        self,
        place: Place,
        conclusion: Conclusion,
        attempt: Attempt,
        job: EndedJob | None = None,
    ) -> ProofResult:
        """The result, provisional while the job has not ended."""
        run = place.record.run
        return ProofResult(
            run_id=run.run_id,
            repository=run.repository,
            sha=run.sha,
            proof=place.proof,
            verdict=conclusion.verdict,
            job_id=place.job_id,
            reason=conclusion.reason,
            attempt=attempt.number,
            warnings=(*place.warnings, *conclusion.warnings),
            finished_at=int(self.clock()),
            provisional=job is None,
            **({} if job is None else _ended(job, attempt)),
            **({} if conclusion.outcome is None else _told(conclusion.outcome)),
        )

    def _skip(self, run_id: str, why: str) -> None:
        self.log.info(f"nothing to do: {why}", correlation_id=run_id)


def _missing(record: RunRecord, results: Sequence[ProofResult]) -> tuple[str, ...]:
    """What a run without a result for each of its proofs has to say: it is never green."""
    final = sum(not result.provisional for result in results)
    return () if final == record.total else (f"{final} results of {record.total} proofs",)


def _ended(job: EndedJob, attempt: Attempt) -> dict[str, Any]:
    output = attempt.key("output.tar.gz")
    return {"seconds": job.seconds, "log_stream": job.log_stream, "output_key": output}


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "peak_memory": max((whole(phase.peak_memory) for phase in outcome.phases), default=0),
        "refuted": fraction(outcome.refuted),
        "reached": fraction(outcome.reached),
        "unchanged_since": outcome.unchanged_since,
    }


def _is_early(outcome: Outcome, place: Place) -> bool:
    """Whether it is a verdict on the place's proof; that a job was lost is for its end to tell."""
    return outcome.proof == place.proof and outcome.verdict is not Verdict.LOST


@cached
def _verdicts() -> Verdicts:
    settings = Settings(os.environ)
    return verdicts_of(
        settings, Log().bind(function="verdict", snapshot_id=settings[Name.SNAPSHOT_ID])
    )


def verdicts_of(settings: Settings, log: Log) -> Verdicts:
    """The function in an environment."""
    return Verdicts(
        telling=aws.telling(settings, log),
        results=aws.ResultsBucket(settings[Name.RESULTS_BUCKET]),
        tasks=aws.BatchTasks(),
        repository=settings[Name.GITHUB_REPOSITORY],
        role_id=settings[Name.JOB_ROLE_ID],
        log=log,
    )


def handler(event: dict[str, Any], context: object) -> None:
    """Lambda's way in; what it raises makes Lambda try the event again."""
    _verdicts().handle(mapping(event))
