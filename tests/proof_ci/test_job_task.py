"""A job learns from ECS which task it is, or says why it cannot."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from proof_ci.job.task import VARIABLE, TaskError, task_id

TASK = "0123456789abcdef0123456789abcdef"
ARN = f"arn:aws:ecs:us-west-2:111122223333:task/cluster/{TASK}"
Answers = Callable[..., dict[str, str]]


@pytest.fixture
def endpoint() -> Iterator[Answers]:
    """The metadata endpoint of a container, with these answers to its first requests."""
    servers: list[HTTPServer] = []

    def serve(*answers: tuple[int, str]) -> dict[str, str]:
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = left.pop(0)
                self.send_response(status if self.path == "/v4/abc/task" else 404)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return {VARIABLE: f"http://127.0.0.1:{server.server_port}/v4/abc"}

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def told(arn: object) -> str:
    return json.dumps({"Cluster": "cluster", "TaskARN": arn})


@pytest.mark.parametrize("arn", [ARN, ARN.replace("cluster/", "")])
def test_a_task_is_named_by_the_end_of_its_arn(endpoint: Answers, arn: str) -> None:
    """ECS has had two forms of it."""
    assert task_id(endpoint((200, told(arn)))) == TASK


def test_an_endpoint_that_is_not_ready_is_asked_again(endpoint: Answers) -> None:
    """ECS's agent may be slow, or say that it was asked too often."""
    assert task_id(endpoint((429, ""), (200, "{"), (200, told(ARN)))) == TASK


@pytest.mark.parametrize(
    "arn", ["", 7, ARN.replace("task/", "service/"), f"{ARN}/../x", f"{ARN}\n"]
)
def test_what_is_no_task_is_refused(endpoint: Answers, arn: object) -> None:
    """It becomes a part of keys."""
    with pytest.raises(TaskError, match=VARIABLE):
        task_id(endpoint(*[(200, told(arn))] * 5))


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:1/v4/abc", "no address"])
def test_an_endpoint_that_is_not_there_is_named(address: str) -> None:
    """By the variable that should lead to it."""
    with pytest.raises(TaskError, match=VARIABLE):
        task_id({VARIABLE: address})
