"""Colours on a terminal, and none where they are not wanted."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from videostyle.cli.colour import RED, coloured
from videostyle.cli.main import main
from videostyle.cli.messages import Formatter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colours"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_errors_and_warnings_are_coloured_on_a_terminal_only(
    stream: io.StringIO, environment: dict[str, str], colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream)
    assert (coloured("x", RED, stream) == "\x1b[31mx\x1b[0m") is colours
    assert main(["rendr"]) == 2
    assert stream.getvalue().startswith("\x1b[31mvideostyle:\x1b[0m no verb" if colours else "videostyle: no verb")
    record = logging.LogRecord("videostyle", logging.WARNING, "", 0, "careful", (), None)
    line = Formatter("%(levelname)s: %(message)s").format(record)
    assert line == ("\x1b[33mWARNING\x1b[0m: careful" if colours else "WARNING: careful")
