"""Locks on files: one run at a time writes an output."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

# Errors of file systems without locks: network disks of clusters, some FUSE mounts.
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)


class Lock:
    """A lock that this process holds until ``release``.

    A lock of the operating system ends with the process that holds it. On a file system without locks, a file that
    names process and machine is used instead; if that process has ended, the lock is taken over on the same machine.

    Args:
        path: the file to lock; it is created, and removed at the end.

    Raises:
        BlockingIOError: if another process holds the lock.
        OSError: if the file cannot be created.
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
            if not os.path.exists(self._path):
                # filelock takes a file that cannot be made for one that another process has just removed.
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT))
            raise BlockingIOError(errno.EWOULDBLOCK, "it is locked", str(self._path)) from error
        return lock

    def release(self) -> None:
        """Frees the lock and removes its file. May be called twice."""
        if not self._lock.is_locked:
            return
        if not isinstance(self._lock, SoftFileLock):  # which removes its file itself
            # While the lock is held, so that no file of another process is removed. Windows cannot remove an open file.
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._lock.release()
