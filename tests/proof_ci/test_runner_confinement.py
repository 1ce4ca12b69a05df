"""Project code that looks for a way out: each case really tries, and finds none."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from proof_ci.runner.classify import Ended
from proof_ci.runner.confinement import USER, filter_of, may_change_users
from proof_ci.runner.process import Limits, run

SECRET = "a-credential-of-the-runner"
PYTHON = next(path for path in ("/usr/bin/python3", shutil.which("python3") or "") if path)
AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG = 16, 17, 40, 38
ROOT_ONLY = may_change_users()


@dataclass(frozen=True)
class Tried:
    """How a program ended and what it said."""

    ended: Ended
    said: str


@dataclass(frozen=True)
class Cell:
    """Runs programs as the runner runs a project's."""

    place: Path

    def python(self, program: str, *, seconds: float = 20.0, memory: int = 10**9) -> Tried:
        return self.command(PYTHON, "-I", "-c", program, seconds=seconds, memory=memory)

    def c(self, program: str) -> Tried:
        source, binary = self.place / "a.c", self.place / "a.out"
        source.write_text(program)
        subprocess.run(["gcc", "-o", binary, source], check=True)
        return self.command(str(binary))

    def command(self, *command: str, seconds: float = 20.0, memory: int = 10**9) -> Tried:
        log = self.place / "log"
        path = {"PATH": "/usr/bin:/bin"}
        ended = run(command, self.place, Limits(seconds, memory), path, stdout=log)
        return Tried(ended, log.read_text(errors="replace"))


@pytest.fixture
def cell(place: Path) -> Cell:
    return Cell(place)


SOCKET = """
import socket
try:
    socket.{call}({domain}, {kind})
except OSError as error:
    print(error.errno)
"""


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        ("socket.AF_INET", "socket.SOCK_STREAM"),
        ("socket.AF_INET", "socket.SOCK_DGRAM"),
        ("socket.AF_INET", "socket.SOCK_RAW"),
        ("socket.AF_INET6", "socket.SOCK_STREAM"),
        ("socket.AF_INET6", "socket.SOCK_DGRAM"),
        (str(AF_NETLINK), "socket.SOCK_RAW"),
        (str(AF_PACKET), "socket.SOCK_RAW"),
        (str(AF_VSOCK), "socket.SOCK_STREAM"),
        (str(AF_ALG), "socket.SOCK_SEQPACKET"),
    ],
)
def test_there_is_no_socket_to_the_outside(cell: Cell, domain: str, kind: str) -> None:
    """TCP, UDP, raw, netlink, vsock: each is refused where it would be made."""
    tried = cell.python(SOCKET.format(call="socket", domain=domain, kind=kind))
    assert tried.said == "13\n"


def test_a_domain_is_judged_as_the_kernel_reads_it(cell: Cell) -> None:
    """It takes 32 bits of the 64; a filter that compared all would let the rest hide a domain."""
    tried = cell.c("""
#include <stdio.h>
#include <unistd.h>
#include <errno.h>
#include <sys/syscall.h>
int main(void) {
  long fd = syscall(SYS_socket, 0x100000000L | 2, 1, 0);
  printf("%d\\n", fd < 0 ? errno : 0); return 0; }
""")
    assert tried.said == "13\n"


def test_local_sockets_work(cell: Cell) -> None:
    """Build tools talk to their own children by them."""
    tried = cell.python(
        "import socket; a, b = socket.socketpair(); a.send(b'hello'); print(b.recv(9).decode())"
    )
    assert tried.said == "hello\n"


def test_other_socket_pairs_are_refused(cell: Cell) -> None:
    """In the same way as sockets."""
    tried = cell.python(SOCKET.format(call="socketpair", domain="socket.AF_INET", kind="1"))
    assert tried.said == "13\n"


