"""What the kernel itself forbids a child that reads a stranger's file: other files, all writing, the network.

Two doors of Linux that need no privilege: Landlock (5.13; files) and a seccomp filter (the network). A kernel or a
processor without them leaves the child with the limits of `audio.child` and ffmpeg's own whitelists; `powers()` says
which it is.
"""

import ctypes
import functools
import os
import stat
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audio.errors import EngineFailed

_SOFTWARE = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
"""Programs and libraries: what every machine has, and no secret in it."""

# <linux/landlock.h>; the numbers of its calls are the same on every processor.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BENEATH_PATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many kinds of access to files each version knows: all are forbidden but what is granted."""
_FILES_ONLY_ABI, _TCP_ABI, _SCOPE_ABI = 1, 4, 6
_TCP = 0b11  # to bind, to connect
_SCOPE = 0b11  # abstract sockets and signals of processes outside

# <linux/prctl.h>, <linux/seccomp.h>, <linux/filter.h>
_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 22, 38
_MODE_FILTER = 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_AT_NUMBER, _AT_ARCH = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # 1: EPERM

_GENERIC = (198, 117, 270, 271, 425)
_FORBIDDEN = {
    0xC000003E: (41, 101, 310, 311, 425, *(0x40000000 | call for call in (41, 521, 539, 540, 425))),  # x86-64, and x32
    0x40000003: (102, 359, 26, 347, 348, 425),  # i386
    0xC00000B7: _GENERIC,  # aarch64
    0x40000028: (281, 26, 376, 377, 425),  # arm
    0xC00000F3: _GENERIC,  # riscv64
}
"""By AUDIT_ARCH: socket (and socketcall), ptrace, process_vm_readv, process_vm_writev, io_uring_setup."""
_KNOWN_MACHINES = ("x86_64", "aarch64", "armv6l", "armv7l", "armv8l", "i686", "riscv64")


@dataclass(frozen=True, slots=True)
class Powers:
    """What this kernel can forbid."""

    files: bool
    network: bool


@functools.cache
def powers() -> Powers:
    """Ask the kernel, once."""
    if sys.platform != "linux":
        return Powers(files=False, network=False)
    filters = os.uname().machine in _KNOWN_MACHINES and _libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    return Powers(files=_landlock_abi() >= _FILES_ONLY_ABI, network=filters)


def enter(readable: Iterable[Path]) -> None:
    """Confine the calling *thread* and every process it starts, for good: let the thread do nothing else.

    They may read `readable`, run and read the machine's software, and open nothing else; they write nothing and
    have no network. A thread, not a forked process, because code between fork and exec is unsafe beside threads.
    """
    can = powers()
    if not (can.files or can.network):
        return
    _checked(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if can.files:
        _forbid_files(readable)
    if can.network:
        _forbid_calls()


def _forbid_files(readable: Iterable[Path]) -> None:
    abi = _landlock_abi()
    rights = max(count for since, count in _RIGHTS_BY_ABI.items() if since <= abi)
    rules = struct.pack("=QQQ", (1 << rights) - 1, _TCP if abi >= _TCP_ABI else 0, _SCOPE if abi >= _SCOPE_ABI else 0)
    known_bytes = 24 if abi >= _SCOPE_ABI else 16 if abi >= _TCP_ABI else 8
    ruleset = _checked(_call(_CREATE_RULESET, rules, known_bytes, 0))
    try:
        for path in (*map(Path, _SOFTWARE), *readable):
            _grant(ruleset, path)
        _checked(_call(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _grant(ruleset: int, path: Path) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # What is not there need not be granted.
    try:
        folder = _READ_DIR if stat.S_ISDIR(os.fstat(place).st_mode) else 0
        rule = struct.pack("=Qi", _EXECUTE | _READ_FILE | folder, place)
        _checked(_call(_ADD_RULE, ruleset, _BENEATH_PATH, rule, 0))
    finally:
        os.close(place)


def _forbid_calls() -> None:
    program = _filter()
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _checked(_libc().prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0))


@functools.cache
def _filter() -> bytes:
    """The filter: per processor, refuse its forbidden calls; an unknown processor's calls are refused altogether."""
    steps = [(_LOAD, 0, 0, _AT_ARCH)]
    for arch, calls in _FORBIDDEN.items():
        steps.append((_JUMP_IF_EQUAL, 0, len(calls) + 3, arch))
        steps.append((_LOAD, 0, 0, _AT_NUMBER))
        steps += [(_JUMP_IF_EQUAL, len(calls) - at, 0, call) for at, call in enumerate(calls)]
        steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


@functools.cache
def _landlock_abi() -> int:
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
    libc.syscall.restype = ctypes.c_long
    return libc


def _call(number: int, *arguments: int | bytes | None) -> int:
    whole = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    answer: int = _libc().syscall(ctypes.c_long(number), *whole)
    return answer


def _checked(answer: int) -> int:
    """Fail closed: a kernel that offers a door and does not shut it is no place for a stranger's file."""
    if answer < 0:
        raise EngineFailed(engine="sandbox", detail=os.strerror(ctypes.get_errno()))
    return answer
