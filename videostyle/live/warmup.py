"""Shows an unpainted picture with a note while the program gets ready, instead of an empty window."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from videostyle.frames import UInt8Array
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs.page import Page
from videostyle.media.drawing import draw_text

if TYPE_CHECKING:
    from videostyle.live.viewer import Screen  # imports the backend, which is yet to be loaded

NOTE = "warming up"


def show_first_picture(picture: UInt8Array, screen: Screen | None, pages: Sequence[Page], *, mirror: bool) -> None:
    """Shows a picture in the window and on pages, with ``NOTE`` on it.

    Args:
        picture: uint8 ``[H, W, 3]`` RGB.
        screen: the window; None = there is none.
        pages: the pages.
        mirror: flip it left to right.
    """
    shown = (picture[:, ::-1] if mirror else picture).copy()
    draw_text(shown, NOTE, (8, 24))
    if screen is not None:
        screen.show(shown)
    for page in pages:
        page.write(LiveFrame(shown, time.monotonic(), 0))
