"""What creating a snapshot moves through the operator's machine: never a package."""

from __future__ import annotations

import json

from bench import packages
from bench.lab import STAGE, Lab
from bench.proxy import counted
from bench.results import Row, series
from bench.run import NotMeasuredError

_KILOBYTE = 1024
_SMALL, _LARGE = 1, 80  # megabytes of each of the four packages
_A_CALL = 4 * _KILOBYTE  # bytes of heads and of what S3 and SSM say about a package


def measure(lab: Lab) -> list[Row]:
    """Compare packages of 1 MB with packages of 80 MB, and with templates and manifest alone."""
    small, calls, frozen = _moved(lab, _SMALL)
    large, _, _ = _moved(lab, _LARGE)
    allowed = (frozen + _A_CALL * calls) / _KILOBYTE
    total = _LARGE * len(packages.TOOLS) * _KILOBYTE
    return [
        Row(
            case="traffic",
            what=f"snapshot create, packages of {_LARGE} MB: moved, beside packages of {_SMALL} MB",
            unit="KB",
            ours=series("padstone", [_sum(large)]),
            theirs=series(f"{_SMALL} MB", [_sum(small)]),
            at_most=1.02,
            note=f"sent {large[0]:.0f}, received {large[1]:.0f}; the packages have {total} KB",
        ),
        Row(
            case="traffic",
            what="the same, beside templates, manifest and 4 KB a call",
            unit="KB",
            ours=series("padstone", [_sum(large)]),
            theirs=series("at most", [allowed]),
            at_most=1.0,
            note=f"{calls} calls",
        ),
    ]


def _sum(pair: tuple[float, float]) -> float:
    return sum(pair)


def _moved(lab: Lab, megabytes: int) -> tuple[tuple[float, float], int, int]:
    """Return the KB sent and received, the calls, and the bytes that were frozen."""
    options = packages.record(lab, megabytes)
    create = ("snapshot", "create", STAGE, "--assembly", str(lab.assembly), "--json", *options)
    lab.cloud.clear_calls()
    with counted(lab.cloud.endpoint) as (address, proxy):
        ran = lab.padstone(*create, also={"AWS_ENDPOINT_URL": address})
    if not proxy.sent:
        raise NotMeasuredError("the commands did not go through the counting proxy")
    made = json.loads(ran.output)
    if len(made["packages"]) != len(packages.TOOLS):
        raise NotMeasuredError("the snapshot does not pin the packages")
    frozen = len(ran.output) + sum(one["size"] for one in made["templates"])
    moved = proxy.sent / _KILOBYTE, proxy.received / _KILOBYTE
    return moved, len(lab.cloud.calls()), frozen
