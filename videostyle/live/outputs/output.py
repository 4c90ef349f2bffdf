"""The interface of outputs, and the thread that feeds one.

Each output has a thread and a slot of its own. It takes the newest frame when it is ready for one, and never makes
painting wait. An output that fails is reported and gets no more frames; the others go on.
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

PATIENCE = 10.0  # seconds that an output may take for its last frame


class Output(Protocol):
    """Takes painted frames, one after the other."""

    def open(self, width: int, height: int, fps: float) -> None:
        """Prepares for frames of ``width`` x ``height`` pixels at about ``fps`` frames/s.

        Raises:
            VideostyleError: if that is impossible.
        """

    def write(self, frame: LiveFrame) -> None:
        """Takes a frame. Called in the output's own thread.

        Raises:
            VideostyleError: if the output has failed for good.
        """

    def close(self) -> None:
        """Finishes the output. May be called twice.

        Raises:
            VideostyleError: if it cannot be finished.
        """


class OutputThread:
    """Opens an output and feeds it from a thread of its own.

    Args:
        name: for messages and the report.
        output: the output to feed.
        width: of the frames, pixels.
        height: of the frames, pixels.
        fps: expected rate, frames/s.

    Attributes:
        slot: the next frame to write.
        frames: frames written.
        latencies: times from capture until a frame was written.
        error: what made the output fail, or None.

    Raises:
        VideostyleError: if the output cannot be opened.
    """

    def __init__(self, name: str, output: Output, width: int, height: int, fps: float) -> None:
        self.name, self.output = name, output
        self.slot: LatestSlot[LiveFrame] = LatestSlot()
        self.frames = 0
        self.latencies = LatencyHistogram()
        self.error: VideostyleError | None = None
        output.open(width, height, fps)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self.slot.exhausted:
                frame = self.slot.get(0.5)
                if frame is not None:
                    self.output.write(frame)
                    self.frames += 1
                    self.latencies.add(time.monotonic() - frame.captured)
        except VideostyleError as error:
            self.error = error
        except Exception as error:  # libraries raise their own types, and nothing else watches this thread
            self.error = OutputError(
                f"{self.name} failed",
                str(error) or type(error).__name__,
                hint="check the disk, network or program that it goes to",
            )
        if self.error is not None:
            log.warning("%s; the run goes on without it", self.error)

    @property
    def alive(self) -> bool:
        """Whether it takes frames."""
        return self._thread.is_alive() and self.error is None

    def close(self) -> None:
        """Waits until the last frame is written, then finishes the output.

        Raises:
            VideostyleError: if it cannot be finished.
        """
        self.slot.close()
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            # The output is not closed: freeing what the thread still uses could crash the program.
            raise OutputError(
                f"{self.name} does not end",
                f"its last frame has taken more than {PATIENCE:.0f} s",
                hint="check the disk, network or program that it goes to",
            )
        self.output.close()
