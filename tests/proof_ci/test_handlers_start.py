"""A function that starts cold has little time: GitHub waits ten seconds, and so do people."""

import json
import subprocess
import sys

import pytest

FUNCTIONS = ("webhook", "dispatch", "launch", "verdict", "status", "report", "sweep", "canary")
MOST_SECONDS = 0.15
SLOW = ("boto3", "botocore", "asyncio", "http.server", "unittest", "pydoc")
IMPORT = """
import importlib, json, sys, time
start = time.process_time()
importlib.import_module(f"proof_ci.{sys.argv[1]}").handler
print(json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""


def imported(function: str) -> tuple[float, set[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT, function], capture_output=True, text=True, check=True
    )
    seconds, modules = json.loads(ended.stdout)
    return seconds, set(modules)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_is_imported_in_no_time(function: str) -> None:
    """And without what only a call of AWS needs."""
    tries = [imported(function) for _ in range(3)]
    assert min(seconds for seconds, _ in tries) <= MOST_SECONDS
    assert not tries[0][1] & set(SLOW)
