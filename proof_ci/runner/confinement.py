"""Confines a process that is about to run a project's own code; it can never undo it.

The process becomes nobody (where this one may change users), holds no capability, can gain none,
and asks the kernel for no socket but a local one: so no network, no credential endpoint and no
instance metadata. Whatever it starts inherits all of that.
"""

import ctypes
import errno
import functools
import os
import platform
import resource
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USER = 65534
"""Who a project's own code is, where that can be chosen."""

PROCESSES = 4096  # as `ulimit -u` counts: all of that user, on this host
_FILE_SIZE = 2**31  # of each file that a proof writes
_SETGID, _SETUID = 6, 7
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 22, 38, 47
_MODE_FILTER, _CLEAR_ALL = 2, 4
_CAPABILITY_VERSION = 0x20080522

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_AF_UNIX = 1
_NEW_USER_NAMESPACE = 0x10000000
_IO_URING = (425, 426, 427)
_REFUSED = (*_IO_URING, 438)  # pidfd_getfd
_CLONE3 = 435

_Line = tuple[int, int, int, int]  # code, value, jump if true, jump if false


@dataclass(frozen=True)
class _Abi:
    """Numbers of system calls. `foreign`: bits of a number that are another ABI's."""

    architecture: int
    sockets: tuple[int, ...]
    clone: int
    refused: tuple[int, ...]
    foreign: int = 0


# Refused: ptrace, process_vm_*, bpf, perf_event_open, userfaultfd, keys, namespaces, mount and
# open_by_handle_at.
_ABIS = {
    "x86_64": _Abi(
        0xC000003E,
        sockets=(41, 53),
        clone=56,
        refused=(101, 310, 311, 321, 298, 323, 248, 249, 250, 272, 308, 165, 304),
        foreign=0x40000000,
    ),
    "aarch64": _Abi(
        0xC00000B7,
        sockets=(198, 199),
        clone=220,
        refused=(117, 270, 271, 280, 241, 282, 217, 218, 219, 97, 268, 40, 265),
    ),
}
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


@functools.cache
def may_change_users() -> bool:
    """Whether this process can make a child another user's."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        held = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    return bool(held >> _SETUID & 1 and held >> _SETGID & 1)


def confine(memory: int) -> None:
    """Confine this process, with so many bytes of address space. Raises OSError.

    For the time between fork and exec, or for the start of a program that confines itself.
    """
    os.umask(0o022)
    if may_change_users():
        _limit(resource.RLIMIT_NPROC, PROCESSES)
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    _prctl(_PR_CAP_AMBIENT, _CLEAR_ALL)
    _without_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    text = filter_of(platform.machine())
    program = _Program(len(text) // 8, text)
    _prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program))
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _FILE_SIZE)
    _limit(resource.RLIMIT_AS, memory)


@functools.cache
def filter_of(machine: str) -> bytes:
    """The program by which the kernel judges each system call. Raises OSError if none is known."""
    abi = _ABIS.get(machine)
    if abi is None:
        raise OSError(errno.ENOTSUP, f"no system call filter is known for {machine}")
    return b"".join(_pack(*line) for line in _program(abi))


def _program(abi: _Abi) -> Iterator[_Line]:
    yield _load(_ARCHITECTURE)
    yield _EQUAL, abi.architecture, 1, 0
    yield _kill()
    yield _load(_NUMBER)
    if abi.foreign:
        yield _ANY_BIT, abi.foreign, 0, 1
        yield _kill()
    for number in (*abi.refused, *_REFUSED):
        yield _EQUAL, number, 0, 1
        yield _fail(errno.EPERM)
    yield _EQUAL, _CLONE3, 0, 1  # its flags are in memory, out of sight: clone stands in for it
    yield _fail(errno.ENOSYS)
    for socket in abi.sockets:
        yield from _only_if(socket, (_EQUAL, _AF_UNIX, 1, 0), errno.EACCES)
    yield from _only_if(abi.clone, (_ANY_BIT, _NEW_USER_NAMESPACE, 0, 1), errno.EPERM)
    yield _allow()


def _only_if(number: int, test: _Line, error: int) -> Iterator[_Line]:
    """Judge one call by its first argument: where the test jumps, it is allowed."""
    yield _EQUAL, number, 0, 4
    yield _load(_ARGUMENT)
    yield test
    yield _fail(error)
    yield _allow()


def _load(offset: int) -> _Line:
    return _LOAD, offset, 0, 0


def _fail(error: int) -> _Line:
    return _RETURN, _ERRNO | error, 0, 0


def _kill() -> _Line:
    return _RETURN, _KILL, 0, 0


def _allow() -> _Line:
    return _RETURN, _ALLOW, 0, 0


def _pack(code: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _prctl(option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *words))


def _without_capabilities() -> None:
    header, none = _Header(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _check(_libc.capset(ctypes.byref(header), none))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _limit(kind: int, most: int) -> None:
    """A lower limit that is already there stays."""
    hard = resource.getrlimit(kind)[1]
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (limit, limit))
