"""Texts of the library for the command line: `` `max_size` `` becomes ``--max-size``.

The library names settings as in Python, in backticks. Every verb that prints its errors and warnings calls ``message``.
"""

from __future__ import annotations

import logging
import re
import sys

from videostyle.cli.colour import RED, YELLOW, coloured
from videostyle.errors import SettingError, VideostyleError

# Other names of options.
OTHERWISE = {"processors": "--processor", "timeline": "--at", "regions": "--region", "hdr": "--no-hdr"}
SETTING = re.compile(r"`([a-z][a-z_]*)`")


def message(said: object) -> str:
    """An error, or the text of a warning, with the options of the command line in place of settings."""
    text = str(said)
    if isinstance(said, SettingError):
        text = text.replace(said.setting, _option(said.setting), 1)
    return SETTING.sub(lambda found: _option(found[1]), text)


def without_hint(error: VideostyleError) -> str:
    """The text of ``message`` without its hint."""
    text = message(error)
    hint = f" ({message(' '.join(error.hint.split()))})"
    return text.removesuffix(hint) if error.hint else text


def _option(setting: str) -> str:
    return OTHERWISE.get(setting, "--" + setting.replace("_", "-"))


class Formatter(logging.Formatter):
    """Log lines as the command line prints them."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with options in place of settings."""
        line = message(super().format(record))
        colour = RED if record.levelno >= logging.ERROR else YELLOW
        word = record.levelname
        if record.levelno < logging.WARNING or not line.startswith(word):
            return line
        return coloured(word, colour, sys.stderr) + line[len(word) :]
