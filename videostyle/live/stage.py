"""What a performer sees and does: the overlay on the picture, and the keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.frames import UInt8Array, bgr_to_rgb
from videostyle.io.opencv import draw_text, load_cv2
from videostyle.live.loop import LiveLoop, LiveReport
from videostyle.live.painter import LivePainter

KEYS = "n/p style, +/- strength, s split, o overlay, c snapshot, r record, q quit"


class Stage:
    """Turns keys into changes, and draws the overlay and the split view.

    Args:
        painter: whose style and strength the keys change.
        show: shows a picture and returns the key pressed, "" for none (``Window.show``).
        crossfade: seconds of a change of style.
        snapshots: folder for pictures.
        recorder: makes an output for the record key; None = there is none.
    """

    def __init__(
        self,
        painter: LivePainter,
        show: Callable[[UInt8Array], str],
        *,
        crossfade: float = 0.0,
        snapshots: Path = Path(),
        recorder: Callable[[], Any] | None = None,
    ) -> None:
        self._painter, self._show, self._crossfade = painter, show, crossfade
        self._snapshots, self._recorder = snapshots, recorder
        self._split, self._overlay, self._recording = False, True, False
        self.loop: LiveLoop | None = None
        self.saved: list[Path] = []

    def __call__(self, painted: UInt8Array, original: UInt8Array, report: LiveReport) -> UInt8Array | None:
        """Shows a frame; returns what outputs get (without the overlay), or None to stop."""
        out = painted
        if self._split:
            middle = painted.shape[1] // 2
            out = painted.copy()
            out[:, :middle] = original[:, :middle]
            out[:, max(middle - 1, 0) : middle + 1] = 255
        key = self._show(self._drawn(out, report) if self._overlay else out)
        return out if self._press(key, out) else None

    def _drawn(self, picture: UInt8Array, report: LiveReport) -> UInt8Array:
        drawn = picture.copy()
        rates = f"{report.fps_out:.0f} frames/s  {1e3 * report.delay:.0f} ms  {report.dropped} dropped"
        recording = "  REC" if self._recording else ""
        draw_text(drawn, f"{self._painter.name} {self._painter.strength:.0%}  {rates}{recording}", (8, 20))
        return drawn

    def _press(self, key: str, picture: UInt8Array) -> bool:
        """Does what a key asks for; False to quit."""
        now, painter = time.monotonic(), self._painter
        if key == "q" or key == "\x1b":
            return False
        if key in ("n", "p"):
            painter.choose(painter.number + (1 if key == "n" else -1), now, self._crossfade)
        elif key in ("+", "=", "-"):
            painter.set_strength(painter.strength + (-0.1 if key == "-" else 0.1), now)
        elif key == "s":
            self._split = not self._split
        elif key == "o":
            self._overlay = not self._overlay
        elif key == "c":
            self._snapshot(picture)
        elif key == "r" and self.loop is not None and self._recorder is not None:
            if self._recording:
                self.loop.remove("recording")
            else:
                self.loop.add("recording", self._recorder())
            self._recording = not self._recording
        return True

    def _snapshot(self, picture: UInt8Array) -> None:
        cv2 = load_cv2()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = self._snapshots / f"videostyle-{stamp}-{len(self.saved):03d}.png"
        ok, data = cv2.imencode(".png", np.ascontiguousarray(bgr_to_rgb(picture)))
        if ok:
            path.write_bytes(data.tobytes())
            self.saved.append(path)
