"""What the kernel tells of this container's memory."""

from collections.abc import Iterator
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
EVENTS = (_CGROUP / "memory.events", _CGROUP / "memory/memory.oom_control")
LIMITS = (_CGROUP / "memory.max", _CGROUP / "memory/memory.limit_in_bytes")
_MEMINFO = Path("/proc/meminfo")
_OWN = 128 * 2**20  # what the runner and the steps around it need


def kills(files: tuple[Path, ...] = EVENTS) -> int:
    """How often the kernel killed here for want of memory; 0 where it does not tell."""
    counts = (dict(line.split(" ", 1) for line in text.splitlines()) for text in _texts(files))
    return sum(int(count.get("oom_kill", "0")) for count in counts)


def memory(limits: tuple[Path, ...] = LIMITS, meminfo: Path = _MEMINFO) -> int:
    """The bytes that one proof's processes can have here at most."""
    told = [int(text) for text in _texts(limits) if text.strip().isdigit()]
    total = next(_texts((meminfo,))).split("\n", 1)[0]  # MemTotal:  16 kB
    return max(_OWN, min([*told, int(total.split()[1]) * 1024]) - _OWN)


def _texts(files: tuple[Path, ...]) -> Iterator[str]:
    for file in files:
        try:
            yield file.read_text(encoding="ascii")
        except OSError:
            continue
