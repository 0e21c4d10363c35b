# SPDX-License-Identifier: Apache-2.0
"""What a child does to itself: dies with its parent, yields to the server, keeps within limits.

Limits guard against broken media and leaking libraries, not against hostile code. What a platform lacks is left out.
"""

from __future__ import annotations

import contextlib
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
"""Both from <linux/prctl.h>."""

STACKS_BYTES_PER_CORE = 32 << 20
"""Thread stacks and per-thread buffers are reserved, hardly touched, and yet counted by RLIMIT_DATA."""


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (prctl(2)); end now if it has ended.

    Linux only; elsewhere the child's end of the pipe from its parent says so.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # noqa: PLC0415  (only here)
    import signal  # noqa: PLC0415

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def apply_process_limits(*, niceness: int, open_files: int) -> None:
    """Limits for the whole life of the child: priority, open files, no core dumps."""
    if os.name != "posix":
        return
    import resource  # noqa: PLC0415  (POSIX only)

    with contextlib.suppress(OSError):
        os.nice(niceness)
    # Between sessions, where the kernel shares out cores by session first (sched(7)), niceness counts for nothing.
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(str(niceness))
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, open_files)


def apply_job_limits(*, memory_bytes: int, file_bytes: int) -> None:
    """Limits for one job: private memory and the size of any file written. The next job may set others.

    Memory is RLIMIT_DATA, not RLIMIT_AS: mapped libraries and files are no use of memory. It makes an allocation fail,
    so that Python says MemoryError; the parent watches what is really resident.
    """
    if os.name != "posix":
        return
    import resource  # noqa: PLC0415  (POSIX only)

    _lower(resource.RLIMIT_DATA, memory_bytes + STACKS_BYTES_PER_CORE * (os.cpu_count() or 1))
    _lower(resource.RLIMIT_FSIZE, file_bytes)


def _lower(limit: int, value: int) -> None:
    import resource  # noqa: PLC0415  (POSIX only)

    _soft, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS refuses some of them
        resource.setrlimit(limit, (value, hard))
