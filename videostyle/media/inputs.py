"""Checks an input file before any library opens it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from videostyle.errors import InputError


def vet_input(path: str | os.PathLike[str], kind: str = "video") -> Path:
    """Checks an input file before any library opens it; returns its absolute path.

    Args:
        path: as the user gave it.
        kind: what is expected, for messages.

    Raises:
        InputError: if it is missing, empty, a folder, a pipe or a device, or has a name that is not text.
    """
    text = os.fspath(path)
    if any("\ud800" <= character <= "\udfff" for character in text):
        # OpenCV crashes on such a name instead of refusing it.
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise InputError(f"cannot open '{shown}'", "its name is not valid UTF-8", "rename the file")
    if "\0" in text:
        raise InputError(f"cannot open {text!r}", "its name holds a zero byte", hint="rename the file")
    file = Path(text)
    try:
        status = file.stat()
    except FileNotFoundError:
        hint = "web addresses are not read; download it first" if "://" in text else "check the path"
        raise InputError(f"no such file: '{text}'", hint=hint) from None
    except OSError as error:
        raise InputError(
            f"cannot open '{text}'",
            error.strerror or str(error),
            hint="check the path, and whether this user may read it",
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"'{text}' is a folder", hint=f"give a {kind} file")
    if not stat.S_ISREG(status.st_mode):
        # Opening a pipe or a socket may never return.
        raise InputError(f"'{text}' is not a regular file", hint=f"give a {kind} file")
    if status.st_size == 0:
        raise InputError(f"'{text}' is empty", "it has 0 bytes", hint="copy or download it again")
    if not os.access(file, os.R_OK):
        raise InputError(f"cannot read '{text}'", "permission denied", hint="let this user read it")
    return file.resolve()
