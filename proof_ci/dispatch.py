"""The function behind the events queue: what passes the trust gate is prepared, once.

Each step may be the last one before a crash: SQS then delivers the message again, and whatever was
done is found done or is done again without harm.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from proof_ci import aws
from proof_ci.batches import Message, handle_each
from proof_ci.config import Name, Settings
from proof_ci.ending import Endings
from proof_ci.github import connector
from proof_ci.log import Log
from proof_ci.model.events import (
    Cancel,
    Command,
    Event,
    MalformedEventError,
    PullRequest,
    Push,
    from_message,
)
from proof_ci.model.run import End, RunRecord, State
from proof_ci.model.trust import (
    Approve,
    Close,
    Decision,
    Facts,
    Go,
    Project,
    Refusal,
    Stand,
    Stop,
    Wait,
    decide,
    idle,
    is_active,
    outdated,
    started_by,
)
from proof_ci.ports import Builds, Claim, GitHub, Queue, RateLimitedError, Runs, UnavailableError
from proof_ci.trace import traced

FETCHING = "Fetching the source"
WAITING = "Waits for /ok-to-test by somebody with write permission"


@dataclass(frozen=True)
class Dispatch:
    """What the function needs. `handed_on` goes to the source preparation beside the run.

    `events` is where its messages come from. Statuses and pages are asked for where `endings` asks.
    """

    events: Queue
    endings: Endings
    connect: Callable[[], GitHub]
    project: Project
    handed_on: Mapping[str, str]
    log: Log = field(default_factory=Log)

    @property
    def runs(self) -> Runs:
        """The record of runs."""
        return self.endings.runs

    @property
    def builds(self) -> Builds:
        """The source preparation."""
        return self.endings.builds

    def handle(self, message: Message) -> None:
        """Do what the message's event leads to, unless that has been done."""
        event = from_message(message.body)
        run_id = event.run_id if isinstance(event, Cancel) else event.delivery
        log = self.log.bind(correlation_id=run_id, kind=event.KIND)
        try:
            with traced("dispatch", run_id):
                self._do(self._claimed(event, self._decision(event)), log)
        except MalformedEventError as error:
            log.failure(f"refused: {error}", error)
            raise
        except UnavailableError as error:
            log.failure(f"put off: {error}", error)
            if isinstance(error, RateLimitedError):
                self.events.delay(message.receipt, error.seconds)
            raise

    def _decision(self, event: Event) -> Decision:
        refusal = idle(event, self.project)
        if refusal is not None:
            return refusal
        facts = self._facts(event)
        decision = decide(event, facts, self.project)
        if isinstance(decision, Wait) and self._is_trusted(facts):
            return decide(event, replace(facts, may_write=True), self.project)
        return decision

    def _facts(self, event: Event) -> Facts:
        """Everything that the decision needs, but for the rights of a pull request's author."""
        repository = self.project.repository
        match event:
            case Push():
                known = self.runs.of_ref(repository, event.ref)
                branch = event.ref.removeprefix("refs/heads/")
                return Facts(head=self.connect().head(repository, branch), known=known)
            case PullRequest():
                known = self.runs.of_ref(repository, event.ref)
                return Facts(pull=self.connect().pull(repository, event.number), known=known)
            case Command():
                return self._facts_of_command(event)
            case _:
                return Facts()

    def _facts_of_command(self, event: Command) -> Facts:
        github, repository = self.connect(), self.project.repository
        if not github.may_write(repository, event.commenter):
            return Facts()
        return Facts(
            pull=github.pull(repository, event.number),
            may_write=True,
            known=self.runs.of_ref(repository, event.ref),
        )

    def _claimed(self, event: Event, decision: Decision) -> Decision:
        """The decision, or a refusal of a comment that was sent again: it starts one run only."""
        run_id = started_by(decision)
        if not isinstance(event, Command) or not run_id or self.runs.claim(event.comment, run_id):
            return decision
        return Refusal("the comment has started another run")

    def _is_trusted(self, facts: Facts) -> bool:
        author = None if facts.pull is None else facts.pull.author
        return author is not None and self.connect().may_write(self.project.repository, author)

    def _do(self, decision: Decision, log: Log) -> None:
        match decision:
            case Refusal(reason):
                log.info(f"refused: {reason}")
            case Go():
                self._go(decision, log)
            case Wait():
                self._wait(decision, log)
            case Approve(run_id):
                self._approve(run_id, log.bind(correlation_id=run_id))
            case Close():
                self._close(decision, log)
            case Stand():
                self._stand(decision, log)
            case Stop(run_id):
                self._stop(run_id, log)

    def _go(self, go: Go, log: Log) -> None:
        if _is_ours(self.runs.open(go.run), log):
            record = self._record(go.run.run_id)
            self._supersede(go, record, log)
            self._start(record, log)

    def _wait(self, wait: Wait, log: Log) -> None:
        self.runs.open(wait.run, waiting=True)
        record = self._record(wait.run.run_id)
        if record.state is not State.WAITING:
            log.info("already approved or ended", sha=wait.run.sha)
            return
        self._supersede(wait, record, log)
        if self.endings.telling.begun_beside(record) is None:
            self._tell(record, WAITING)
        self._tell_its_end(record)
        log.info(f"waits: {wait.why}", sha=wait.run.sha)

    def _approve(self, run_id: str, log: Log) -> None:
        if _is_ours(self.runs.approve(run_id), log):
            self._start(self._record(run_id), log)

    def _close(self, close: Close, log: Log) -> None:
        for record in self.runs.of_ref(self.project.repository, close.ref):
            if is_active(record) and record.run.statuses:
                self.endings.end(record, End.CANCELLED, close.why)
                log.info(f"ended: {close.why}", ended=record.run.run_id)

    def _stand(self, stand: Stand, log: Log) -> None:
        log.info(f"refused: {stand.reason}")
        for record in stand.over:
            self.endings.end(record, End.SUPERSEDED, "", superseded_by=stand.run_id)
            log.info("superseded a run that was pushed over", ended=record.run.run_id)

    def _stop(self, run_id: str, log: Log) -> None:
        record = self.runs.get(run_id)
        if record is None:
            log.info("refused: there is no such run")
        elif self.endings.end(record, End.CANCELLED, ""):
            log.info("ended by request")
        else:
            log.info("refused: the run has ended")

    def _start(self, record: RunRecord, log: Log) -> None:
        run = record.run
        self._tell(record, FETCHING)
        build_id = self.builds.start(run, self.handed_on)
        if self.runs.fetching(run.run_id, build_id):
            log.info("started", sha=run.sha, build_id=build_id)
        elif self._tell_its_end(record):
            self.builds.stop(build_id)
            log.info("ended before it began", sha=run.sha)

    def _supersede(self, decision: Go | Wait, own: RunRecord, log: Log) -> None:
        run = own.run
        known = self.runs.of_ref(run.repository, run.ref) if run.ref else ()
        for record in outdated(decision, own, known):
            self.endings.end(record, End.SUPERSEDED, "", superseded_by=run.run_id)
            log.info("superseded an older run", ended=record.run.run_id)

    def _tell(self, record: RunRecord, what: str) -> None:
        telling = self.endings.telling
        telling.page(record)
        telling.summary(record.run, "pending", what)

    def _tell_its_end(self, before: RunRecord) -> bool:
        """Whether the run has ended meanwhile; what was told since is put right."""
        record = self._record(before.run.run_id)
        if is_active(record):
            return False
        self.endings.retell(record)
        return True

    def _record(self, run_id: str) -> RunRecord:
        record = self.runs.get(run_id)
        if record is None:
            raise UnavailableError("the run that was opened is not to be found")
        return record


def _is_ours(claim: Claim, log: Log) -> bool:
    if claim is Claim.ANOTHERS:
        raise UnavailableError("the run is being started by another")
    if claim is Claim.DONE:
        log.info("already started")
    return claim is Claim.OURS


@cache
def _dispatch() -> Dispatch:
    settings = Settings(os.environ)
    log = Log().bind(function="dispatch", snapshot_id=settings[Name.SNAPSHOT_ID])
    secrets, connect = aws.SecretsManager(), connector(settings.github_url())
    token_arn = settings[Name.GITHUB_TOKEN_SECRET_ARN]
    return Dispatch(
        events=aws.SqsQueue(settings[Name.EVENTS_QUEUE_URL]),
        endings=aws.endings(settings, log),
        connect=lambda: connect(secrets.value(token_arn)),
        project=Project(settings[Name.GITHUB_REPOSITORY], settings[Name.GITHUB_BRANCH]),
        handed_on=settings.handed_on(),
        log=log,
    )


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Lambda's way in."""
    dispatch = _dispatch()
    return handle_each(event, dispatch.handle, dispatch.log)
