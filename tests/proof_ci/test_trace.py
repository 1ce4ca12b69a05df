"""A run can be followed in X-Ray where there is one, and nothing hangs on it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from proof_ci.trace import traced

from .fakes import DELIVERY

CONTEXT = "Root=1-5e1b4151-5ac6c58f5b5daa8e1b4f1c6a;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        yield listening


def environment(daemon: socket.socket, **other: str) -> dict[str, str]:
    address = f"127.0.0.1:{daemon.getsockname()[1]}"
    return {"AWS_XRAY_DAEMON_ADDRESS": address, "_X_AMZN_TRACE_ID": CONTEXT, **other}


def received(daemon: socket.socket) -> dict[str, Any]:
    header, _, body = daemon.recv(65536).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    segment: dict[str, Any] = json.loads(body)
    return segment


def test_a_block_is_a_subsegment_of_the_invocation(daemon: socket.socket) -> None:
    """Annotated with the run, so that all segments of a run can be searched for."""
    with traced("dispatch", DELIVERY, environment(daemon)):
        pass
    segment = received(daemon)
    assert len(segment.pop("id")) == 16
    assert 0 < segment.pop("start_time") <= segment.pop("end_time")
    assert segment == {
        "type": "subsegment",
        "name": "dispatch",
        "trace_id": "1-5e1b4151-5ac6c58f5b5daa8e1b4f1c6a",
        "parent_id": "53995c3f42cd8ad8",
        "annotations": {"run_id": DELIVERY},
        "fault": False,
    }


def test_a_block_that_raises_is_a_fault_and_raises_still(daemon: socket.socket) -> None:
    """Tracing hides nothing."""
    with pytest.raises(KeyError), traced("dispatch", DELIVERY, environment(daemon)):
        raise KeyError
    assert received(daemon)["fault"] is True


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_XRAY_DAEMON_ADDRESS": ""},
        {"AWS_XRAY_DAEMON_ADDRESS": "nowhere"},
        {"AWS_XRAY_DAEMON_ADDRESS": "example.com:2000"},
        {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:99999"},
        {"_X_AMZN_TRACE_ID": ""},
        {"_X_AMZN_TRACE_ID": "Root=x"},
        {"_X_AMZN_TRACE_ID": CONTEXT.replace("Sampled=1", "Sampled=0")},
    ],
)
def test_without_a_daemon_or_a_sampled_trace_nothing_happens(
    daemon: socket.socket, variables: dict[str, str]
) -> None:
    """Nor does anything that goes wrong stop the work."""
    with traced("dispatch", DELIVERY, environment(daemon, **variables)):
        pass
    daemon.settimeout(0.05)
    with pytest.raises(TimeoutError):
        daemon.recv(1)
