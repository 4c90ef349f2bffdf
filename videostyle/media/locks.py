"""Locks on files: one run at a time writes an output."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

# What systems say of a file system that has no locks: network disks of clusters, some FUSE mounts.
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)


class Lock:
    """A lock that this process holds until ``release``.

    The system's own lock ends with the process that holds it. On a file system without locks a file stands for it,
    which names process and machine: one whose process is gone is taken over on the same machine.

    Args:
        path: the file to lock; it is made, and removed in the end.

    Raises:
        BlockingIOError: if another holds the lock.
        OSError: if the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        os.stat(path.parent)  # filelock would make a folder that is missing
        try:
            self._lock = self._acquired(FileLock(path, thread_local=False))
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            with contextlib.suppress(OSError):
                path.unlink()
            self._path = path.with_name(f"{path.name}.soft")
            self._lock = self._acquired(SoftFileLock(self._path, thread_local=False))

    def _acquired(self, lock: BaseFileLock) -> BaseFileLock:
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BlockingIOError(errno.EWOULDBLOCK, "it is locked", str(self._path)) from error
        return lock

    def release(self) -> None:
        """Frees the lock and removes its file. May be called twice."""
        if not self._lock.is_locked:
            return
        if not isinstance(self._lock, SoftFileLock):  # which removes its file itself
            # While the lock is held, so that the file of nobody else is removed. Windows removes none that is open.
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._lock.release()
