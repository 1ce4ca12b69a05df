"""What the verbs of `padstone proof` share: arguments, following, and answers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import Named
from snapshot_tool.cli.signals import Unfollowed
from snapshot_tool.cli.verb import DIFFERENT, DONE, FAILED, Answer
from snapshot_tool.errors import CredentialsError, PadstoneError, ServiceError
from snapshot_tool.model.run import BranchRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from snapshot_tool.cli.shell import Shell
    from snapshot_tool.cli.work import Work
    from snapshot_tool.model.proof_account import ReportPage
    from snapshot_tool.model.run import RunReport
    from snapshot_tool.orchestrator.proofs import Asked
    from snapshot_tool.planner.compare import Comparison

_MENDS: dict[type[PadstoneError], str] = {
    CredentialsError: "refresh the profile's credentials (for example `aws sso login`)",
    ServiceError: "see whether AWS and the network are well",
}
"""What to do about errors that come while a run goes on elsewhere: never ask for it once more."""
RUN = "RUN"
"""How a run is called in help: its ID, its commit, or the head of either."""

run_argument = click.argument("run", metavar=RUN)
branch_option = click.option(
    "--ref",
    metavar="BRANCH",
    type=Named(BranchRef.of, "branch"),
    help="The branch that the run is recorded for; it supersedes that branch's active runs.",
)
no_wait_option = click.option(
    "--no-wait", is_flag=True, help="Ask for the run and do not wait for its end."
)


def say(shell: Shell, account: str, asked: Asked) -> None:
    """Tell on stderr which run was asked for, so that it can be found whatever comes."""
    if not shell.quiet:
        request = asked.request
        said = f"run {request.run_id} in {account}: {request.sha} with {asked.snapshot or '-'}"
        click.echo(said, err=True)


@contextmanager
def stopping(what: str, again: str, *more: str) -> Iterator[None]:
    """Tell who stops watching by which command they watch again, and what else they may do."""
    try:
        yield
    except KeyboardInterrupt as stop:
        fix = "\n".join([f"follow it again: {again}", *more])
        raise Unfollowed(f"stopped following {what}", fix=fix) from stop


def followed(work: Work, account: str, run_id: str) -> RunReport:
    """Watch a run to its end. Whatever ends watching, the run goes on, and it is told how to."""
    again = f"padstone proof status {account} {run_id} --follow"
    with stopping(
        f"run {run_id}, which goes on", again, f"end it: padstone proof cancel {account} {run_id}"
    ):
        try:
            return work.proofs.follow(account, run_id)
        except (CredentialsError, ServiceError) as error:
            fix = f"{_MENDS[type(error)]}; run {run_id} goes on, follow it again: {again}"
            raise type(error)(error.what, where=error.where, fix=fix) from error


def verdict_code(report: RunReport) -> int:
    """Return the exit code that a run's verdict asks for."""
    return DONE if report.run.succeeded else FAILED


def report_answer(report: RunReport, page: ReportPage, *, exit_code: int) -> Answer:
    """Return a run and its proofs as an answer."""
    from snapshot_tool.cli import documents

    return Answer(
        document=documents.run_report(report, page),
        text=lambda: _report(report, page),
        exit_code=exit_code,
    )


def asked_answer(
    asked: Asked, report: RunReport | None, page: ReportPage, compared: Comparison | None = None
) -> Answer:
    """Return what a run that was asked for came to; no report means that nobody waited."""
    from snapshot_tool.cli import documents

    return Answer(
        document=documents.asked(asked, report, page, compared),
        text=lambda: _asked(asked, report, page, compared),
        exit_code=_code(report, compared),
    )


def _code(report: RunReport | None, compared: Comparison | None) -> int:
    if compared is not None:
        return DONE if compared.same else DIFFERENT
    return DONE if report is None else verdict_code(report)


def _report(report: RunReport, page: ReportPage) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render_proofs

    return render_proofs.run_report_parts(report, page)


def _asked(
    asked: Asked, report: RunReport | None, page: ReportPage, compared: Comparison | None
) -> Iterable[RenderableType]:
    from snapshot_tool.cli import render_proofs

    if report is None:
        return [f"run {asked.request.run_id}"]
    shown = render_proofs.run_report_parts(report, page)
    if compared is None:
        return shown
    return render_proofs.joined(shown, render_proofs.comparison_parts(compared))
