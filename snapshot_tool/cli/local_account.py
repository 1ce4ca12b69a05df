"""The accounts of a local cloud, brought to where proofs run. What is there already stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from snapshot_tool.model.names import UNFROZEN, StageName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from snapshot_tool.cli.work import Work
    from snapshot_tool.model.names import SnapshotId

    Opened = Callable[[], AbstractContextManager[Work]]

ACCOUNT = "beta"
"""The account that serves somebody's project."""
_TOOLS = {"batch", "cbmc", "lambda", "viewer"}
_WHY = "to try it"


def serve(opened: Opened, checkout: Path) -> None:
    """Deploy the account with its parameters file; build the tools first, where there are none.

    `checkout` is the folder of the CDK app. Each step is a work of its own, as each of an
    operator's commands is. Raises PadstoneError as deployments and builds do.
    """
    for step in (_begin, _build, _deploy_account):
        with opened() as work:
            step(work, checkout)


def _begin(work: Work, checkout: Path) -> None:
    """Deploy the tools account from source, unless something is deployed there."""
    [tools] = work.status(["tools"])
    if not tools.snapshot:
        _deploy(work, "tools", None, from_source=checkout)


def _build(work: Work, checkout: Path) -> None:
    """Build every tool, unless all are built."""
    if {str(one.tool) for one in work.packages(None)} >= _TOOLS:
        return
    [tools] = work.status(["tools"])
    frozen = tools.snapshot if tools.snapshot != UNFROZEN else None
    _deploy(work, "tools", frozen or _create(work, "tools", checkout), build=True)


def _deploy_account(work: Work, checkout: Path) -> None:
    if ACCOUNT not in {one.name for one in work.accounts()}:
        work.account_add(ACCOUNT, None)
    _deploy(work, ACCOUNT, _snapshot(work, checkout))


def name_project(file: Path, parameters: Mapping[str, str]) -> None:
    """Say in an account's parameters file which project it serves; other keys stay."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps({**found, **parameters}, indent=4) + "\n", encoding="utf-8")


def _snapshot(work: Work, checkout: Path) -> SnapshotId:
    """Return what the account runs; else the newest proof snapshot; else a new one."""
    [running] = work.status([ACCOUNT])
    if running.snapshot:
        return running.snapshot
    newest = work.snapshots(StageName("proof"), 1)
    return newest[0].id if newest else _create(work, "proof", checkout)


def _create(work: Work, stage: str, checkout: Path) -> SnapshotId:
    made = work.create(StageName(stage), overrides={}, reason=_WHY, assembly=None, app_dir=checkout)
    return made.id


def _deploy(
    work: Work,
    name: str,
    snapshot: SnapshotId | None,
    *,
    from_source: Path | None = None,
    build: bool = False,
) -> None:
    work.deploy(
        name,
        snapshot,
        settings={},
        parameters_file=None,
        from_source=from_source,
        reason=_WHY,
        build=build,
    )
