"""Ten real proofs: what the flow adds to CBMC's own time, and what an unchanged commit saves."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import project
from bench.lab import CHECKOUT, Lab
from bench.results import Row, series
from bench.run import NotMeasuredError
from demo import packages
from demo.proof_account import ProofAccount

_REPOSITORY = "example/ten-proofs"
_KEPT = CHECKOUT / "build" / "packages"
_OVERHEAD, _UNCHANGED = 0.15, 0.2
_PATIENCE, _POLL = 1800.0, 0.25
_CONTEXT = "CBMC proof: "


def measure(lab: Lab) -> list[Row]:
    """Through the flow, and again with nothing changed, between two times by hand."""
    cbmc = _cbmc()
    folder = lab.cloud.repository(_REPOSITORY)
    sha = project.write(folder)
    environment = _with(cbmc, lab.folder / "cbmc")
    before = _by_hand(lab, folder, environment)
    account = _account(lab, cbmc)
    first, again = (_through(lab, account, sha, number) for number in (1, 2))
    hand = [before, _by_hand(lab, folder, environment)]
    return [_overhead(first, hand), _unchanged(first, again)]


def _cbmc() -> bytes:
    try:
        return packages.cbmc("6.6.0", _KEPT)
    except packages.PackageError as error:
        raise NotMeasuredError(f"CBMC 6.6.0 is not to be had: {error}") from error


def _overhead(first: float, hand: Sequence[float]) -> Row:
    return Row(
        case="proofs",
        what=f"{project.PROOFS} proofs: request to last verdict, beyond make -j2",
        unit="s",
        ours=series("padstone", [first - statistics.median(hand)]),
        theirs=series("make -j2", hand),
        at_most=_OVERHEAD,
        note=f"by hand {hand[0]:.1f} s before, {hand[1]:.1f} s after; the run {first:.1f} s",
    )


def _unchanged(first: float, again: float) -> Row:
    return Row(
        case="proofs",
        what="the same commit again, unchanged",
        unit="s",
        ours=series("again", [again]),
        theirs=series("first run", [first]),
        at_most=_UNCHANGED,
    )


def _account(lab: Lab, cbmc: bytes) -> ProofAccount:
    folder = lab.folder / "ten-proofs"
    folder.mkdir()
    built = {
        "lambda": packages.functions(),
        "batch": packages.runner(),
        "cbmc": cbmc,
        "viewer": packages.viewer(_KEPT),
    }
    account = ProofAccount.deploy(
        lab.cloud, folder, built, name="ten-proofs", GitHubRepository=_REPOSITORY
    )
    _stop_clocks(account)
    return account


def _stop_clocks(account: ProofAccount) -> None:
    """Run only what is asked for: the sweep would find the branch's head, and prove it."""
    scheduler = account.client("scheduler")
    for each in scheduler.list_schedules()["Schedules"]:
        scheduler.delete_schedule(Name=each["Name"], GroupName=each["GroupName"])


def _by_hand(lab: Lab, source: Path, environment: Mapping[str, str]) -> float:
    with tempfile.TemporaryDirectory(dir=lab.folder) as folder:
        tree = Path(folder) / "by-hand"
        shutil.copytree(source, tree)
        seconds = project.by_hand(tree, environment)
    lab.say(f"  by hand {seconds:.1f} s")
    return seconds


def _with(cbmc: bytes, folder: Path) -> dict[str, str]:
    packages.unpack(cbmc, folder)
    return {"PATH": os.pathsep.join([str(folder / "bin"), os.defpath]), "HOME": str(folder)}


def _through(lab: Lab, account: ProofAccount, sha: str, number: int) -> float:
    """Seconds until the last proof's status says its verdict."""
    told_before, started = len(lab.cloud.statuses()), time.monotonic()
    account.request(sha)
    while not _all_told(lab.cloud.statuses()[told_before:]):
        if time.monotonic() - started > _PATIENCE:
            raise NotMeasuredError(f"run {number} has no end: {account.statuses(sha)}")
        time.sleep(_POLL)
    seconds = time.monotonic() - started
    run = account.ended(sha, number=number, seconds=_PATIENCE)
    verdicts = account.verdicts(run["run_id"])
    if set(verdicts.values()) != {"success"} or len(verdicts) != project.PROOFS:
        raise NotMeasuredError(f"run {number} did not prove what it should: {verdicts}")
    lab.say(f"  run {number}: {seconds:.1f} s")
    return seconds


def _all_told(statuses: list[dict[str, str]]) -> bool:
    latest = {s["context"]: s["state"] for s in statuses if s["context"].startswith(_CONTEXT)}
    return len(latest) == project.PROOFS and "pending" not in latest.values()
