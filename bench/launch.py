"""Runs one command and says how long it took and how much memory it needed.

    python -I -S launch.py RESULT_FILE COMMAND...

A process of its own, and a small one: on Linux a child's peak memory begins at that of the process
it was forked from. Nothing but the command happens between the two readings of the clock.
"""

import json
import os
import sys
import time


def main() -> None:
    """Measure the command; its output goes where this process's output goes."""
    result, *command = sys.argv[1:]
    epoch, started = time.time(), time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error}", file=sys.stderr)
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    scale = 1024 if sys.platform == "darwin" else 1
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(
            {
                "code": os.waitstatus_to_exitcode(status),
                "epoch": epoch,
                "seconds": seconds,
                "cpu": usage.ru_utime + usage.ru_stime,
                "kilobytes": usage.ru_maxrss // scale,
            },
            file,
        )


main()
