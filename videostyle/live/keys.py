"""The keys of a live run, as ``--help``, the window and the page list them. ``controls`` carries them out."""

from __future__ import annotations

KEYS = {
    "n/p": "next/previous style",
    "1-9": "a style by its number",
    "+/-": "strength",
    "[/]": "canvas (paint where the scene shows nothing)",
    ",/.": "smaller/larger strokes",
    "e": "another painting (next seed)",
    "s": "split view",
    "o": "overlay",
    "f": "full screen",
    "c": "snapshot",
    "r": "record",
    "q": "quit",
}
# Keys that the page sends. It shows its own overlay and full screen, and cannot end the run.
PAGE_KEYS = frozenset("np123456789+=-[],.escr")


def listed(*, page: bool = False) -> str:
    """The keys and their meanings in one line, of the window or of the page."""
    return ", ".join(f"{key} {meaning}" for key, meaning in KEYS.items() if not (page and key == "q"))


# The page's buttons: what is written on each, and its key.
BUTTONS = {
    "strength -": "-",
    "strength +": "+",
    "canvas -": "[",
    "canvas +": "]",
    "strokes -": ",",
    "strokes +": ".",
    "another painting": "e",
    "split view": "s",
    "snapshot": "c",
    "record": "r",
}
