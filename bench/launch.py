"""Runs one command and says how long it took and how much memory it needed.

    python -I -S launch.py LIFELINE RESULT_FILE COMMAND...

A process of its own, and a small one: on Linux a child's peak memory begins at that of the process
it was forked from. Nothing but the command happens between the two readings of the clock. LIFELINE
is the descriptor of a pipe: when its other end is closed, the command and all of its group end.
"""

import _thread
import json
import os
import signal
import sys
import time


def main() -> None:
    """Measure the command; its output goes where this process's output goes."""
    lifeline, result, *command = sys.argv[1:]
    os.set_inheritable(int(lifeline), False)
    epoch, started = time.time(), time.perf_counter()
    child = os.fork()
    if child == 0:
        _become(command)
    _thread.start_new_thread(_end_with, (int(lifeline),))
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    scale = 1024 if sys.platform == "darwin" else 1
    told = {
        "code": os.waitstatus_to_exitcode(status),
        "epoch": epoch,
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "kilobytes": usage.ru_maxrss // scale,
    }
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(told, file)


def _become(command: list[str]) -> None:
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
        os._exit(127)


def _end_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


main()
