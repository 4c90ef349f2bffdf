"""What differs between Linux, macOS and Windows.

No other module imports what one of these systems lacks.
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
    """A file name that every system takes: itself, or with what Windows refuses put right.

    Args:
        name: without folders.
    """
    name = REFUSED_CHARACTERS.sub("-", name).rstrip(". ") or "-"
    return f"_{name}" if DEVICE_NAMES.fullmatch(name.split(".")[0].rstrip()) else name


def refused_name(name: str) -> bool:
    """Whether this system cannot have a file of that name, or would write something else."""
    return WINDOWS and portable_name(name) != name


def own_process_group() -> dict[str, Any]:
    """Arguments of ``subprocess.Popen`` for a child that does not hear the Ctrl-C that is meant for this process."""
    return {"creationflags": CREATE_NEW_PROCESS_GROUP} if WINDOWS else {"process_group": 0}


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Processes that are started inside never see a SIGINT, which a terminal sends to all; this one sees it later.

    A blocked signal stays blocked in what is started, from before the first line of Python runs there. Windows has
    no such thing: a child must ignore the signal itself.
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
    """Whether there is a process of that number on this machine."""
    return psutil.pid_exists(process)


def processor_seconds() -> float:
    """User and system time of this process and, where the system counts it, of its ended children."""
    times = psutil.Process().cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system")))


def peak_memory() -> float:
    """The most bytes that this process ever held."""
    try:
        import resource
    except ImportError:
        held = psutil.Process().memory_info()
        return float(getattr(held, "peak_wset", held.rss))
    unit = 1.0 if psutil.MACOS else 1024.0
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
