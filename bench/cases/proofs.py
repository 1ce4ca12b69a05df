"""Ten real proofs: what the flow adds to CBMC's own time, and what an unchanged commit saves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bench import project
from bench.lab import Lab
from bench.results import Row, series
from bench.run import NotMeasuredError
from demo import packages
from demo.proof_account import ProofAccount

_REPOSITORY = "example/ten-proofs"
_OVERHEAD, _UNCHANGED = 0.15, 0.2
_PATIENCE = 900.0


def measure(lab: Lab) -> list[Row]:
    """By hand, through the flow, and through the flow again with nothing changed."""
    kept = lab.folder / "packages"
    try:
        cbmc = packages.cbmc("6.6.0", kept)
    except packages.PackageError as error:
        raise NotMeasuredError(f"CBMC 6.6.0 is not to be had: {error}") from error
    account = _account(lab, cbmc, kept)
    folder = lab.cloud.repository(_REPOSITORY)
    sha = project.write(folder)
    hand = project.by_hand(_copy(folder, lab.folder / "by-hand"), _with(cbmc, lab.folder / "cbmc"))
    lab.say(f"  by hand {hand:.1f} s")
    first, again = (_through(lab, account, sha, number) for number in (1, 2))
    ours = series("padstone", [first - hand])
    return [
        Row(
            case="proofs",
            what=f"{project.PROOFS} proofs: push to last verdict, beyond make -j2",
            unit="s",
            ours=ours,
            theirs=series("make -j2", [hand]),
            at_most=_OVERHEAD,
        ),
        Row(
            case="proofs",
            what="the same commit again, unchanged",
            unit="s",
            ours=series("again", [again]),
            theirs=series("first run", [first]),
            at_most=_UNCHANGED,
        ),
    ]


def _account(lab: Lab, cbmc: bytes, kept: Path) -> ProofAccount:
    folder = lab.folder / "ten-proofs"
    folder.mkdir()
    built = {
        "lambda": packages.functions(),
        "batch": packages.runner(),
        "cbmc": cbmc,
        "viewer": packages.viewer(kept),
    }
    return ProofAccount.deploy(
        lab.cloud, folder, built, name="ten-proofs", GitHubRepository=_REPOSITORY
    )


def _copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def _with(cbmc: bytes, folder: Path) -> dict[str, str]:
    packages.unpack(cbmc, folder)
    return {"PATH": os.pathsep.join([str(folder / "bin"), os.defpath]), "HOME": str(folder)}


def _through(lab: Lab, account: ProofAccount, sha: str, number: int) -> float:
    """Seconds from the run's start to its last verdict."""
    account.request(sha)
    run = account.ended(sha, number=number, seconds=_PATIENCE)
    verdicts = account.verdicts(run["run_id"])
    if set(verdicts.values()) != {"success"} or len(verdicts) != project.PROOFS:
        raise NotMeasuredError(f"run {number} did not prove what it should: {verdicts}")
    told = account.proofs(run["run_id"]).values()
    seconds = max(float(one["finished_at"]) for one in told) - float(run["created_at"])
    lab.say(f"  run {number}: {seconds:.0f} s")
    return seconds
