"""What a performer sees and does: the overlay on the picture, and the keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from videostyle.errors import VideostyleError
from videostyle.frames import UInt8Array, bgr_to_rgb
from videostyle.live.loop import LiveLoop
from videostyle.live.outputs.output import Output
from videostyle.live.painter import LivePainter
from videostyle.live.telemetry import LiveReport
from videostyle.media.drawing import draw_text
from videostyle.media.opencv import load_cv2

KEYS = "n/p style, +/- strength, s split, o overlay, f fullscreen, c snapshot, r record, q quit"
NOTICE = 4.0  # seconds that a message stays


class Screen(Protocol):
    """A display with keys (``Window``)."""

    def show(self, picture: UInt8Array | None) -> str:
        """Shows a picture, None = leaves what is there; returns the key pressed, "" for none."""

    def toggle_fullscreen(self) -> None:
        """Fills the screen, or no longer."""


class WindowViewer:
    """Turns keys into changes, and draws the overlay and the split view.

    Args:
        painter: whose style and strength the keys change.
        screen: where pictures are shown and keys come from.
        crossfade: seconds of a change of style.
        snapshots: folder for pictures.
        recorder: makes a recording for the record key and says its name; None = there is none.
    """

    def __init__(
        self,
        painter: LivePainter,
        screen: Screen,
        *,
        crossfade: float = 0.0,
        snapshots: Path = Path(),
        recorder: Callable[[], tuple[str, Output]] | None = None,
    ) -> None:
        self._painter, self._screen, self._crossfade = painter, screen, crossfade
        self._snapshots, self._recorder = snapshots, recorder
        self._split, self._overlay, self._recording = False, True, ""
        self._ending: list[str] = []  # recordings that are being finished
        self._notice, self._until = "", 0.0
        self._last: UInt8Array | None = None
        self.loop: LiveLoop | None = None
        self.saved: list[Path] = []

    def compose(self, painted: UInt8Array, original: UInt8Array) -> UInt8Array:
        """What outputs get: the painting, with the split view but without the overlay."""
        if not self._split:
            return painted
        middle = painted.shape[1] // 2
        out = painted.copy()
        out[:, :middle] = original[:, :middle]
        out[:, max(middle - 1, 0) : middle + 1] = 255
        return out

    def show(self, picture: UInt8Array | None, report: LiveReport, notice: str = "") -> bool:
        """Shows a frame and does what the key pressed asks for; False to quit.

        Args:
            picture: uint8 ``[H, W, 3]``; None = none has come, and the last one is shown with the notice.
            report: figures for the overlay.
            notice: what is not as it should be, "" = nothing.
        """
        self._follow_recordings()
        if picture is not None:
            self._last = picture
        elif notice:
            picture = self._last
        if picture is None:
            return self._press(self._screen.show(None), self._last)
        drawn = picture
        if self._overlay:
            drawn = picture.copy()
            self._draw(drawn, report, notice)
        return self._press(self._screen.show(drawn), picture)

    def _draw(self, drawn: UInt8Array, report: LiveReport, notice: str) -> None:
        rates = f"{report.rate:.0f} frames/s  {1e3 * report.delay:.0f} ms  {report.dropped} dropped"
        recording = "  REC" if self._recording else ""
        draw_text(drawn, f"{self._painter.name} {self._painter.strength:.0%}  {rates}{recording}", (8, 20))
        notice = notice or (self._notice if time.monotonic() < self._until else "")
        if notice:
            draw_text(drawn, notice, (8, 40))

    def _say(self, text: str) -> None:
        self._notice, self._until = text, time.monotonic() + NOTICE

    def _press(self, key: str, picture: UInt8Array | None) -> bool:
        """Does what a key asks for; False to quit. What cannot be done is said, and the show goes on."""
        now, painter = time.monotonic(), self._painter
        if key == "q" or key == "\x1b":
            return False
        if key in ("n", "p"):
            painter.choose(painter.number + (1 if key == "n" else -1), now, self._crossfade)
        elif key in ("+", "=", "-"):
            if painter.walks:
                painter.set_strength(painter.strength + (-0.1 if key == "-" else 0.1), now)
            else:
                self._say("a style of another base has no strength")
        elif key == "s":
            self._split = not self._split
        elif key == "o":
            self._overlay = not self._overlay
        elif key == "f":
            self._screen.toggle_fullscreen()
        elif key == "c" and picture is not None:
            self._snapshot(picture)
        elif key == "r":
            self._record()
        return True

    def _record(self) -> None:
        if self.loop is None or self._recorder is None:
            return
        if self._recording:
            self.loop.remove(self._recording)
            self._say(f"finishing {self._recording}")
            self._ending.append(self._recording)
            self._recording = ""
            return
        try:
            name, output = self._recorder()
            self.loop.add(name, output)
        except VideostyleError as error:
            self._say(str(error))
            return
        self._recording = name

    def _follow_recordings(self) -> None:
        """Says when a recording has broken down, and when one that was ended is there, or why it is not."""
        if self.loop is None:
            return
        error = self.loop.error_of(self._recording) if self._recording else None
        if error is not None:
            self.loop.remove(self._recording)  # what there was room for is put in order
            self._say(str(error))
            self._recording = ""
        for name in list(self._ending):
            figures = self.loop.report.outputs.get(name)
            if figures is not None:
                self._ending.remove(name)
                self._say(figures["error"] or (f"saved as {name}" if figures["frames"] else "nothing was recorded"))

    def _snapshot(self, picture: UInt8Array) -> None:
        cv2 = load_cv2()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = self._snapshots / f"videostyle-{stamp}-{len(self.saved):03d}.png"
        _, data = cv2.imencode(".png", np.ascontiguousarray(bgr_to_rgb(picture)))
        try:
            path.write_bytes(data.tobytes())
        except OSError as error:
            self._say(f"cannot save {path.name}: {error.strerror}")
            return
        self.saved.append(path)
        self._say(f"saved as {path.name}")
