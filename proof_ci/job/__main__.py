"""The command of a job; see the package."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from proof_ci.model.verdicts import Verdict
from proof_ci.runner.process import adopt_orphans, end_children

from .driver import LOST, Driver, JobError
from .objects import ObjectError, Objects, TakenError, s3
from .order import Order, OrderError
from .place import HOME, placed
from .task import TaskError, task_id


class TerminatedError(Exception):
    """Batch ends this job."""


def main(
    environment: Mapping[str, str],
    objects: Objects | None = None,
    home: Path = HOME,
    task: Callable[[Mapping[str, str]], str] = task_id,
) -> int:
    """Do what the environment orders; the exit code."""
    began = time.monotonic() - age()
    signal.signal(signal.SIGTERM, _terminate)
    adopt_orphans()
    try:
        order = Order.of(environment, task(environment))
        with placed(home) as place:
            return _drive(Driver(order, objects or _objects(), place, began))
    except TakenError as error:  # against a success that another has told, an error stands
        print(f"job: {error}", flush=True)
        return Verdict.ERROR.exit_code
    except (OrderError, TaskError, ObjectError, JobError, TerminatedError, OSError) as error:
        print(f"job: lost: {error}", flush=True)
        return LOST


def _drive(driver: Driver) -> int:
    try:
        return driver.run()
    except TerminatedError:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        driver.salvage()
        raise
    finally:
        end_children()


def _objects() -> Objects:
    """S3; while its client is made, what the runner needs is compiled for its start."""
    compiling = threading.Thread(target=_compile)
    compiling.start()
    try:
        return s3()
    finally:
        compiling.join()


def _compile() -> None:
    import proof_ci.runner.__main__  # noqa: F401


def age() -> float:
    """The seconds since this process began: its attempt's time counts from then."""
    stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    started = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise TerminatedError(f"signal {number}")


if __name__ == "__main__":
    code = main(os.environ, home=Path(*sys.argv[1:2]) if sys.argv[1:] else HOME)
    sys.stdout.flush()
    os._exit(code)  # a thread may still be waiting for an answer that nobody needs
