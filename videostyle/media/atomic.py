"""Writes files completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import logging
import os
import shutil
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from videostyle.errors import OutputError
from videostyle.media.locks import Lock
from videostyle.platforms import refused_name

log = logging.getLogger("videostyle")

# Bytes of a name from which temporary names are made. File systems allow 255; the rest is for prefix and suffix.
# A path that is too long is looked for with os.path.exists, which says False: Path.exists raises.
LONGEST_NAME = 180


def short_name(name: str) -> str:
    """A name of at most ``LONGEST_NAME`` bytes: the name itself, or its beginning and a hash of the whole."""
    data = name.encode("utf-8", "surrogatepass")
    if len(data) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(data).hexdigest()[:12]
    return f"{data[: LONGEST_NAME - 13].decode('utf-8', 'ignore')}-{mark}"


def disk_error(path: Path, error: OSError) -> OutputError:
    """The error for the user when writing raised an ``OSError``; it tells the free space if the disk is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            return OutputError(
                f"no room to write '{path}'", f"{free / 1e6:.0f} MB are free", "free some space and run again"
            )
    return OutputError(
        f"cannot write '{path}'",
        error.strerror or str(error),
        hint="check whether this user may write there, or choose another place",
    )


def disk_free(folder: Path) -> int:
    """Free bytes of the disk where ``folder`` is, or would be created."""
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_writable(path: Path) -> None:
    """Checks that a file can be written to ``path``, before long work begins; creates its folder if it is missing.

    Raises:
        OutputError: if it cannot be written.
    """
    try:
        if path.is_dir():
            raise OutputError(f"cannot write '{path}'", "it is a folder", hint="name a file in it")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise disk_error(path, error) from error


def publish(part: Path, path: Path) -> None:
    """Gives a complete file its final name. Content and name are on disk when this returns.

    Args:
        part: the complete file.
        path: its final name, in the same folder.

    Raises:
        OSError: if that fails.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def process_name() -> str:
    """A name that is unique to this process among all machines that share a disk: ``HOST.PID``."""
    return f"{socket.gethostname()[:32]}.{os.getpid()}"


def write_whole(path: Path, data: bytes) -> None:
    """Writes a small file completely or not at all, even if several processes write it at the same time.

    Raises:
        OSError: if it cannot be written; an older file is then kept.
    """
    part = path.with_name(f"{short_name(path.name)}.{process_name()}.part")
    try:
        part.write_bytes(data)
        publish(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def remove_parts(folder: Path, beginning: str) -> None:
    """Removes unfinished files of runs that have ended. The caller must hold the lock of their output.

    Args:
        folder: their folder.
        beginning: the beginning of their names.
    """
    for part in folder.glob(f"{glob.escape(beginning)}*.part*"):
        with contextlib.suppress(OSError):
            part.unlink()


def read_object(path: Path, hint: str = "") -> dict[str, Any]:
    """Reads a JSON object. Returns an empty one if there is no such file, and warns if it holds something else.

    Args:
        path: the file.
        hint: what to do about it, for the warning.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s is not used: %s%s", path, error, f"; {hint}" if hint else "")
        return {}
    return data if isinstance(data, dict) else {}


def write_object(path: Path, data: dict[str, Any]) -> None:
    """Writes a JSON object as ``write_whole`` does; creates its folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(data, indent=1).encode())


def vet_output(path: str | os.PathLike[str], *, overwrite: bool = False, sources: tuple[Path, ...] = ()) -> None:
    """Makes sure that a file of that name may be written; writes nothing.

    Args:
        path: of the output.
        overwrite: whether an existing file may be replaced.
        sources: input files, none of which may be the output.

    Raises:
        OutputError: if it may not.
    """
    if refused_name(Path(path).name):
        raise OutputError(f"cannot write '{path}'", "Windows has no such file names", "choose another name")
    folder = os.path.dirname(os.path.abspath(path))
    try:
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)
        if os.path.isdir(folder) and not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, f"this user may not write into '{folder}'")
    except OSError as error:
        hint = "choose a shorter name" if error.errno == errno.ENAMETOOLONG else "choose another place"
        raise OutputError(f"cannot write '{path}'", error.strerror or str(error), hint) from error
    for source in sources:
        if os.path.exists(path) and os.path.exists(source) and os.path.samefile(source, path):
            raise OutputError(f"the output '{path}' is the input itself", hint="choose another name")
    if os.path.isdir(path):
        raise OutputError(f"cannot write '{path}'", "it is a folder", "give the name of a file")
    if os.path.exists(path) and not overwrite:
        raise OutputError(f"'{path}' exists already", hint="use `overwrite` to replace it, or another name")


class PendingOutput:
    """An output file that gets its final name only when it is complete.

    It is written to ``temporary`` in the same folder, so that renaming is atomic; ``commit`` syncs and renames it. A
    lock keeps two runs from writing the same output.

    Args:
        path: the final name.
        overwrite: whether an existing file may be replaced; it stays untouched until ``commit``.
        sources: input files, none of which may be the output.

    Attributes:
        path: the final name.
        temporary: the file to write.
        scratch: another file that may be written meanwhile; it is removed in the end.

    Raises:
        OutputError: if the output exists, is an input, is written by another run, or cannot be created.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        sources: tuple[Path, ...] = (),
    ) -> None:
        vet_output(path, overwrite=overwrite, sources=sources)
        self.path = Path(os.path.abspath(path))
        stem = f".{short_name(self.path.name)}.videostyle"
        # What follows the last full stop of a name may be part of a title.
        suffix = self.path.suffix if len(self.path.suffix) < 12 else ""
        # Names of this process alone: a killed run may have left an ffmpeg that still writes to its own file.
        self.temporary = self.path.with_name(f"{stem}.{process_name()}.part{suffix}")
        self.scratch = self.path.with_name(f"{stem}.{process_name()}.stream.part")
        self._lock: Lock | None = None
        try:
            self._lock = Lock(self.path.with_name(f"{stem}.lock"))
            remove_parts(self.path.parent, f"{stem}.")
            self.temporary.open("wb").close()
        except BlockingIOError as error:
            raise OutputError(f"'{path}' is being written by another run", hint="wait for it or stop it") from error
        except OSError as error:
            self.abort()
            hint = "choose another place" if os.path.exists(self.path.parent) else "create the folder first"
            raise OutputError(f"cannot write '{path}'", error.strerror or str(error), hint) from error

    def commit(self) -> Path:
        """Gives the complete file its final name, and returns that; see ``publish``.

        Raises:
            OutputError: if that fails; nothing is left behind then.
        """
        try:
            publish(self.temporary, self.path)
        except OSError as error:
            self.abort()
            raise disk_error(self.path, error) from error
        self.abort()
        return self.path

    def abort(self) -> None:
        """Removes what is not committed and frees the lock. May be called twice."""
        for leftover in (self.temporary, self.scratch):
            with contextlib.suppress(OSError):
                leftover.unlink()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> PendingOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
