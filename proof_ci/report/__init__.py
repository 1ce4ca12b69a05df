"""The function behind the reports queue: what proofs came to, as pages that anybody can read.

    a message with a proof      archive -> viewer -> evidence -> proof_page, proof_document
    a message without           reading -> changes -> page, document
    both pages are made of      looks, saying, differences (words); links, parts, table (markup)

Everything but `store`, `reading` and `publishing` is pure. Of the world, it reads the record of
runs and the objects that jobs packed, and writes objects below `runs/` and `commits/` of the site.
"""

import os
from functools import cache
from typing import Any

from proof_ci.aws.table import RunsTable
from proof_ci.batches import handle_each
from proof_ci.config import Name, Settings
from proof_ci.log import Log

from .publishing import Reports
from .store import ReportBucket, ResultsBucket


@cache
def _reports() -> Reports:
    settings = Settings(os.environ)
    return Reports(
        runs=RunsTable(settings[Name.RUNS_TABLE]),
        outputs=ResultsBucket(settings[Name.RESULTS_BUCKET]),
        site=ReportBucket(settings[Name.REPORT_BUCKET]),
        repository=settings[Name.GITHUB_REPOSITORY],
        snapshot_id=settings[Name.SNAPSHOT_ID],
        log=Log().bind(function="report", snapshot_id=settings[Name.SNAPSHOT_ID]),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Lambda's way in."""
    reports = _reports()
    return handle_each(event, reports.handle, reports.log)
