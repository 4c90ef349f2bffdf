"""What takes live frames, and how each output gets them: in a thread of its own, always the newest.

An output takes the newest frame when it has time for one; it never makes the painting wait. One that fails is
closed and said, or tried again with growing pauses where that makes sense; the others go on.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

from videostyle.errors import OutputError, VideostyleError
from videostyle.live.frame import LiveFrame
from videostyle.live.latest_slot import LatestSlot
from videostyle.live.telemetry import LatencyHistogram

log = logging.getLogger("videostyle")

PATIENCE = 10.0  # seconds for an output to hand on its last frame


class Output(Protocol):
    """Takes frames, one after the other, in a thread of its own."""

    def open(self, width: int, height: int, fps: float) -> None:
        """Gets ready."""

    def write(self, frame: LiveFrame) -> None:
        """Takes a frame."""

    def close(self) -> None:
        """Finishes. May be called twice."""


class OutputThread:
    """Feeds one output from a thread of its own.

    Args:
        name: for messages.
        output: what to feed.
        width: of the frames.
        height: of the frames.
        fps: expected rate.
    """

    def __init__(self, name: str, output: Output, width: int, height: int, fps: float) -> None:
        self.name, self.output = name, output
        self.slot: LatestSlot[LiveFrame] = LatestSlot()
        self.frames = 0
        self.delays = LatencyHistogram()
        self.error: VideostyleError | None = None
        output.open(width, height, fps)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self.slot.over:
                frame = self.slot.get(0.5)
                if frame is not None:
                    self.output.write(frame)
                    self.frames += 1
                    self.delays.add(time.monotonic() - frame.captured)
        except VideostyleError as error:
            self.error = error
        except Exception as error:  # libraries have errors of their own, and nobody else looks at this thread
            self.error = OutputError(f"{self.name} failed", str(error) or type(error).__name__)
        if self.error is not None:
            log.warning("%s; the rest goes on", self.error)

    @property
    def alive(self) -> bool:
        """Whether it still takes frames."""
        return self._thread.is_alive() and self.error is None

    def close(self) -> None:
        """Lets it finish what it has, then finishes the output.

        Raises:
            VideostyleError: if it cannot be finished.
        """
        self.slot.close()
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            # Whatever it hangs in must not be freed under it.
            raise OutputError(f"{self.name} does not end", f"it has hung for {PATIENCE:.0f} s")
        self.output.close()
