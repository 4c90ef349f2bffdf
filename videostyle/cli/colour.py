"""Colours of messages on a terminal, unless the user does not want any (https://no-color.org)."""

from __future__ import annotations

import os
from typing import TextIO

RED, YELLOW, GREEN = 31, 33, 32


def coloured(text: str, colour: int, stream: TextIO) -> str:
    """A text in a colour, if the stream is a terminal that shows some.

    Args:
        text: without colours.
        colour: one of those above.
        stream: where it will be written.
    """
    terminal = bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM", "dumb") != "dumb"
    if os.environ.get("NO_COLOR") or not terminal:
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"