@pytest.mark.parametrize(
    ("name", "number", "error"),
    [
        ("io_uring_setup", 425, 1),
        ("io_uring_enter", 426, 1),
        ("pidfd_getfd", 438, 1),
        ("clone3", 435, 38),
    ],
)
def test_ways_around_a_system_call_are_refused(
    cell: Cell, name: str, number: int, error: int
) -> None:
    """A ring makes sockets without the call; another's descriptor is another's socket."""
    tried = cell.python(
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        f"libc.syscall({number}, 1, 0, 0); print(ctypes.get_errno())"
    )
    assert tried.said == f"{error}\n", name


@pytest.mark.parametrize("call", ["ptrace(0, 0, 0, 0)", "unshare(0x10000000)"])
def test_what_looks_into_processes_or_namespaces_is_refused(cell: Cell, call: str) -> None:
    """With EPERM, as a container does."""
    tried = cell.python(
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        f"libc.{call}; print(ctypes.get_errno())"
    )
    assert tried.said == "1\n"


def test_a_user_namespace_cannot_be_cloned(cell: Cell) -> None:
    """It would give capabilities back."""
    tried = cell.python(
        "import ctypes, platform; libc = ctypes.CDLL(None, use_errno=True)\n"
        "number = 56 if platform.machine() == 'x86_64' else 220\n"
        "libc.syscall(number, 0x10000000 | 17, 0, 0, 0, 0); print(ctypes.get_errno())"
    )
    assert tried.said == "1\n"


X32 = """
#include <unistd.h>
#include <stdio.h>
int main(void) { syscall(0x40000000 | 39); puts("alive"); return 0; }
"""
X86 = """
#include <stdio.h>
int main(void) {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result));
  puts("alive"); return 0; }
"""


@pytest.mark.parametrize("program", [X32, X86])
def test_another_abi_ends_the_process(cell: Cell, program: str) -> None:
    """Its numbers mean other calls: a socket made by them would pass unseen."""
    if platform.machine() != "x86_64":
        assert filter_of(platform.machine())  # these ABIs are x86's
        return
    tried = cell.c(program)
    assert tried.ended.exit_code == -31  # SIGSYS
    assert "alive" not in tried.said


def test_an_unknown_machine_runs_nothing() -> None:
    """Without a filter there is no confinement."""
    with pytest.raises(OSError, match="riscv"):
        filter_of("riscv64")


def test_nothing_is_gained_by_a_new_program(cell: Cell) -> None:
    """No capability is held, none can be had, and the filter stays on."""
    tried = cell.command("/bin/sh", "-c", "cat /proc/self/status")
    told = dict(line.split(":", 1) for line in tried.said.splitlines() if ":" in line)
    assert {told[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (told["NoNewPrivs"].strip(), told["Seccomp"].strip()) == ("1", "2")


def test_project_code_is_nobody(cell: Cell) -> None:
    """In no group; where users cannot be changed it is who the runner is."""
    tried = cell.python("import os; print(*os.getresuid(), *os.getresgid(), os.getgroups())")
    own = f"{os.getuid()} " * 3 + f"{os.getgid()} " * 3
    nobody = f"{USER} " * 6 + "[]"
    assert tried.said.strip().startswith(nobody if ROOT_ONLY else own.strip())


def test_it_cannot_become_somebody(cell: Cell) -> None:
    """Neither root nor the runner."""
    tried = cell.python(
        "import os\nfor user in (0, 65533, 1):\n"
        "    try: os.setuid(user); print('is', user)\n"
        "    except OSError as error: print(error.errno)"
    )
    assert tried.said == "1\n1\n1\n"


def test_no_descriptor_is_inherited(cell: Cell) -> None:
    """Nor one that somebody forgot to close."""
    descriptor = os.open("/proc/self/environ", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        tried = cell.command("/bin/ls", "/proc/self/fd")
    finally:
        os.close(descriptor)
    assert sorted(tried.said.split()) == ["0", "1", "2", "3"]  # 3 is ls's own
