"""Shows the painted picture in a window, with an overlay of figures and messages, and takes the window's keys."""

from __future__ import annotations

from typing import Protocol

from videostyle.frames import UInt8Array
from videostyle.live.controls import Controls
from videostyle.live.telemetry import LiveReport
from videostyle.media.drawing import draw_text

LINE = 20  # pixels from one line of the overlay to the next


class Screen(Protocol):
    """A display with keys (``Window``)."""

    def show(self, picture: UInt8Array | None) -> str:
        """Shows a picture, uint8 ``[H, W, 3]``; None = keeps the one shown. Returns the key pressed, "" = none."""

    def toggle_fullscreen(self) -> None:
        """Switches between full screen and window."""


class WindowViewer:
    """Draws the overlay, shows the picture, and passes keys on.

    Args:
        controls: carries out the keys, except those for overlay and full screen.
        screen: where pictures are shown and keys come from.
    """

    def __init__(self, controls: Controls, screen: Screen) -> None:
        self._controls, self._screen = controls, screen
        self._overlay = True
        self._last: UInt8Array | None = None

    def show(self, picture: UInt8Array | None, report: LiveReport, notice: str = "") -> bool:
        """Shows a picture and handles the key that was pressed.

        Args:
            picture: uint8 ``[H, W, 3]``; None = no new one, then the last one is shown again if there is a notice.
            report: figures for the overlay.
            notice: message for the overlay, "" = none.

        Returns:
            False to end the run.
        """
        if picture is not None:
            self._last = picture
        elif notice:
            picture = self._last
        if picture is not None and self._overlay:
            picture = picture.copy()
            self._draw_overlay(picture, report, notice)
        return self._press(self._screen.show(picture))

    def _draw_overlay(self, picture: UInt8Array, report: LiveReport, notice: str) -> None:
        """Draws into ``picture``."""
        figures = f"{report.rate:.0f} frames/s  {1e3 * report.delay:.0f} ms  {report.dropped} dropped"
        recording = "  REC" if self._controls.recording else ""
        lines = [self._controls.status, f"{figures}{recording}", notice or self._controls.notice]
        for number, line in enumerate(filter(None, lines), 1):
            draw_text(picture, line, (8, LINE * number))

    def _press(self, key: str) -> bool:
        if key == "o":
            self._overlay = not self._overlay
        elif key == "f":
            self._screen.toggle_fullscreen()
        else:
            return self._controls.press(key)
        return True
