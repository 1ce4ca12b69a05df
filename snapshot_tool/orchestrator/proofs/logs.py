"""The logs of one run, from all parts of the flow, in time order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from snapshot_tool.errors import NotFoundError
from snapshot_tool.model import proof_log
from snapshot_tool.model.proof_account import PREPARATION, PREPARE, PROVE
from snapshot_tool.model.proof_log import LogLine
from snapshot_tool.model.run import RunRecord, RunReport
from snapshot_tool.orchestrator.proofs.there import There
from snapshot_tool.ports import LogEvent

_BEFORE = timedelta(minutes=2)  # the webhook speaks before the run is recorded
_UNKNOWN = timedelta(hours=1)  # how far back a request is looked for that was never recorded
_OVERLAP = timedelta(seconds=30)  # logs come late
_KEPT = timedelta(days=365)
_PAUSE = 2.0
_QUIET = 10.0  # seconds after the end of a run in which nothing came
_STREAMS = 100  # streams that one call reads


@dataclass(frozen=True, kw_only=True)
class Source:
    """One log group, or some of its streams; `proofs` says which stream belongs to which proof."""

    part: str
    group: str
    streams: tuple[str, ...] = ()
    pattern: str = ""
    proofs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogReader:
    """Reads the logs of runs of one account."""

    there: There

    def lines(
        self, run_id: str, *, proof: str = "", parts: Sequence[str] = ()
    ) -> Iterator[LogLine]:
        """Yield what there is, in time order; of one proof, if it is named.

        A run that is not in the table is looked for in the functions' logs of the last hour.
        """
        report = self.there.runs.report(run_id)
        sources = self._sources(run_id, report, proof, parts)
        for _, line in self._merged(sources, run_id, self._since(report), proof):
            yield line

    def follow(
        self, run_id: str, *, proof: str = "", parts: Sequence[str] = ()
    ) -> Iterator[LogLine]:
        """Yield what there is and what comes, until the run has ended and its parts are quiet."""
        clock, seen = self.there.clock, dict[tuple[str, str], datetime]()
        since, heard = None, clock.monotonic()
        while True:
            report = self.there.runs.report(run_id)
            since = since or self._since(report)
            sources = self._sources(run_id, report, proof, parts)
            newest = since
            for key, line in self._merged(sources, run_id, since, proof):
                newest = max(newest, line.at)
                if key not in seen:
                    seen[key], heard = line.at, clock.monotonic()
                    yield line
            over = report is None or report.run.ended
            if over and clock.monotonic() - heard >= _QUIET:
                return
            since = max(since, newest - _OVERLAP)
            seen = {key: at for key, at in seen.items() if at >= since}
            clock.sleep(_PAUSE)

    def _since(self, report: RunReport | None) -> datetime:
        begun = report.run.created_at if report else None
        return begun - _BEFORE if begun else self.there.clock.now() - _UNKNOWN

    def _merged(
        self, sources: Sequence[Source], run_id: str, since: datetime, proof: str
    ) -> Iterator[tuple[tuple[str, str], LogLine]]:
        read = [self._read(source, run_id, since, proof) for source in sources]
        return heapq.merge(*read, key=lambda found: found[1].at)

    def _read(
        self, source: Source, run_id: str, since: datetime, proof: str
    ) -> Iterator[tuple[tuple[str, str], LogLine]]:
        found = self.there.doors.logs.events(
            source.group, since=since, streams=source.streams, pattern=source.pattern
        )
        for event in found:
            if source.pattern and not proof_log.about(event.text, run_id):
                continue
            line = _line(source, event)
            if proof in ("", line.proof) or source.part in (PREPARATION, PREPARE):
                yield (f"{source.group} {event.stream}", event.event_id), line

    def _sources(
        self, run_id: str, report: RunReport | None, proof: str, parts: Sequence[str]
    ) -> Sequence[Source]:
        pattern = f'{{ $.correlation_id = "{run_id}" }}'
        found = [
            Source(part=part, group=group, pattern=pattern)
            for part, group in self.there.facts.functions.items()
        ]
        if report is not None:
            found += [*self._before_proofs(report, proof, parts), *self._of_proofs(report, proof)]
        return [source for source in found if not parts or source.part in parts]

    def _before_proofs(
        self, report: RunReport, proof: str, parts: Sequence[str]
    ) -> Iterator[Source]:
        """Yield fetching and preparing; with one proof named, only if they are asked for."""
        if proof and not parts:
            return
        facts, run = self.there.facts, report.run
        if stream := run.build_id.rpartition(":")[2]:
            yield Source(part=PREPARATION, group=facts.preparation_logs, streams=(stream,))
        recorded = {run.prepare_log: ""} if run.prepare_log else {}
        yield from self._of_jobs(
            PREPARE, {run.prepare_job: ""} if run.prepare_job else {}, recorded
        )

    def _of_proofs(self, report: RunReport, proof: str) -> Iterator[Source]:
        jobs = {child: "" for job in report.run.jobs for child in job.children}
        jobs |= {one.job_id: one.proof for one in report.proofs if one.job_id}
        wanted = {job: name for job, name in jobs.items() if proof in ("", name)}
        recorded = {
            one.log_stream: one.proof
            for one in report.proofs
            if one.log_stream and proof in ("", one.proof)
        }
        yield from self._of_jobs(PROVE, wanted, recorded)

    def _of_jobs(
        self, part: str, jobs: Mapping[str, str], recorded: Mapping[str, str]
    ) -> Iterator[Source]:
        """Yield the streams of jobs that Batch still knows, and those that were recorded."""
        states = self.there.doors.jobs.states(list(jobs)) if jobs else {}
        known = {
            stream: jobs[job_id] for job_id, state in states.items() for stream in state.streams
        }
        proofs = {**recorded, **known}
        streams = list(proofs)
        for start in range(0, len(streams), _STREAMS):
            some = tuple(streams[start : start + _STREAMS])
            yield Source(part=part, group=self.there.facts.job_logs, streams=some, proofs=proofs)


def or_explained(lines: Iterator[LogLine], why: NotFoundError | None) -> Iterator[LogLine]:
    """Yield lines; if there are none, raise what explains that."""
    line = None
    for line in lines:
        yield line
    if line is None and why is not None:
        raise why


def gone(run_id: str, run: RunRecord | None, now: datetime) -> NotFoundError | None:
    """Return why a run has no logs; None if it may just have said nothing yet."""
    if run is None:
        return NotFoundError(
            f"nothing is known of run {run_id}: it is not recorded, and no log of the last hour"
            " has its ID",
            fix="padstone proof status ACCOUNT lists the newest runs",
        )
    if run.created_at and now - run.created_at > _KEPT:
        return NotFoundError(
            f"the logs of run {run_id} are gone: they are kept for a year",
            fix="its report is still there: padstone proof report",
        )
    return None


def _line(source: Source, event: LogEvent) -> LogLine:
    proof = source.proofs.get(event.stream, "")
    if source.pattern:
        proof = str(proof_log.facts(event.text).get("proof", ""))
    return LogLine(at=event.at, part=source.part, text=event.text, proof=proof)
