"""Every error that a user can meet, each with an exit code and a hint.

One hierarchy: code below the command line raises these and nothing else for faults that a user can
cause or repair; the command line prints ``str(error)`` on one line and exits with ``error.exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence


class VideostyleError(Exception):
    """Base of all errors of this package.

    Args:
        what: the thing that failed, usually a path and a verb ("cannot read 'clip.mp4'").
        why: the reason, in the words of a library if these help.
        hint: what the user can do about it.

    A setting is named as in Python, in backticks: ``use `overwrite` ``. The command line prints its option instead
    (``cli.messages``).
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        text = self.what
        if self.why:
            text += f": {self.why}"
        if self.hint:
            text += f" ({self.hint})"
        # One line whatever a library's message held.
        return " ".join(text.split())


class UsageError(VideostyleError):
    """The command line, a job file or the arguments of a call cannot be used as they are."""

    exit_code = 2


class SettingError(UsageError):
    """A setting has a value that it cannot have, or there is no such setting.

    Args:
        setting: its name as in Python, "max_size"; the command line says ``--max-size`` instead.
        why: what is wrong with the value.
        hint: what can be given.
    """

    def __init__(self, setting: str, why: str, hint: str = "") -> None:
        super().__init__(setting, why, hint)
        self.setting = setting


class Mistakes(UsageError):
    """Several things are wrong; nothing was done.

    Its exit code is that of the first.

    Args:
        errors: what is wrong, two or more.
    """

    def __init__(self, errors: Sequence[VideostyleError]) -> None:
        super().__init__(f"{len(errors)} mistakes", "; ".join(map(str, errors)), "mend them, and try again")
        self.errors = tuple(errors)
        self.exit_code = errors[0].exit_code


def raise_all(errors: Sequence[VideostyleError]) -> None:
    """Raises what was found wrong: nothing, the one error, or ``Mistakes``; what is said twice is said once."""
    found = list({str(error): error for error in errors}.values())
    if len(found) == 1:
        raise found[0]
    if found:
        raise Mistakes(found)


class InputError(VideostyleError):
    """An input file is missing, not what it says it is, broken or refused."""

    exit_code = 3


class ModelError(VideostyleError):
    """A style file, a loss network or a painting cannot be used, or a network gave non-finite output."""

    exit_code = 4


class OutputError(VideostyleError):
    """The output cannot be written: folder, disk, encoder."""

    exit_code = 5


class DeviceError(VideostyleError):
    """A GPU, a camera, a display or another device is missing or failed."""

    exit_code = 6


class Interrupted(VideostyleError):
    """The user (SIGINT), the system (SIGTERM) or a terminal that closed (SIGHUP) asked the run to stop."""

    exit_code = 130


def suggestion(name: str, known: Collection[str]) -> str:
    """A hint for an unknown name: the similar name that may be meant, or all known names."""
    near = difflib.get_close_matches(name, known, 1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
