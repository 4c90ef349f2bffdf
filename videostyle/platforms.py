"""Everything that differs between Linux, macOS and Windows.

No other module imports a module that one of these systems lacks.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import psutil

WINDOWS = os.name == "nt"
# What Windows refuses in a file's name, and the names of its devices, which it refuses with any suffix.
REFUSED_CHARACTERS = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
DEVICE_NAMES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
CREATE_NEW_PROCESS_GROUP = 0x200  # Windows' flag, which ``subprocess`` names on Windows only


def portable_name(name: str) -> str:
    """A file name that every system accepts: the name itself, or with the parts that Windows refuses replaced.

    Args:
        name: without folders.
    """
    name = REFUSED_CHARACTERS.sub("-", name).rstrip(". ") or "-"
    return f"_{name}" if DEVICE_NAMES.fullmatch(name.split(".")[0].rstrip()) else name


def refused_name(name: str) -> bool:
    """Whether this system refuses a file of that name, or would write to something else."""
    return WINDOWS and portable_name(name) != name


def own_process_group() -> dict[str, Any]:
    """Arguments of ``subprocess.Popen`` that shield a child from Ctrl-C, which is meant for this process."""
    return {"creationflags": CREATE_NEW_PROCESS_GROUP} if WINDOWS else {"process_group": 0}


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Processes started in the block never get a SIGINT, which a terminal sends to all; this process gets it later.

    A signal that is blocked here stays blocked in the new process, even before its first line of Python runs. Windows
    has no blocked signals: a child must ignore the signal itself.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def is_running(process: int) -> bool:
    """Whether a process with this number runs on this machine."""
    return psutil.pid_exists(process)


def processor_seconds() -> float:
    """User and system time of this process and, if the system counts it, of its ended children."""
    times = psutil.Process().cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system")))


def peak_memory() -> float:
    """The largest number of bytes that this process has held."""
    try:
        import resource
    except ImportError:
        held = psutil.Process().memory_info()
        return float(getattr(held, "peak_wset", held.rss))
    unit = 1.0 if psutil.MACOS else 1024.0
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
