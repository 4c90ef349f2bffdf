"""What of this machine the process may use: processor cores and memory.

A process often may use less than the machine has: an affinity mask, a container or a batch system's job limits it.
On Linux such limits are control groups, of version 2 or 1; the limits of all groups above one's own count as well.
``ulimit -v`` limits a process's address space.

*Source:* the kernel's documentation, admin-guide/cgroup-v2 and cgroup-v1/memory, scheduler/sched-bwc.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

THREADS = "VIDEOSTYLE_THREADS"  # environment variable: cores that this process may use, whatever is found


def usable_cores(root: Path = Path("/")) -> int:
    """Cores that this process may compute on: ``VIDEOSTYLE_THREADS`` where it is set, else what ``allowed_cores`` says.

    Args:
        root: where ``/proc`` and ``/sys`` are.
    """
    return _chosen_threads() or allowed_cores(root)


def allowed_cores(root: Path = Path("/")) -> int:
    """Cores that the system lets this process use at a time: by affinity and by quota, rounded up, at least 1."""
    quotas = [quota for folder in _control_groups("cpu", root) if (quota := _cpu_quota(folder)) is not None]
    return max(1, math.ceil(min([_scheduled_cores(), *quotas])))


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that this process can still take without others being swapped out or killed.

    A process that has only a share of the cores, because ``VIDEOSTYLE_THREADS`` says so, has the same share of the
    memory: the others take theirs.

    Args:
        root: where ``/proc`` and ``/sys`` are.
    """
    left = [room for folder in _control_groups("memory", root) if (room := _memory_left(folder)) is not None]
    free = min([int(psutil.virtual_memory().available), *left, *_address_space_left()])
    return int(free * min(1.0, usable_cores(root) / allowed_cores(root)))


def _chosen_threads() -> int:
    """What ``VIDEOSTYLE_THREADS`` says; 0 where it is not set or no positive number."""
    chosen = os.environ.get(THREADS, "")
    return int(chosen) if chosen.isdecimal() else 0


def _scheduled_cores() -> int:
    """Cores that the affinity mask allows."""
    try:
        return len(psutil.Process().cpu_affinity())
    except (AttributeError, psutil.Error):  # macOS has no affinity
        return os.cpu_count() or 1


def _control_groups(controller: str, root: Path) -> Iterator[Path]:
    """Folders of the control groups that limit this process: its own and those above it, of both versions.

    In a container without a namespace of its own the path of the group is that of the host, while the files of the
    container's group lie where groups are mounted; folders that do not exist are listed all the same.
    """
    mounts = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            bases = [mounts, mounts / "unified"]  # version 2, alone or beside version 1
        elif controller in controllers.split(","):
            bases = [mounts / controllers, mounts / controller]
        else:
            continue
        names = [name for name in path.split("/") if name]
        if ".." in names:  # outside this process's namespace
            names = []
        for base in bases:
            yield from (base.joinpath(*names[:depth]) for depth in range(len(names), -1, -1))


def _cpu_quota(folder: Path) -> float | None:
    """Cores that a control group may use at a time on average; None where it has no limit."""
    words = _text(folder / "cpu.max").split()
    words = words or [_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")]
    try:
        quota, period = map(int, words)
    except ValueError:  # "max", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None  # -1 is version 1's "no limit"


def _memory_left(folder: Path) -> int | None:
    """Bytes that a control group may still take, its cache of files given back; None where it has no limit."""
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            room = int(_text(folder / limit)) - int(_text(folder / usage))
        except ValueError:  # "max", or no such file
            continue
        values = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line)
        return max(0, room + int(values.get(cache, 0)))
    return None


def _address_space_left() -> list[int]:
    """Bytes of address space that the process may still take, where that is limited (``ulimit -v``); else nothing."""
    if sys.platform != "linux":
        return []
    process = psutil.Process()
    limit, _ = process.rlimit(psutil.RLIMIT_AS)
    return [] if limit == psutil.RLIM_INFINITY else [max(0, limit - process.memory_info().vms)]


def _text(path: Path) -> str:
    """What a file of the kernel says; "" where there is none."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
