"""What each key does: changes the painting, saves a snapshot, starts and ends a recording."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from videostyle.errors import VideostyleError
from videostyle.frames import UInt8Array, bgr_to_rgb
from videostyle.live.keys import PAGE_KEYS
from videostyle.live.loop import LiveLoop
from videostyle.live.outputs.output import Output
from videostyle.live.painter import LivePainter
from videostyle.live.stroke_sizes import next_step
from videostyle.media.opencv import load_cv2

NOTICE_SECONDS = 4.0  # how long a notice is shown
STEP = 0.1  # change of strength or canvas by one press of a key


class Controls:
    """Carries out keys, and knows what the viewer has to show of their effect.

    Keys are handled in one thread. ``compose`` may run in another.

    Args:
        painter: whose style, strength, canvas and strokes the keys change.
        crossfade: duration of a change of style, seconds.
        snapshots: folder for snapshots.
        recorder: creates a recording for the record key, and gives its name with it; None = the key does nothing.

    Attributes:
        loop: the loop that recordings are added to; None = the record key does nothing.
        recording: name of the recording in progress, "" = none.
        saved: snapshots saved so far.
    """

    def __init__(
        self,
        painter: LivePainter,
        *,
        crossfade: float = 0.0,
        snapshots: Path = Path(),
        recorder: Callable[[], tuple[str, Output]] | None = None,
    ) -> None:
        self._painter, self._crossfade = painter, crossfade
        self._snapshots, self._recorder = snapshots, recorder
        self._split = False
        self._finishing: list[str] = []  # recordings that are being finished
        self._notice, self._notice_until = "", 0.0
        self._picture: UInt8Array | None = None  # the picture composed last
        self.loop: LiveLoop | None = None
        self.recording = ""
        self.saved: list[Path] = []

    @property
    def notice(self) -> str:
        """A message for the user, "" = none; it disappears after ``NOTICE_SECONDS``."""
        return self._notice if time.monotonic() < self._notice_until else ""

    @property
    def status(self) -> str:
        """What is painted, in one line."""
        painter = self._painter
        canvas = f"  canvas {painter.canvas:.0%}  seed {painter.seed}" if painter.has_canvas else ""
        strokes = f"  strokes {painter.stroke_size:g}{', being prepared' if painter.is_preparing else ''}"
        return f"{painter.name} {painter.strength:.0%}{canvas}{strokes}"

    def compose(self, painted: UInt8Array, original: UInt8Array) -> UInt8Array:
        """Makes the picture for window and outputs, uint8 ``[H, W, 3]``: painted, with the original in a split view."""
        if self._split:
            middle = painted.shape[1] // 2
            painted = painted.copy()
            painted[:, :middle] = original[:, :middle]
            painted[:, max(middle - 1, 0) : middle + 1] = 255
        self._picture = painted
        return painted

    def press(self, key: str) -> bool:
        """Does what a key asks for, or says in a notice why that is impossible; False to end the run."""
        now, painter = time.monotonic(), self._painter
        if key in ("q", "\x1b"):  # Escape
            return False
        if key in ("n", "p"):
            painter.select_style(painter.style_index + (1 if key == "n" else -1), now, self._crossfade)
        elif key.isdecimal() and 1 <= int(key) <= painter.style_count:
            painter.select_style(int(key) - 1, now, self._crossfade)
        elif key in ("+", "=", "-"):
            if painter.can_interpolate:
                painter.set_strength(painter.strength + (-STEP if key == "-" else STEP), now)
            else:
                self._say("this style has no strength: it belongs to another base")
        elif key in (",", "."):
            painter.set_stroke_size(next_step(painter.stroke_size, larger=key == "."))
        elif key in ("[", "]", "e"):
            self._change_canvas(key, now)
        elif key == "s":
            self._split = not self._split
        elif key == "c" and self._picture is not None:
            self._snapshot(self._picture)
        elif key == "r":
            self._toggle_recording()
        return True

    def press_remotely(self, key: str) -> str:
        """Does what a key of the page asks for; returns the status, figures, and the notice if there is one."""
        if key in PAGE_KEYS:
            self.press(key)
        recording = f"recording {self.recording}" if self.recording else ""
        return "  ".join(filter(None, [self.status, self.figures, recording, self.notice]))

    @property
    def figures(self) -> str:
        """Rate, delay and dropped frames so far, in one line; "" before anything is painted."""
        report = self.loop.report if self.loop is not None else None
        if report is None or not report.painted:
            return ""
        return f"{report.rate:.0f} frames/s  {1e3 * report.delay:.0f} ms  {report.dropped} dropped"

    def _change_canvas(self, key: str, now: float) -> None:
        painter = self._painter
        if not painter.has_canvas:
            self._say("this style has no canvas")
        elif key == "e":
            painter.set_seed(painter.seed + 1)
        else:
            painter.set_canvas(painter.canvas + (-STEP if key == "[" else STEP), now)

    def _say(self, text: str) -> None:
        self._notice, self._notice_until = text, time.monotonic() + NOTICE_SECONDS

    def _toggle_recording(self) -> None:
        if self.loop is None or self._recorder is None:
            return
        if self.recording:
            self.loop.remove(self.recording)
            self._say(f"finishing {self.recording}")
            self._finishing.append(self.recording)
            self.recording = ""
            return
        try:
            name, output = self._recorder()
            self.loop.add(name, output)
        except VideostyleError as error:
            self._say(str(error))
            return
        self.recording = name

    def check_recordings(self) -> None:
        """Says in a notice when a recording has failed, and when one is finished; to be called regularly."""
        if self.loop is None:
            return
        error = self.loop.error_of(self.recording) if self.recording else None
        if error is not None:
            self.loop.remove(self.recording)  # keeps what was recorded until then
            self._say(str(error))
            self.recording = ""
        for name in list(self._finishing):
            figures = self.loop.report.outputs.get(name)
            if figures is not None:
                self._finishing.remove(name)
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
