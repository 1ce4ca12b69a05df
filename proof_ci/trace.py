"""Subsegments for X-Ray, by which a run is followed through the functions.

They go to the daemon that Lambda runs beside a function. Without one nothing happens, and nothing
that goes wrong here ever stops the work that is traced.
"""

import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

_HEADER = b'{"format": "json", "version": 1}\n'
_ADDRESS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3}):([0-9]{1,5})")
_CONTEXT = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1")


@contextmanager
def traced(name: str, run_id: str, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Tell X-Ray how long the block took, for which run, and whether it raised."""
    start, fault = time.time(), True
    try:
        yield
        fault = False
    finally:
        with suppress(OSError, ValueError, OverflowError):
            _send(name, run_id, start, fault, environment)


def _send(
    name: str, run_id: str, start: float, fault: bool, environment: Mapping[str, str]
) -> None:
    context = _CONTEXT.search(environment.get("_X_AMZN_TRACE_ID", ""))
    daemon = _ADDRESS.fullmatch(environment.get("AWS_XRAY_DAEMON_ADDRESS", ""))
    if context is None or daemon is None:
        return
    segment = {
        "type": "subsegment",
        "name": name,
        "id": os.urandom(8).hex(),
        "trace_id": context[1],
        "parent_id": context[2],
        "start_time": start,
        "end_time": time.time(),
        "annotations": {"run_id": run_id},
        "fault": fault,
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        out.sendto(_HEADER + json.dumps(segment).encode(), (daemon[1], int(daemon[2])))
