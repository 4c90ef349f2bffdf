"""Locks: one run at a time writes an output."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


def lock_file(path: Path) -> IO[bytes]:
    """Locks ``path`` for this process and gives the open file, which holds the lock until it is closed.

    The holder may remove the file before it lets go; a lock on a file that has lost its name in the meantime
    would guard nothing, so the name is looked at again once the lock is there.

    Raises:
        BlockingIOError: if another process holds it.
        OSError: if it cannot be created.
    """
    while True:
        file = path.open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()
