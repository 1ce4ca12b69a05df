"""The function behind ended builds and prepared runs: it submits a run's next jobs, once.

Batch knows no token that makes a submission idempotent. So who submits first takes a lease in the
run's record, and names each job after its run and part: whoever takes the lease over after a crash
looks for these names before it submits anything.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache as cached
from typing import Any

from proof_ci import aws
from proof_ci.config import Name, Settings
from proof_ci.ending import Endings
from proof_ci.log import Log
from proof_ci.model.budget import Group, grouped, warnings
from proof_ci.model.builds import EndedBuild, build_of_event
from proof_ci.model.found import LARGEST, Found, FoundError
from proof_ci.model.jobs import (
    PREPARE,
    EndedJob,
    JobRequest,
    ended_job,
    prepare_name,
    prepare_request,
    prove_prefix,
    prove_request,
)
from proof_ci.model.outputs import Attempt
from proof_ci.model.plan import Plan
from proof_ci.model.reading import mapping
from proof_ci.model.run import MOST_PENDING, End, Job, Proving, Recorded, Run, RunRecord, State
from proof_ci.model.verdicts import ProofResult, Verdict, judge
from proof_ci.ports import BusyError, Jobs, Lease, Results, Runs, TooLargeError, UnavailableError
from proof_ci.trace import traced

NO_PROOFS = "No proofs were found"
_ENDED_MEANWHILE = "the run has ended"
_MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Launch:
    """What the function needs.

    Jobs of the smallest class have `memory_mib`; `role_id` is that of the jobs' role.
    """

    endings: Endings
    results: Results
    repository: str
    memory_mib: int
    seconds: int
    role_id: str
    log: Log = field(default_factory=Log)

    @property
    def runs(self) -> Runs:
        """The record of runs."""
        return self.endings.runs

    @property
    def jobs(self) -> Jobs:
        """The account's Batch queue."""
        return self.endings.jobs

    def handle(self, event: Mapping[str, Any]) -> None:
        """Take an event of CodeBuild or Batch; one that ends nothing of a run is let go."""
        detail = event.get("detail")
        if event.get("detail-type") == "CodeBuild Build State Change":
            build = build_of_event(detail)
            if build is not None:
                self.built(build)
        else:
            job = ended_job(detail)
            if job is not None and job.task == PREPARE:
                self.prepared(job)

    def built(self, build: EndedBuild) -> None:
        """Go on where a run's source has been fetched; end the run where it could not be."""
        with traced("launch", build.run_id):
            record = self._record_of(build.run_id)
            if record is not None and record.state is State.STARTING:
                # Whoever started the build came to no end after that.
                self.runs.fetching(build.run_id, build.build_id)
                record = self.runs.get(build.run_id)
            if record is None or record.state is not State.FETCHING:
                self._skip(build.run_id, "the run is past its fetching")
            elif record.build_id != build.build_id:
                self._skip(build.run_id, "the build is not the run's")
            elif build.succeeded:
                self._prepare(record)
            else:
                self.endings.end(record, End.ERROR, self._why(build))

    def _why(self, build: EndedBuild) -> str:
        """The build's own last word if CodeBuild still has it, else the event's."""
        try:
            told = self.endings.builds.ended(build.build_id)
        except UnavailableError:
            told = None
        return (told or build).reason

    def _prepare(self, record: RunRecord) -> None:
        run = record.run
        known = self._leased(record, (), prepare_name(run.run_id))
        request = prepare_request(run, self.memory_mib)
        job_id = self._submit(request, known)
        if self.runs.preparing(run.run_id, job_id):
            self.log.info("preparing", correlation_id=run.run_id, job_id=job_id)
        else:
            self._too_late(run, (job_id,))

    def prepared(self, job: EndedJob) -> None:
        """Run the proofs that a run's preparation found."""
        with traced("launch", job.run_id):
            record = self._record_of(job.run_id)
            if record is None or record.state not in (State.FETCHING, State.PREPARING):
                self._skip(job.run_id, "the run is past its preparation")
            elif record.state is State.FETCHING:
                raise BusyError("the run's preparation is not recorded yet")
            elif record.prepare_job != job.job_id:
                self._skip(job.run_id, "the job is not the run's")
            else:
                self.runs.logged(job.run_id, job.job_id, job.log_stream)
                self._go_on(record, job)

    def _go_on(self, record: RunRecord, job: EndedJob) -> None:
        found = self._found(job)
        if isinstance(found, str):
            self.endings.end(record, End.ERROR, found)
        elif not found.proofs and not found.first:
            self.endings.end(record, End.FAILURE, NO_PROOFS)
        else:
            self._prove(record, job, found)

    def _found(self, job: EndedJob) -> Found | str:
        """What the job found, or why that is not to be had."""
        verdict = judge(job.ending)
        if verdict is not Verdict.SUCCESS:
            why = job.ending.container_reason or job.ending.status_reason
            return f"The source could not be prepared: {verdict}{': ' if why else ''}{why}"
        try:
            text = self.results.get(self._last(job).key("proofs.json"), LARGEST)
            return (
                "The preparation left no list of proofs" if text is None else Found.from_json(text)
            )
        except (TooLargeError, FoundError):
            return "The preparation left a list of proofs that cannot be read"

    def _last(self, job: EndedJob) -> Attempt:
        return job.attempts(self.role_id)[-1]

    def _prove(self, record: RunRecord, job: EndedJob, found: Found) -> None:
        run, groups = record.run, grouped(found.proofs, self.memory_mib)
        plan = Plan.of(groups, warnings(found.proofs, self.memory_mib, self.seconds))
        self.results.put(run.plan_key, plan.to_json(run))
        names = sorted(wanted.name for wanted in found.proofs)
        pending = names if len(names) <= MOST_PENDING else []
        known = self._leased(record, pending, prove_prefix(run.run_id))
        self._tell(run, pending, len(names))
        broken = self._broken(run, job, found.broken)
        if not groups:
            self._end_without_proofs(record, found)
            return
        source = self._last(job).key("prepared.tar.gz") if found.prepared else run.source_key
        jobs = tuple(
            self._job(run, number, group, source, known) for number, group in enumerate(groups)
        )
        proving = Proving(
            jobs,
            total=len(names) + broken,
            remaining=len(names),
            seconds=self.seconds,
            problems=found.problems[:_MOST_PROBLEMS],
        )
        self._proving(run, proving)

    def _proving(self, run: Run, proving: Proving) -> None:
        if not self.runs.proving(run.run_id, proving):
            self._too_late(run, tuple(job.job_id for job in proving.jobs))
            return
        self.log.info(
            "proving", correlation_id=run.run_id, proofs=proving.total, jobs=len(proving.jobs)
        )
        record = self.runs.get(run.run_id)
        if record is not None:
            self.endings.telling.page(record)

    def _tell(self, run: Run, pending: list[str], count: int) -> None:
        if count:
            said = "1 proof is being run" if count == 1 else f"{count} proofs are being run"
            self.endings.telling.pending(run, pending, said)

    def _broken(self, run: Run, job: EndedJob, broken: Mapping[str, str]) -> int:
        """Record the proofs that cannot be run; how many they are."""
        for name, why in broken.items():
            result = ProofResult(
                run.run_id,
                run.repository,
                run.sha,
                name,
                Verdict.ERROR,
                job.job_id,
                why,
                finished_at=int(self.endings.clock()),
            )
            if self.runs.record(result) is not Recorded.ENDED:
                self.endings.telling.result(run, result)
        return len(broken)

    def _end_without_proofs(self, record: RunRecord, found: Found) -> None:
        problems = found.problems[:_MOST_PROBLEMS]
        why = f"No proof can be run: {found.first}"
        self.endings.end(record, End.ERROR, why, problems=problems)

    def _job(
        self, run: Run, number: int, group: Group, source: str, known: Mapping[str, str]
    ) -> Job:
        size = len(group.proofs)
        request = prove_request(run, number, size, source_key=source, memory_mib=group.memory_mib)
        return Job(self._submit(request, known), number, size)

    def _submit(self, request: JobRequest, known: Mapping[str, str]) -> str:
        return known.get(request.name) or self.jobs.submit(request)

    def _leased(
        self, record: RunRecord, pending: list[str] | tuple[()], prefix: str
    ) -> dict[str, str]:
        """Take the lease; the jobs, by name, that somebody submitted who had it before."""
        run_id = record.run.run_id
        lease = self.runs.lease(run_id, record.state, pending)
        if lease is Lease.HELD:
            raise BusyError("somebody else submits the run's jobs")
        return self.jobs.named(prefix) if lease is Lease.AGAIN else {}

    def _too_late(self, run: Run, job_ids: tuple[str, ...]) -> None:
        """The run ended while its jobs were being submitted; the sweep settles it."""
        for job_id in job_ids:
            self.jobs.stop(job_id, _ENDED_MEANWHILE)
        record = self.runs.get(run.run_id)
        if record is not None and record.state is State.ENDED:
            self.endings.retell(record)
        self._skip(run.run_id, _ENDED_MEANWHILE)

    def _record_of(self, run_id: str) -> RunRecord | None:
        record = self.runs.get(run_id)
        if record is None or record.run.repository.lower() != self.repository.lower():
            self._skip(run_id, "no run of this repository")
            return None
        return record

    def _skip(self, run_id: str, why: str) -> None:
        self.log.info(f"nothing to do: {why}", correlation_id=run_id)


@cached
def _launch() -> Launch:
    settings = Settings(os.environ)
    log = Log().bind(function="launch", snapshot_id=settings[Name.SNAPSHOT_ID])
    return launch_of(settings, log)


def launch_of(settings: Settings, log: Log) -> Launch:
    """The function in an environment."""
    return Launch(
        endings=aws.endings(settings, log, settings[Name.JOB_DEFINITION]),
        results=aws.ResultsBucket(settings[Name.RESULTS_BUCKET]),
        repository=settings[Name.GITHUB_REPOSITORY],
        memory_mib=settings.number(Name.JOB_MEMORY_MIB),
        seconds=settings.number(Name.JOB_SECONDS),
        role_id=settings[Name.JOB_ROLE_ID],
        log=log,
    )


def handler(event: dict[str, Any], context: object) -> None:
    """Lambda's way in; what it raises makes Lambda try the event again."""
    _launch().handle(mapping(event))
