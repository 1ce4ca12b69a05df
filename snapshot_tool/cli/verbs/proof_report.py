"""padstone proof report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.options import account_argument, refuse_together
from snapshot_tool.cli.proofs import run_argument
from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapshot_tool.cli.report_site import Read
    from snapshot_tool.model.proof_account import ReportPage


@verb("report", example="padstone proof report beta 1a2b3c4d --serve")
@account_argument
@run_argument
@click.option(
    "--serve",
    is_flag=True,
    help="Serve it on this machine until Ctrl-C: the site of a private project shows nothing.",
)
def command(shell: Shell, account: str, run: str, serve: bool) -> Answer:
    """Say where the report of RUN is, or show it.

    RUN is an ID or a commit (its newest run); the first characters will do.
    """
    refuse_together(serve=serve, json=shell.as_json)
    with shell.work() as work:
        run_id = work.proofs.find(account, run).run.run_id
        page = work.proofs.page(account, run_id)
        read = work.proofs.pages(account)
    if serve:
        _serve(read, run_id)
        return Answer(document=None, text=lambda: [])
    return Answer(
        document={"run_id": run_id, "report_url": page.url or None, "public": page.public},
        text=lambda: _said(page),
    )


def _said(page: ReportPage) -> Iterator[str]:
    if page.url:
        yield page.url
    if page.hint:
        yield f"shown to nobody there; {page.hint} shows it"


def _serve(read: Read, run_id: str) -> None:
    """Serve until somebody asks to stop, which is how it is meant to end."""
    from snapshot_tool.cli.report_site import site

    server, address = site(read)
    click.echo(f"{address}runs/{run_id}/index.html")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        server.server_close()
